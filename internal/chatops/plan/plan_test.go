package plan_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/labring-actions/cluster-image/internal/chatops/github"
	"github.com/labring-actions/cluster-image/internal/chatops/plan"
	"github.com/labring-actions/cluster-image/internal/chatops/policy"
	"github.com/labring-actions/cluster-image/internal/chatops/record"
)

const bot = 41898282

var now = time.Date(2026, 11, 27, 8, 0, 0, 0, time.UTC)

// hub is what is asked of GitHub, with answers that a test sets.
type hub struct {
	permission map[string]string
	comments   []github.Comment
	recent     []github.Comment
	err        error
}

func (h *hub) Permission(_ context.Context, u policy.User) (string, error) {
	return h.permission[u.Login], h.err
}

func (h *hub) Member(context.Context, string, string, policy.User) (bool, error) { return false, h.err }

func (h *hub) Comments(context.Context, int) ([]github.Comment, error) { return h.comments, nil }

func (h *hub) Since(context.Context, time.Time) ([]github.Comment, error) { return h.recent, h.err }

func (h *hub) Comment(_ context.Context, id int64) (github.Comment, error) {
	for _, c := range h.comments {
		if c.ID == id {
			return c, nil
		}
	}
	return github.Comment{}, github.ErrNotFound
}

// answered adds a reply of the bot with a record.
func (h *hub) answered(r record.Record) {
	r.Run, r.Attempt = max(r.Run, 1), max(r.Attempt, 1)
	c := github.Comment{ID: int64(1000 + len(h.comments)), Body: r.String() + "\ntext", User: github.User{ID: bot, Type: "Bot"}, Created: now.Add(-time.Hour)}
	h.comments, h.recent = append(h.comments, c), append(h.recent, c)
}

func planner(t *testing.T, h *hub) *plan.Planner {
	t.Helper()
	root := t.TempDir()
	for _, dir := range []string{
		"applications/nginx/latest", "applications/openebs/latest", "applications/openebs-lvm/latest", "applications/kubelet/main",
		"configs/coredns/latest", "configs/nginx/latest", "dockerimages/nginx/latest",
	} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, dir, "Kubefile"), []byte("FROM scratch\nARG WORD\nCOPY . .\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	const app = "description: A tool\nhome: https://example.com\ncategories: [cli]\nversion: {v: never, example: 1.0.0}\nsources:\n  - binary: https://example.com/{version}/{arch}\nstart:\n  - install: opt/tool\n"
	for name, text := range map[string]string{"tool": app, "channel": strings.Replace(app, "v: never, example: 1.0.0", "v: as-is, only: [stable], example: stable", 1)} {
		dir := filepath.Join(root, "applications", name, "latest")
		if err := errors.Join(os.MkdirAll(dir, 0o755), os.WriteFile(filepath.Join(dir, "app.yaml"), []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	p, err := policy.ReadFile("../../../.github/chatops.yml")
	if err != nil {
		t.Fatal(err)
	}
	out := &plan.Planner{Policy: p, Root: root, Now: func() time.Time { return now }, Run: 50, Attempt: 1}
	if h != nil {
		out.GitHub = h
	}
	return out
}

// event is one of a stranger's, as GitHub writes it.
func event(t *testing.T, format string, args ...any) github.Event {
	t.Helper()
	e, err := github.DecodeEvent(strings.NewReader(fmt.Sprintf(format, args...)))
	if err != nil {
		t.Fatal(err)
	}
	switch {
	case e.Comment != nil:
		e.Name = "issue_comment"
	case e.Issue != nil:
		e.Name = "issues"
	default:
		e.Name = "workflow_dispatch"
	}
	return e
}

const (
	user = `{"id":7,"login":"stranger","type":"User"}`
	repo = `"repository":{"full_name":"labring-actions/cluster-image"}`
)

func comment(t *testing.T, body string) github.Event {
	b, _ := json.Marshal(body)
	return event(t, `{"action":"created",%s,"sender":%s,"issue":{"number":3,"state":"open","user":%[2]s},"comment":{"id":99,"body":%[3]s,"user":%[2]s}}`, repo, user, b)
}

func decide(t *testing.T, p *plan.Planner, e github.Event) plan.Plan {
	t.Helper()
	got, err := p.Plan(t.Context(), e)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// TestDocument: the plan is one strict document that reads the same again.
func TestDocument(t *testing.T) {
	t.Parallel()
	got := decide(t, planner(t, &hub{}), comment(t, "/imagebuild_apps nginx 1.23.1 1.24.0"))
	if got.Action != plan.DoBuild || len(got.Builds) != 2 || len(got.Waves) != 1 || got.Source.Key != "comment-99" || got.Offline {
		t.Fatalf("%+v", got)
	}
	b := got.Builds[0]
	if b.ID != "apps-nginx-1.23.1" || b.Image != "docker.io/labring/nginx:1.23.1" || b.Concurrency != b.Image || b.Recipe != "applications/nginx/latest" || b.Check() != nil {
		t.Errorf("%+v", b)
	}
	file := filepath.Join(t.TempDir(), "plan.json")
	text, _ := json.Marshal(got)
	if err := os.WriteFile(file, text, 0o644); err != nil {
		t.Fatal(err)
	}
	again, err := plan.ReadFile(file)
	if err != nil || fmt.Sprint(again.Builds) != fmt.Sprint(got.Builds) {
		t.Errorf("%+v, %v", again, err)
	}
	for _, wrong := range []string{string(text) + "{}", strings.Replace(string(text), `"version":1`, `"version":2`, 1), strings.Replace(string(text), `"action"`, `"actoin"`, 1)} {
		if err := os.WriteFile(file, []byte(wrong), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := plan.ReadFile(file); err == nil {
			t.Errorf("read: %.80s", wrong)
		}
	}
}

func TestIgnored(t *testing.T) {
	t.Parallel()
	botUser := `{"id":41898282,"login":"github-actions[bot]","type":"Bot"}`
	otherBot := `{"id":5,"login":"renovate[bot]","type":"Bot"}`
	for name, e := range map[string]github.Event{
		"edited":        event(t, `{"action":"edited",%s,"sender":%s,"issue":{"number":3,"state":"open"},"comment":{"id":9,"body":"/imagebuild_apps nginx 1","user":%[2]s}}`, repo, user),
		"deleted":       event(t, `{"action":"deleted",%s,"sender":%s,"issue":{"number":3,"state":"open"},"comment":{"id":9,"body":"/imagebuild_apps nginx 1","user":%[2]s}}`, repo, user),
		"own":           event(t, `{"action":"created",%s,"sender":%s,"issue":{"number":3,"state":"open"},"comment":{"id":9,"body":"/imagebuild_apps nginx 1","user":%[2]s}}`, repo, botUser),
		"bot":           event(t, `{"action":"created",%s,"sender":%s,"issue":{"number":3,"state":"open"},"comment":{"id":9,"body":"/imagebuild_apps nginx 1","user":%[2]s}}`, repo, otherBot),
		"other sender":  event(t, `{"action":"created",%s,"sender":{"id":8},"issue":{"number":3,"state":"open"},"comment":{"id":9,"body":"/imagebuild_apps nginx 1","user":%s}}`, repo, user),
		"other label":   event(t, `{"action":"labeled",%s,"sender":%s,"label":{"name":"bug"},"issue":{"number":3,"state":"open","body":"/imagebuild_apps nginx 1","user":%[2]s}}`, repo, user),
		"no permission": event(t, `{"action":"labeled",%s,"sender":%s,"label":{"name":"accepted"},"issue":{"number":3,"state":"open","body":"/imagebuild_k8s","user":%[2]s}}`, repo, user),
		"chatter":       comment(t, "nice, thanks"),
		"quoted":        comment(t, "> /imagebuild_apps nginx 1"),
	} {
		if got := decide(t, planner(t, &hub{}), e); got.Action != plan.DoIgnore || got.Why == "" || len(got.Builds) > 0 {
			t.Errorf("%s: %+v", name, got)
		}
	}
	// A user whose name looks like a bot's is a user, and a bot that the policy names is read.
	e := event(t, `{"action":"created",%s,"sender":{"id":6,"login":"x[bot]","type":"User"},"issue":{"number":3,"state":"open"},"comment":{"id":9,"body":"/imagebuild_apps nginx 1","user":{"id":6,"login":"x[bot]","type":"User"}}}`, repo)
	if got := decide(t, planner(t, &hub{}), e); got.Action != plan.DoBuild {
		t.Errorf("%+v", got)
	}
	p := planner(t, &hub{})
	p.Policy.Bots = []int64{5}
	if got := decide(t, p, event(t, `{"action":"created",%s,"sender":%s,"issue":{"number":3,"state":"open"},"comment":{"id":9,"body":"/imagebuild_apps nginx 1","user":%[2]s}}`, repo, otherBot)); got.Action != plan.DoBuild {
		t.Errorf("%+v", got)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]struct {
		reason     plan.Reason
		problem    string
		suggestion string
	}{
		"/imagebuild_apps openebs lvm-1.0.1":             {plan.BadCommand, "a word in front of its number", "/imagebuild_apps openebs-lvm 1.0.1"},
		"/imagebuild_apps nginx stable":                  {plan.BadCommand, "a version has a number", ""},
		"/imagebuild_apps ngimx 1.0.0":                   {plan.NoRecipe, "not in the catalogue", "/imagebuild_apps nginx 1.0.0"},
		"/imagebuild_apps kubelet 1.0.0":                 {plan.NoRecipe, "its versions are main", ""},
		"/imagebuild_dockerimages zot v2.0.1":            {plan.NoRecipe, "not in the catalogue", ""},
		"/imagebuild_dockerimages nginx 1 OTHER=x":       {plan.NoRecipe, "declares no build argument OTHER", ""},
		"/imagebuild_configs nginx v0.0.1":               {plan.NoRecipe, "there is an application nginx too", "/imagebuild_apps nginx v0.0.1"},
		"/imagebuild_configs kubelet 1.0":                {plan.NoRecipe, "there is an application kubelet too", ""},
		"/imagebuild_apps ngimx stable":                  {plan.NoRecipe, "not in the catalogue", ""},
		"/imagebuild_apps channel edge":                  {plan.BadCommand, "a version has a number", ""},
		"/imagebuild_apps tool 1.0 1.1 v1.0":             {plan.BadCommand, "1.0 and v1.0 are one version of tool", "/imagebuild_apps tool 1.0 1.1"},
		"/imagebuild_k8s":                                {plan.NotAllowed, "write permission", ""},
		"/imagebuild_docker_k8s v5.0.1":                  {plan.NotAllowed, "write permission", ""},
		"/imagebuild_apps nginx 1 --force":               {plan.NotAllowed, "to replace a tag", ""},
		"/imagebuild_cancel":                             {plan.NotAllowed, "to cancel builds", ""},
		"/imagebuild_k8s_docker":                         {plan.BadCommand, "no command", "/imagebuild_docker_k8s"},
		"/imagebuild_apps nginx 1 2 3 4 5 6 7 8 9 10 11": {plan.OverLimit, "at most 10", ""},
	} {
		got := decide(t, planner(t, &hub{}), comment(t, body))
		r := got.Refusal
		if got.Action != plan.DoAnswer || r == nil || r.Reason != want.reason || !strings.Contains(r.Problem, want.problem) || r.Suggestion != want.suggestion || len(got.Waves) > 0 {
			t.Errorf("%s: %s %+v", body, got.Action, r)
		}
	}
	for _, body := range []string{"/imagebuild_apps kubelet main", "/imagebuild_apps channel stable"} { // a directory, and a version that a recipe names
		if got := decide(t, planner(t, &hub{}), comment(t, body)); got.Action != plan.DoBuild {
			t.Errorf("%s: %+v", body, got.Refusal)
		}
	}
}

// TestKinds: each kind has recipes, an engine and a registry of its own.
func TestKinds(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]plan.Build{
		"/imagebuild_configs coredns v0.0.1": {Image: "docker.io/labring/coredns:v0.0.1", Recipe: "configs/coredns/latest", Engine: plan.InProcess},
		"/imagebuild_dockerimages nginx 1.0 WORD=a": {
			Image: "docker.io/labring4docker/nginx:1.0", Recipe: "dockerimages/nginx/latest", Engine: plan.OnDagger, Arguments: []string{"WORD=a"},
		},
	} {
		got := decide(t, planner(t, &hub{}), comment(t, body))
		if got.Action != plan.DoBuild || len(got.Builds) != 1 {
			t.Errorf("%s: %+v", body, got)
			continue
		}
		b := got.Builds[0]
		if b.Image != want.Image || b.Recipe != want.Recipe || b.Engine != want.Engine || !slices.Equal(b.Arguments, want.Arguments) || b.Check() != nil {
			t.Errorf("%s: %+v, %v", body, b, b.Check())
		}
	}
}

func TestPlaces(t *testing.T) {
	t.Parallel()
	for _, issue := range []string{`"state":"closed"`, `"state":"open","pull_request":{}`} {
		e := event(t, `{"action":"created",%s,"sender":%s,"issue":{"number":3,%s},"comment":{"id":9,"body":"/imagebuild_apps nginx 1","user":%[2]s}}`, repo, user, issue)
		if got := decide(t, planner(t, &hub{}), e); got.Action != plan.DoAnswer || got.Refusal.Reason != plan.BadPlace {
			t.Errorf("%s: %+v", issue, got)
		}
	}
	e := event(t, `{"action":"created",%s,"sender":%s,"issue":{"number":3,"state":"open","title":"【Auto-build】nginz"},"comment":{"id":9,"body":"/imagebuild_apps nginx 1","user":%[2]s}}`, repo, user)
	if got := decide(t, planner(t, &hub{}), e); got.Action != plan.DoAnswer || !strings.Contains(got.Refusal.Problem, "the title") {
		t.Errorf("%+v", got)
	}
}

// TestHandledOnce: the same comment is planned once; another attempt of the same run goes on, and what the bot did not write counts for nothing.
func TestHandledOnce(t *testing.T) {
	t.Parallel()
	e := comment(t, "/imagebuild_apps nginx 1.0.0")
	for _, s := range []record.State{record.Accepted, record.Running, record.Done, record.Failed, record.Refused} {
		h := &hub{}
		h.answered(record.Record{Key: "comment-99", User: 7, State: s, Run: 49})
		if got := decide(t, planner(t, h), e); got.Action != plan.DoIgnore {
			t.Errorf("%s: %+v", s, got)
		}
	}
	h := &hub{}
	h.answered(record.Record{Key: "comment-99", User: 7, State: record.Failed, Run: 50, Attempt: 1})
	p := planner(t, h)
	p.Attempt = 2
	if got := decide(t, p, e); got.Action != plan.DoBuild {
		t.Errorf("another attempt: %+v", got)
	}
	h.comments[0].User = github.User{ID: 7}
	if got := decide(t, planner(t, h), e); got.Action != plan.DoBuild {
		t.Errorf("a record that somebody else wrote counts: %+v", got)
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	h := &hub{permission: map[string]string{}}
	for i := range 19 {
		h.answered(record.Record{Key: fmt.Sprintf("comment-%d", i+1), User: 7, State: record.Done, Builds: 1})
	}
	h.answered(record.Record{Key: "comment-50", User: 8, State: record.Done, Builds: 100})
	if got := decide(t, planner(t, h), comment(t, "/imagebuild_apps nginx 1.0.0")); got.Action != plan.DoBuild {
		t.Errorf("%+v", got.Refusal)
	}
	got := decide(t, planner(t, h), comment(t, "/imagebuild_apps nginx 1.0.0 1.0.1"))
	if got.Refusal == nil || got.Refusal.Reason != plan.OverLimit {
		t.Errorf("%+v", got)
	}
	h.permission["stranger"] = "write"
	if got := decide(t, planner(t, h), comment(t, "/imagebuild_apps nginx 1.0.0 1.0.1")); got.Action != plan.DoBuild {
		t.Errorf("a maintainer is limited: %+v", got.Refusal)
	}
	// What can't be counted is too much.
	h = &hub{err: github.ErrTooMany}
	if got, err := planner(t, h).Plan(t.Context(), comment(t, "/imagebuild_apps nginx 1.0.0")); err == nil && got.Action == plan.DoBuild {
		t.Errorf("%+v", got)
	}
	h = &hub{err: errors.New("no answer")}
	if got, err := planner(t, h).Plan(t.Context(), comment(t, "/imagebuild_apps nginx 1.0.0")); err == nil {
		t.Errorf("built without an answer: %+v", got)
	}
}

// TestRefusalsAreBounded: after some answers without a build, nothing is said any more.
func TestRefusalsAreBounded(t *testing.T) {
	t.Parallel()
	h := &hub{}
	for i := range 5 {
		if got := decide(t, planner(t, h), comment(t, "/imagebuild_help")); got.Action != plan.DoAnswer {
			t.Fatalf("%d: %+v", i, got)
		}
		h.answered(record.Record{Key: fmt.Sprintf("comment-%d", i+1), User: 7, State: record.Refused})
	}
	for _, body := range []string{"/imagebuild_help", "/imagebuild_appz nginx 1", "/imagebuild_k8s"} {
		if got := decide(t, planner(t, h), comment(t, body)); got.Action != plan.DoIgnore {
			t.Errorf("%s: %+v", body, got)
		}
	}
	if got := decide(t, planner(t, h), comment(t, "/imagebuild_apps nginx 1.0.0")); got.Action != plan.DoBuild {
		t.Errorf("%+v", got)
	}
	h.permission = map[string]string{"stranger": "write"}
	if got := decide(t, planner(t, h), comment(t, "/imagebuild_help")); got.Action != plan.DoAnswer {
		t.Errorf("%+v", got)
	}
}

// labelled is a maintainer's label on an issue with a body.
func labelled(t *testing.T, body string) github.Event {
	b, _ := json.Marshal(body)
	return event(t, `{"action":"labeled",%s,"sender":{"id":8,"login":"maintainer","type":"User"},"label":{"name":"Accepted"},
		"issue":{"number":3,"state":"open","body":%s,"user":%s,"labels":[{"name":"Accepted"}]}}`, repo, b, user)
}

func TestAccepted(t *testing.T) {
	t.Parallel()
	const line = "/imagebuild_apps nginx 1.0.0 --force"
	maintained := func() *hub { return &hub{permission: map[string]string{"maintainer": "write"}} }
	hash := decide(t, planner(t, maintained()), labelled(t, line)).Hash
	waiting := record.Record{Key: "comment-99", User: 7, State: record.Waiting, Hash: hash}

	t.Run("the body", func(t *testing.T) {
		got := decide(t, planner(t, maintained()), labelled(t, line))
		if got.Action != plan.DoBuild || !got.Accepted || !got.Builds[0].Force || got.Source.Key != "issue-3" || got.Source.By != "maintainer" {
			t.Errorf("%+v", got)
		}
	})
	t.Run("a body that was changed after it was answered", func(t *testing.T) {
		h := maintained()
		h.answered(record.Record{Key: "issue-3", User: 7, State: record.Waiting, Hash: hash})
		got := decide(t, planner(t, h), labelled(t, "/imagebuild_apps nginx 6.6.6 --force"))
		if got.Action != plan.DoAnswer || got.Refusal.Reason != plan.Edited || got.Accepted || got.Hash == hash {
			t.Errorf("%+v", got)
		}
	})
	t.Run("a comment that waits", func(t *testing.T) {
		h := maintained()
		h.comments = append(h.comments, github.Comment{ID: 99, Body: line, User: github.User{ID: 7, Login: "stranger"}})
		h.answered(waiting)
		got := decide(t, planner(t, h), labelled(t, "I would like an image"))
		if got.Action != plan.DoBuild || got.Source.Key != "comment-99" || got.Source.User != 7 {
			t.Errorf("%+v", got)
		}
	})
	t.Run("a comment that waits, below a text that has its answer", func(t *testing.T) {
		for body, state := range map[string]record.State{
			"/imagebuild_app nginx 1.0.0 --force": record.Refused, "/imagebuild_apps gone 1.0.0": record.Refused, "/imagebuild_apps nginx 2.0.0": record.Failed,
			"/imagebuild_apps nginx 3.0.0": record.Done, "/imagebuild_apps nginx 4.0.0": record.Running,
		} {
			h := maintained()
			h.comments = append(h.comments, github.Comment{ID: 99, Body: line, User: github.User{ID: 7, Login: "stranger"}})
			h.answered(record.Record{Key: "issue-3", User: 7, State: state, Hash: strings.Repeat("b", 64)})
			h.answered(waiting)
			if got := decide(t, planner(t, h), labelled(t, body)); got.Action != plan.DoBuild || got.Source.Key != "comment-99" {
				t.Errorf("%s, %s: %+v", body, state, got)
			}
		}
	})
	t.Run("a comment that was changed", func(t *testing.T) {
		h := maintained()
		h.comments = append(h.comments, github.Comment{ID: 99, Body: "/imagebuild_apps nginx 6.6.6 --force", User: github.User{ID: 7}})
		h.answered(waiting)
		if got := decide(t, planner(t, h), labelled(t, "")); got.Action != plan.DoAnswer || got.Refusal.Reason != plan.Edited || got.Accepted {
			t.Errorf("%+v", got)
		}
	})
	t.Run("two different requests wait", func(t *testing.T) {
		h := maintained()
		h.answered(waiting)
		h.answered(record.Record{Key: "comment-100", User: 7, State: record.Waiting, Hash: strings.Repeat("a", 64)})
		if got := decide(t, planner(t, h), labelled(t, "")); got.Action != plan.DoAnswer || got.Accepted {
			t.Errorf("%+v", got)
		}
	})
	t.Run("the same request once more, and another one", func(t *testing.T) {
		h := maintained()
		h.answered(record.Record{Key: "issue-3", User: 7, State: record.Failed, Hash: hash, Label: true, Builds: 1})
		for body, want := range map[string]plan.Action{line: plan.DoBuild, "/imagebuild_apps nginx 6.6.6 --force": plan.DoAnswer} {
			b, _ := json.Marshal(body)
			for labels, allowed := range map[string]bool{`[{"name":"accepted"}]`: true, `[]`: false} {
				e := event(t, `{"action":"created",%s,"sender":%s,"issue":{"number":3,"state":"open","labels":%s},"comment":{"id":98,"body":%s,"user":%[2]s}}`, repo, user, labels, b)
				expect := want
				if !allowed {
					expect = plan.DoAnswer
				}
				if got := decide(t, planner(t, h), e); got.Action != expect {
					t.Errorf("%s with labels %s: %+v", body, labels, got)
				}
			}
		}
	})
}

// TestWaves: no matrix is larger than GitHub takes.
func TestWaves(t *testing.T) {
	t.Parallel()
	p := planner(t, nil)
	var lines []plan.Scheduled
	for i := range 450 {
		lines = append(lines, plan.Scheduled{Name: "nginx", Version: fmt.Sprintf("1.0.%d", i), At: "x:1"})
	}
	got, err := p.Schedule(lines)
	if err != nil || len(got.Waves) != 3 || len(got.Waves[0].Build) != 200 || len(got.Waves[2].Build) != 50 || !got.Builds[0].Moving {
		t.Errorf("%d waves, %v", len(got.Waves), err)
	}
	if _, err := p.Schedule(append(lines, append(slices.Clone(lines), lines...)...)); err == nil {
		t.Error("more than three waves")
	}
}

func TestSchedule(t *testing.T) {
	t.Parallel()
	got, err := plan.ReadSchedule(fstest.MapFS{
		"a.txt": {Data: []byte("# comment\nnginx:1.0.0\n\n  openebs-lvm:latest # weekly\r\n!kubelet:main\n")}, "b.txt": {Data: []byte("nginx:latest\n")}, "c.md": {Data: []byte("x")},
	})
	want := "[{nginx 1.0.0 false false a.txt:2} {openebs-lvm latest false false a.txt:4} {kubelet main true false a.txt:5} {nginx latest false false b.txt:1}]"
	if err != nil || fmt.Sprint(got) != want {
		t.Errorf("%v, %v", got, err)
	}
	made, err := planner(t, nil).Schedule(got)
	if err != nil || len(made.Builds) != 4 || made.Builds[2].Moving || !made.Builds[1].Moving {
		t.Errorf("%+v, %v", made.Builds, err)
	}
	_, err = plan.ReadSchedule(fstest.MapFS{"a.txt": {Data: []byte("nginx\nnginx:../x\nNginx:1\nnginx:1.0\nnginx:1.0\n")}})
	for _, part := range []string{"a.txt:1", "a.txt:2", "a.txt:3", "a.txt:5: nginx:1.0 is in a.txt:4 already"} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("no %q in %v", part, err)
		}
	}
	for _, version := range []string{"1.0", "latest"} {
		_, err := planner(t, nil).Schedule([]plan.Scheduled{{Name: "gone", Version: version, At: "a.txt:9"}})
		if err == nil || !strings.Contains(err.Error(), `a.txt:9: "gone" is not in the catalogue`) {
			t.Errorf("gone:%s: %v", version, err)
		}
	}
	_, err = planner(t, nil).Schedule([]plan.Scheduled{{Name: "tool", Version: "1.0", At: "a.txt:1"}, {Name: "tool", Version: "v1.0", At: "a.txt:2"}})
	if err == nil || err.Error() != "a.txt:2: tool:v1.0 is in a.txt:1 already, as 1.0" {
		t.Errorf("one image twice: %v", err)
	}
}

func TestChanged(t *testing.T) {
	t.Parallel()
	p := planner(t, nil)
	if err := os.WriteFile(filepath.Join(p.Root, "applications/nginx/README.md"), []byte("    cluster-image build nginx 1.29.1 --push x\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	got, err := p.Changed([]string{
		"applications/nginx/latest/Kubefile", "applications/nginx/latest/x", "applications/nginx/README.md", "applications/kubelet/main/Kubefile", "docs/x.md",
		"applications/gone/latest/Kubefile", "applications/../x/y/z", "applications/openebs/latest/a/b", "",
	}, nil)
	if err != nil || len(got.Builds) != 2 || got.Builds[0].ID != "apps-nginx-1.29.1" || got.Builds[1].ID != "apps-kubelet-main" || !strings.Contains(got.Why, "openebs") {
		t.Errorf("%+v, %v", got, err)
	}
	if err := os.WriteFile(filepath.Join(p.Root, "dockerimages/nginx/README.md"), []byte("`/imagebuild_dockerimages nginx 1.2`\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	got, err = p.Changed([]string{"dockerimages/nginx/latest/Kubefile", "configs/coredns/latest/Kubefile"}, []plan.Scheduled{{Name: "coredns", Version: "1.0"}})
	if err != nil || len(got.Builds) != 1 || got.Builds[0].ID != "dockerimages-nginx-1.2" || got.Builds[0].Engine != plan.OnDagger || !strings.Contains(got.Why, "coredns") {
		t.Errorf("%+v, %v", got, err)
	}
	got, err = p.Changed([]string{"applications/nginx/latest/Kubefile"}, []plan.Scheduled{{Name: "nginx", Version: "1.0.0"}})
	if err != nil || got.Builds[0].Version != "1.0.0" {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestReadBuild(t *testing.T) {
	t.Parallel()
	good := `{"id":"apps-nginx-1","kind":"apps","name":"nginx","version":"1","image":"docker.io/x/nginx:1","runner":["ubuntu-24.04"],"engine":"process","concurrency":"x"}`
	if _, err := plan.ReadBuild(good); err != nil {
		t.Fatal(err)
	}
	for _, wrong := range [][2]string{
		{`"name":"nginx"`, `"name":"../x"`}, {`"version":"1"`, `"version":"--help"`}, {"nginx:1", "nginx"}, {"apps-nginx-1", "x/../y"}, {`"process"`, `"bash"`},
		{`"kind":"apps"`, `"kind":"x"`}, {"ubuntu-24.04", "a b"}, {"{", `{"more":1,`}, {"}", "}{}"}, {`"runner"`, `"platforms":["linux/s390x"],"runner"`},
		{`"runner"`, `"arguments":["A=b --c"],"runner"`},
	} {
		if _, err := plan.ReadBuild(strings.Replace(good, wrong[0], wrong[1], 1)); err == nil {
			t.Errorf("read with %s", wrong[1])
		}
	}
}

func TestOutdated(t *testing.T) {
	t.Parallel()
	lines, err := plan.ReadSchedule(fstest.MapFS{"a.txt": {Data: []byte("nginx:1.0.0\nnginx:outdated\n*:outdated\n")}})
	if err != nil {
		t.Fatal(err)
	}
	newer := []plan.Newer{{Name: "nginx", Newest: "1.2.0"}, {Name: "openebs", Newest: "3.0.0"}}
	made, err := planner(t, nil).Schedule(plan.Expand(lines, newer))
	if err != nil || len(made.Builds) != 3 || made.Builds[1].ID != "apps-nginx-1.2.0" || made.Builds[1].Moving || made.Builds[2].ID != "apps-openebs-3.0.0" {
		t.Errorf("%+v, %v", made.Builds, err)
	}
	// What is new is what a line has already, written in another way.
	lines = append(lines, plan.Scheduled{Name: "tool", Version: "1.0", At: "a.txt:4"})
	made, err = planner(t, nil).Schedule(plan.Expand(lines, []plan.Newer{{Name: "tool", Newest: "v1.0"}}))
	if err != nil || len(made.Builds) != 2 {
		t.Errorf("%+v, %v", made.Builds, err)
	}
	if got := plan.Expand(lines, nil); len(got) != 2 {
		t.Errorf("%+v", got)
	}
	if _, err := plan.ReadSchedule(fstest.MapFS{"a.txt": {Data: []byte("!nginx:outdated\n*:1.0\n")}}); err == nil || !strings.Contains(err.Error(), "a.txt:2") {
		t.Errorf("%v", err)
	}
}
