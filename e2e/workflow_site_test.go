package e2e

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/labring-actions/cluster-image/internal/chatops/github/githubtest"
)

// ended fires the event of the end of a run, which left what it left.
func (s *stage) ended(run int64, how githubtest.Run, left map[string]string) map[string]jobResult {
	s.t.Helper()
	s.github.Lock()
	if s.github.Runs == nil {
		s.github.Runs = map[int64]githubtest.Run{}
	}
	s.github.Runs[run] = how
	if record := left["builds"]; record != "" {
		text, err := os.ReadFile(filepath.Join(record, "builds.json"))
		if err != nil {
			s.t.Fatal(err)
		}
		s.github.Artifacts = append([]githubtest.Artifact{{ID: run, Run: run, Name: "builds", Created: time.Now(), Files: map[string]string{"builds.json": string(text)}}}, s.github.Artifacts...)
	}
	s.github.Unlock()
	s.kept = left
	return s.fire("site.yml", "workflow_run", map[string]any{
		"action": "completed", "repository": repositoryOf(), "sender": userOf(stranger),
		"workflow_run": map[string]any{"id": float64(run), "event": how.Event, "conclusion": "success", "head_branch": how.Branch},
	})
}

// site is a file of the site that was written last.
func (s *stage) site(path string) string {
	s.t.Helper()
	b, err := os.ReadFile(filepath.Join(s.dir, "write-0", "_site", path))
	if err != nil {
		s.t.Fatalf("%v\n%s", err, s.log())
	}
	return string(b)
}

// TestSite plays it from a comment to the page that tells when the version was built last, and again with the next version: the site's own record is
// where the former build comes from.
func TestSite(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.github.Pages = map[string]string{}
	byComment := githubtest.Run{Event: "issue_comment", Path: ".github/workflows/imagebuild.yml", Branch: "main", Repository: githubtest.Repository}
	for i, version := range []string{"1.0.0", "1.1.0"} {
		s.github.Jobs = done("apps-hello-" + version)
		s.comment(stranger, "/imagebuild_apps hello "+version)
		digest, page := digests.FindString(s.last()), fmt.Sprintf("https://github.com/%s/actions/runs/%d", githubtest.Repository, s.run)
		jobs := s.ended(int64(s.run), byComment, s.artifacts)
		if jobs["write"].result != "success" || jobs["publish"].result != "success" {
			t.Fatalf("%+v\n%s", jobs, s.log())
		}
		record := s.site("builds.json")
		for _, want := range []string{`"name":"hello"`, `"version":"` + version + `"`, digest, page} {
			if !strings.Contains(record, want) {
				t.Errorf("the record has no %s\n%s", want, record)
			}
		}
		if strings.Count(record, "hello") != i+1 || !strings.Contains(s.site("app/hello.html"), `href="`+page+`"`) || !strings.Contains(s.site("zh/app/hello.html"), digest[7:19]) {
			t.Errorf("the build of %s is not on the site\n%s", version, record)
		}
		s.github.Pages["builds.json"] = record
		s.github.Artifacts = nil // they expire
	}
	for _, step := range s.scripts {
		if token := strings.Contains(strings.Join(step.env, "\n"), "TOKEN="); token && step.step != "Gather what was built" {
			t.Errorf("%s has a token", step.step)
		}
	}

	// A run that built nothing, and one that is a pull request's, write nothing.
	s.comment(stranger, "/imagebuild_help")
	if jobs := s.ended(int64(s.run), byComment, s.artifacts); jobs["write"].result != "skipped" || jobs["publish"].result != "skipped" {
		t.Errorf("%+v\n%s", jobs, s.log())
	}
	byPull := byComment
	byPull.Event = "pull_request"
	if jobs := s.ended(900, byPull, s.forged()); jobs["write"].result != "skipped" || jobs["publish"].result != "skipped" {
		t.Errorf("%+v\n%s", jobs, s.log())
	}

	// Each change of the catalogue writes the site, and keeps the record; what the pull request left stays out.
	jobs := s.fire("site.yml", "push", map[string]any{"repository": repositoryOf(), "sender": userOf(maintainer)})
	if jobs["publish"].result != "success" || s.site("builds.json") != s.github.Pages["builds.json"] {
		t.Errorf("%+v\n%s\n%s", jobs, s.site("builds.json"), s.log())
	}

	// A site that does not show its record is not written over.
	s.github.Fault = func(w http.ResponseWriter, r *http.Request) bool {
		if strings.HasPrefix(r.URL.Path, "/site/") {
			w.WriteHeader(http.StatusForbidden)
			return true
		}
		return false
	}
	jobs = s.fire("site.yml", "push", map[string]any{"repository": repositoryOf(), "sender": userOf(maintainer)})
	if jobs["write"].result != "failure" || jobs["publish"].result != "skipped" || s.ran("Write the site") || !strings.Contains(s.log(), "403") {
		t.Errorf("%+v\n%s", jobs, s.log())
	}
}

// forged is a record that the code of a pull request left.
func (s *stage) forged() map[string]string {
	dir := s.t.TempDir()
	writeFile(s.t, filepath.Join(dir, "builds.json"), `[{"name":"hello","version":"6.6.6","time":"2026-01-02T03:04:05Z","url":"https://evil.example.com"}]`, 0o644)
	return map[string]string{"builds": dir}
}
