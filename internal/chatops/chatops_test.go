package chatops_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/labring-actions/cluster-image/internal/chatops"
	"github.com/labring-actions/cluster-image/internal/chatops/github"
	"github.com/labring-actions/cluster-image/internal/chatops/github/githubtest"
	"github.com/labring-actions/cluster-image/internal/chatops/grammar"
	"github.com/labring-actions/cluster-image/internal/chatops/outcome"
	"github.com/labring-actions/cluster-image/internal/chatops/plan"
	"github.com/labring-actions/cluster-image/internal/chatops/policy"
	"github.com/labring-actions/cluster-image/internal/chatops/record"
)

// clock moves only when somebody sleeps.
type clock struct{ now time.Time }

func (c *clock) Now() time.Time { return c.now }

func (c *clock) Sleep(ctx context.Context, d time.Duration) error {
	c.now = c.now.Add(d)
	return ctx.Err()
}

// talk is a conversation about one build, by a run.
func talk(t *testing.T, s *githubtest.Server, run int64) chatops.Conversation {
	t.Helper()
	at := &clock{s.Now}
	c, err := github.New(github.Options{URL: s.URL, Repository: githubtest.Repository, Token: "t", Clock: at})
	if err != nil {
		t.Fatal(err)
	}
	command, err := grammar.Parse("/imagebuild_apps nginx 1.0.0")
	if err != nil {
		t.Fatal(err)
	}
	b := plan.Build{ID: "apps-nginx-1.0.0", Kind: grammar.Apps, Name: "nginx", Version: "1.0.0", Image: "docker.io/labring/nginx:1.0.0"}
	return chatops.Conversation{
		GitHub: c, Clock: at, Policy: policy.Policy{Bot: githubtest.Bot.ID, Label: policy.Label{Name: "accepted"}},
		Plan: plan.Plan{
			Action: plan.DoBuild, Command: &command, Text: command.String(), Hash: command.Hash(), Builds: []plan.Build{b},
			Source: plan.Source{Key: "comment-5", Issue: 1, User: 7, Run: run, Attempt: 1},
		},
	}
}

func hub(t *testing.T) *githubtest.Server {
	t.Helper()
	s := githubtest.New(t)
	s.Issues[1] = &githubtest.Issue{Number: 1}
	return s
}

func state(t *testing.T, s *githubtest.Server) record.State {
	t.Helper()
	all := s.On(1, githubtest.Bot)
	if len(all) != 1 {
		t.Fatalf("%d answers", len(all))
	}
	r, ok := record.Of(github.Comment{Body: all[0].Body, User: github.User{ID: githubtest.Bot.ID}}, githubtest.Bot.ID)
	if !ok {
		t.Fatalf("no record in %s", all[0].Body)
	}
	return r.State
}

// TestOneComment: from the first word to the last there is one comment, and the labels follow.
func TestOneComment(t *testing.T) {
	t.Parallel()
	s := hub(t)
	c := talk(t, s, 5)
	if proceed, err := c.Open(t.Context()); !proceed || err != nil || state(t, s) != record.Accepted || !slices.Equal(s.Labels(1), []string{"build: queued"}) {
		t.Fatalf("%v, %v, %v", proceed, err, s.Labels(1))
	}
	const name = "apps-nginx-1.0.0 / build"
	s.Jobs = [][]githubtest.Job{
		{{Name: "watch", Status: "in_progress"}, {Name: name, Status: "queued"}},
		{{Name: name, Status: "in_progress", Steps: []githubtest.Step{{Name: "Download", Status: "completed"}, {Name: "Registry save", Status: "in_progress"}}}},
		{{Name: name, Status: "in_progress", Steps: []githubtest.Step{{Name: "Build", Status: "completed"}, {Name: "Push", Status: "in_progress"}}}},
		{{Name: name, Status: "completed", Conclusion: "success"}},
	}
	said := map[string]bool{}
	s.Fault = func(_ http.ResponseWriter, r *http.Request) bool {
		if strings.HasSuffix(r.URL.Path, "/jobs") {
			for _, word := range []string{"queued", "running: Registry save", "running: Push"} {
				said[word] = said[word] || strings.Contains(s.Comments[0].Body, word)
			}
		}
		return false
	}
	if err := c.Watch(t.Context()); err != nil || state(t, s) != record.Running || !said["running: Registry save"] || !said["running: Push"] {
		t.Fatalf("%v, said %v", err, said)
	}
	got, err := c.Close(t.Context(), []outcome.Outcome{{Build: c.Plan.Builds[0], State: outcome.Pushed}}, false)
	if err != nil || got != record.Done || state(t, s) != record.Done || !slices.Equal(s.Labels(1), []string{"build: done"}) {
		t.Errorf("%s, %v, %v", got, err, s.Labels(1))
	}
}

// TestTwoRunsOfOneComment: of two runs that handle the same comment at once, one builds.
func TestTwoRunsOfOneComment(t *testing.T) {
	t.Parallel()
	s := hub(t)
	first, second := talk(t, s, 5), talk(t, s, 6)
	// The other run comments between this one's look and its own comment.
	once := true
	s.Fault = func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/comments") && once {
			once = false
			s.Unlock()
			proceed, err := first.Open(context.Background())
			s.Lock()
			if !proceed || err != nil {
				t.Errorf("the first run: %v, %v", proceed, err)
			}
		}
		return false
	}
	if proceed, err := second.Open(t.Context()); proceed || err != nil {
		t.Errorf("the second run: %v, %v", proceed, err)
	}
	if got := s.On(1, githubtest.Bot); len(got) != 1 || !strings.Contains(got[0].Body, "run=5") {
		t.Errorf("%+v", got)
	}
	if err := second.Watch(t.Context()); err == nil && s.Count("PATCH") > 0 {
		t.Error("the second run writes into the first one's answer")
	}
}

// TestEndings: what failed, what was cancelled, and jobs that never come.
func TestEndings(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		outcome   outcome.State
		cancelled bool
		want      record.State
	}{
		{outcome.Pushed, false, record.Done}, {outcome.Pushed, true, record.Done}, {outcome.Failed, false, record.Failed},
		{outcome.Lost, true, record.Cancelled}, {outcome.Lost, false, record.Failed},
	} {
		s := hub(t)
		c := talk(t, s, 5)
		if _, err := c.Open(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := c.Watch(t.Context()); err != nil { // no job at all: it ends by itself
			t.Fatal(err)
		}
		got, err := c.Close(t.Context(), []outcome.Outcome{{Build: c.Plan.Builds[0], State: tt.outcome}}, tt.cancelled)
		if err != nil || got != tt.want || state(t, s) != tt.want {
			t.Errorf("%s, cancelled %v: %s, %v", tt.outcome, tt.cancelled, got, err)
		}
	}
}

// TestWithoutAnIssue: a run by hand has nobody to answer.
func TestWithoutAnIssue(t *testing.T) {
	t.Parallel()
	s := hub(t)
	c := talk(t, s, 5)
	c.Plan.Source.Issue = 0
	proceed, err := c.Open(t.Context())
	if !proceed || err != nil || len(s.Calls) != 0 {
		t.Errorf("%v, %v, %v", proceed, err, s.Calls)
	}
	c.Plan.Action = plan.DoIgnore
	if proceed, err := c.Open(t.Context()); proceed || err != nil {
		t.Errorf("%v, %v", proceed, err)
	}
}

// TestLabelsThatFail: GitHub that refuses a label keeps nothing from being built.
func TestLabelsThatFail(t *testing.T) {
	t.Parallel()
	s := hub(t)
	s.Fault = func(w http.ResponseWriter, r *http.Request) bool {
		if strings.HasSuffix(r.URL.Path, "/labels") {
			w.WriteHeader(http.StatusForbidden)
			return true
		}
		return false
	}
	c, told := talk(t, s, 5), false
	c.Tell = func(string, ...any) { told = true }
	if proceed, err := c.Open(t.Context()); !proceed || err != nil || !told {
		t.Errorf("%v, %v, told %v", proceed, err, told)
	}
}
