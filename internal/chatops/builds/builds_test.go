package builds_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/labring-actions/cluster-image/internal/chatops/builds"
	"github.com/labring-actions/cluster-image/internal/chatops/github"
	"github.com/labring-actions/cluster-image/internal/chatops/github/githubtest"
	"github.com/labring-actions/cluster-image/internal/history"
)

var now = time.Date(2026, 12, 1, 10, 0, 0, 0, time.UTC)

// clock does not wait.
type clock struct{}

func (clock) Now() time.Time                                   { return now }
func (clock) Sleep(ctx context.Context, _ time.Duration) error { return ctx.Err() }

// stage is a GitHub, who asks it, and what was left out.
type stage struct {
	*githubtest.Server
	builds.Gatherer
	warnings []string
}

func newStage(t *testing.T) *stage {
	t.Helper()
	s := &stage{Server: githubtest.New(t)}
	s.Runs = map[int64]githubtest.Run{}
	c, err := github.New(github.Options{URL: s.URL, Repository: githubtest.Repository, Token: "t", Clock: clock{}})
	if err != nil {
		t.Fatal(err)
	}
	s.Gatherer = builds.Gatherer{
		GitHub: c, Repository: githubtest.Repository, Branch: "main", Now: now,
		Warn: func(format string, args ...any) { s.warnings = append(s.warnings, fmt.Sprintf(format, args...)) },
	}
	return s
}

// own is a run that counts.
func own() githubtest.Run {
	return githubtest.Run{Event: "issue_comment", Path: ".github/workflows/imagebuild.yml@main", Branch: "main", Repository: githubtest.Repository}
}

func record(name, version string, before time.Duration) string {
	return fmt.Sprintf(`[{"name":%q,"version":%q,"time":%q}]`, name, version, now.Add(-before).Format(time.RFC3339))
}

// left has a run leave a record.
func (s *stage) left(id int64, before time.Duration, run githubtest.Run, text string) {
	s.Runs[id] = run
	s.Artifacts = append([]githubtest.Artifact{{ID: id, Run: id, Name: builds.Artifact, Created: now.Add(-before), Files: map[string]string{history.File: text}}}, s.Artifacts...)
}

func (s *stage) gather(t *testing.T) string {
	t.Helper()
	former, err := s.Published(t.Context(), s.URL+"/site/", "1-1")
	if err != nil {
		t.Fatal(err)
	}
	all, err := s.Since(t.Context(), former)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, b := range all {
		out = append(out, fmt.Sprintf("%s %s %s", b.Name, b.Version, now.Sub(b.Time)))
	}
	return strings.Join(out, ", ")
}

// TestSince: the site's record and all runs since come together. The last build counts, a run that was missed is made up for, and what is older than the
// record is not asked for again.
func TestSince(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.Pages = map[string]string{history.File: `[{"name":"web","version":"1.0.0","time":"2026-11-01T00:00:00Z"},{"name":"db","version":"2.0.0","time":"2026-11-28T10:00:00Z"}]`}
	s.left(1, 200*time.Hour, own(), record("old", "1.0.0", 200*time.Hour))
	s.left(2, 80*time.Hour, own(), record("web", "1.0.0", 80*time.Hour))
	s.left(3, 2*time.Hour, own(), record("web", "1.1.0", 3*time.Hour))
	scheduled := own()
	scheduled.Event, scheduled.Path = "schedule", ".github/workflows/schedule.yml"
	s.left(4, time.Hour, scheduled, record("web", "1.0.0", time.Hour))
	if got, want := s.gather(t), "db 2.0.0 72h0m0s, web 1.0.0 1h0m0s, web 1.1.0 3h0m0s"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if s.Count("GET /storage/1") != 0 || len(s.warnings) != 0 {
		t.Errorf("%v, %v", s.Calls, s.warnings)
	}
}

func TestTheFirstRecord(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.Pages = map[string]string{}
	if got := s.gather(t); got != "" {
		t.Errorf("%s", got)
	}
	s.left(1, 89*24*time.Hour, own(), record("web", "1.0.0", 89*24*time.Hour))
	if got, want := s.gather(t), "web 1.0.0 2136h0m0s"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// TestManyRuns are more than GitHub lists at once.
func TestManyRuns(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	for i := range 230 {
		s.left(int64(i+1), time.Hour, own(), record(fmt.Sprintf("app-%d", i), "1.0.0", time.Hour))
	}
	if got := s.gather(t); strings.Count(got, "app-") != 230 {
		t.Errorf("%d", strings.Count(got, "app-"))
	}
}

// TestForged: whatever a pull request, a fork or another workflow leaves, and what is no record, does not count, and does not keep the rest from it.
func TestForged(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.left(1, time.Hour, own(), record("web", "1.0.0", time.Hour))
	forge := func(id int64, change func(*githubtest.Run)) {
		r := own()
		change(&r)
		s.left(id, time.Hour, r, record("evil", "1.0.0", time.Hour))
	}
	forge(2, func(r *githubtest.Run) { r.Event = "pull_request" })
	forge(3, func(r *githubtest.Run) { r.Repository = "evil/cluster-image" })
	forge(4, func(r *githubtest.Run) { r.Branch = "patch-1" })
	forge(5, func(r *githubtest.Run) { r.Path = ".github/workflows/pr.yml" })
	forge(6, func(r *githubtest.Run) { r.Path = ".github/workflows/evil.yml@imagebuild.yml" })
	forge(7, func(r *githubtest.Run) { r.Event = "push" })
	s.left(8, time.Hour, own(), record("evil", "1.0.0", time.Hour))
	delete(s.Runs, 8)
	s.left(9, time.Hour, own(), `[{"name":"evil","version":"1.0.0","time":"2026-12-01T00:00:00Z","url":"javascript:alert(1)"}]`)
	s.left(10, time.Hour, own(), record("evil", "1.0.0", -48*time.Hour))
	s.left(11, time.Hour, own(), "")
	s.left(12, time.Hour, own(), record("evil", "1.0.0", time.Hour))
	s.Artifacts[0].Packed = []byte("no zip")
	s.left(13, time.Hour, own(), record("evil", "1.0.0", time.Hour))
	s.Artifacts[0].Files = map[string]string{"other.json": "[]"}
	if got, want := s.gather(t), "web 1.0.0 1h0m0s"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if len(s.warnings) != 12 {
		t.Errorf("%d warnings:\n%s", len(s.warnings), strings.Join(s.warnings, "\n"))
	}
}

// TestNoHistoryIsLost: only a record that is not there is none.
func TestNoHistoryIsLost(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	for name, answer := range map[string]func(http.ResponseWriter){
		"a failure":      func(w http.ResponseWriter) { w.WriteHeader(http.StatusInternalServerError) },
		"a refusal":      func(w http.ResponseWriter) { w.WriteHeader(http.StatusForbidden) },
		"a page":         func(w http.ResponseWriter) { fmt.Fprint(w, "<html>") },
		"an empty page":  func(http.ResponseWriter) {},
		"a wrong record": func(w http.ResponseWriter) { fmt.Fprint(w, `[{"name":"web"}]`) },
		"another place": func(w http.ResponseWriter) {
			w.Header().Set("Location", "http://192.0.2.1/builds.json")
			w.WriteHeader(http.StatusFound)
		},
	} {
		s.Fault = func(w http.ResponseWriter, _ *http.Request) bool { answer(w); return true }
		if got, err := s.Published(t.Context(), s.URL+"/site", "1-1"); err == nil {
			t.Errorf("%s: %v", name, got)
		}
	}
	s.Fault = nil
	s.left(1, time.Hour, own(), record("web", "1.0.0", time.Hour))
	for _, path := range []string{"/actions/artifacts", "/actions/runs/1", "/storage/1"} {
		s.Fault = func(w http.ResponseWriter, r *http.Request) bool {
			if strings.HasSuffix(r.URL.Path, path) {
				w.WriteHeader(http.StatusBadGateway)
				return true
			}
			return false
		}
		if got, err := s.Since(t.Context(), nil); err == nil {
			t.Errorf("%s fails: %v", path, got)
		}
	}
}
