package github_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/labring-actions/cluster-image/internal/chatops/github"
	"github.com/labring-actions/cluster-image/internal/chatops/github/githubtest"
	"github.com/labring-actions/cluster-image/internal/chatops/policy"
)

// clock stands still but for what is slept, which it keeps.
type clock struct {
	now    time.Time
	sleeps []time.Duration
}

func (c *clock) Now() time.Time { return c.now }

func (c *clock) Sleep(ctx context.Context, d time.Duration) error {
	c.sleeps = append(c.sleeps, d)
	c.now = c.now.Add(d)
	return ctx.Err()
}

func client(t *testing.T, s *githubtest.Server) (*github.Client, *clock) {
	t.Helper()
	at := &clock{now: s.Now}
	c, err := github.New(github.Options{URL: s.URL, Repository: githubtest.Repository, Token: "t", Clock: at})
	if err != nil {
		t.Fatal(err)
	}
	return c, at
}

// faults gives so many bad answers, then the server's own.
func faults(n int, bad http.HandlerFunc) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if n--; n < 0 {
			return false
		}
		bad(w, r)
		return true
	}
}

func refuse(status int, header map[string]string, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for k, v := range header {
			w.Header().Set(k, v)
		}
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}
}

func TestWaits(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 11, 27, 8, 0, 0, 0, time.UTC)
	for name, tt := range map[string]struct {
		n    int
		bad  http.HandlerFunc
		want string
	}{
		"seconds":         {1, refuse(429, map[string]string{"Retry-After": "7"}, "{}"), "[7s]"},
		"a date":          {1, refuse(403, map[string]string{"Retry-After": start.Add(90 * time.Second).Format(http.TimeFormat)}, "{}"), "[1m30s]"},
		"primary limit":   {1, refuse(403, map[string]string{"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": fmt.Sprint(start.Add(2 * time.Minute).Unix())}, "{}"), "[2m0s]"},
		"secondary limit": {2, refuse(403, nil, `{"message":"You have exceeded a secondary rate limit."}`), "[1m0s 1m0s]"},
		"server errors":   {3, refuse(502, nil, ""), "[1s 2s 4s]"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := githubtest.New(t)
			s.Issues[1] = &githubtest.Issue{Number: 1}
			s.Fault = faults(tt.n, tt.bad)
			c, at := client(t, s)
			if _, err := c.Comments(t.Context(), 1); err != nil || fmt.Sprint(at.sleeps) != tt.want {
				t.Errorf("slept %v, want %s: %v", at.sleeps, tt.want, err)
			}
			if got := s.Count("GET"); got != tt.n+1 {
				t.Errorf("asked %d times", got)
			}
		})
	}
}

func TestGivesUp(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		bad   http.HandlerFunc
		calls int
		busy  bool
	}{
		"an absurd wait":       {refuse(429, map[string]string{"Retry-After": "1000000000"}, "{}"), 1, true},
		"a limit without end":  {refuse(429, map[string]string{"Retry-After": "200"}, "{}"), 4, true},
		"errors without end":   {refuse(500, nil, ""), 6, false},
		"a missing permission": {refuse(403, nil, `{"message":"Resource not accessible by integration"}`), 1, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := githubtest.New(t)
			s.Fault = faults(100, tt.bad)
			c, _ := client(t, s)
			_, err := c.Comments(t.Context(), 1)
			if err == nil || errors.Is(err, github.ErrBusy) != tt.busy || s.Count("") != tt.calls {
				t.Errorf("%d calls, %v", s.Count(""), err)
			}
		})
	}
}

// TestCommentOnce: an answer that is lost makes no second comment.
func TestCommentOnce(t *testing.T) {
	t.Parallel()
	for _, stands := range []bool{true, false} {
		s := githubtest.New(t)
		s.Issues[1] = &githubtest.Issue{Number: 1}
		first := true
		s.Fault = func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method != http.MethodPost || !first {
				return false
			}
			first = false
			if stands {
				s.Comments = append(s.Comments, &githubtest.Comment{ID: 5, Issue: 1, Body: "mine", User: githubtest.Bot, Created: s.Now})
			}
			w.WriteHeader(http.StatusBadGateway)
			return true
		}
		c, _ := client(t, s)
		m, err := c.CreateComment(t.Context(), 1, "mine", func(m github.Comment) bool { return m.Body == "mine" })
		if err != nil || m.Body != "mine" || len(s.On(1, githubtest.Bot)) != 1 {
			t.Errorf("stands %v: %+v, %v, %d comments", stands, m, err, len(s.On(1, githubtest.Bot)))
		}
	}
}

func TestPages(t *testing.T) {
	t.Parallel()
	s := githubtest.New(t)
	for i := range 250 {
		s.Say(1, githubtest.Bot, fmt.Sprint(i))
	}
	c, _ := client(t, s)
	all, err := c.Comments(t.Context(), 1)
	if err != nil || len(all) != 250 || all[249].Body != "249" {
		t.Fatalf("%d, %v", len(all), err)
	}
	recent, err := c.Since(t.Context(), all[240].Created)
	if err != nil || len(recent) != 10 {
		t.Fatalf("%d, %v", len(recent), err)
	}
	for range 3000 {
		s.Say(1, githubtest.Bot, "")
	}
	if _, err := c.Comments(t.Context(), 1); !errors.Is(err, github.ErrTooMany) {
		t.Errorf("a part of a listing was taken for all: %v", err)
	}
}

func TestPermissionAndTeams(t *testing.T) {
	t.Parallel()
	s := githubtest.New(t)
	s.Permissions["w"] = "write"
	s.Teams["labring/web/w"] = true
	c, _ := client(t, s)
	ask := func(login string) string {
		p, err := c.Permission(t.Context(), policy.User{ID: 1, Login: login})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	if ask("w") != "write" || ask("x") != "read" {
		t.Error("wrong permission")
	}
	for login, want := range map[string]bool{"w": true, "x": false} {
		if ok, err := c.Member(t.Context(), "labring", "web", policy.User{Login: login}); err != nil || ok != want {
			t.Errorf("%s: %v, %v", login, ok, err)
		}
	}
	// The name belongs to another account by now.
	s.Fault = faults(1, refuse(200, map[string]string{"Content-Type": "application/json"}, `{"permission":"admin","user":{"id":2}}`))
	if p, err := c.Permission(t.Context(), policy.User{ID: 1, Login: "w"}); err != nil || p != "none" {
		t.Errorf("%s, %v", p, err)
	}
	s.Fault = faults(1, refuse(404, nil, "{}"))
	if p, err := c.Permission(t.Context(), policy.User{ID: 1, Login: "w"}); err != nil || p != "none" {
		t.Errorf("%s, %v", p, err)
	}
}

func TestLabelsAndRuns(t *testing.T) {
	t.Parallel()
	s := githubtest.New(t)
	s.Issues[1] = &githubtest.Issue{Number: 1, Labels: []string{"build: queued"}}
	c, _ := client(t, s)
	for _, err := range []error{
		c.AddLabels(t.Context(), 1, "build: done"), c.RemoveLabel(t.Context(), 1, "build: queued"), c.RemoveLabel(t.Context(), 1, "build: queued"),
		c.CancelRun(t.Context(), 9),
	} {
		if err != nil {
			t.Error(err)
		}
	}
	if got := s.Labels(1); len(got) != 1 || got[0] != "build: done" || s.Count("POST /repos/"+githubtest.Repository+"/actions/runs/9/cancel") != 1 {
		t.Errorf("%v", got)
	}
}

func TestEvents(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"repository":{"full_name":"o/r"},"issue":{"number":1},"comment":{"id":2}}`: "",
		`{"repository":{"full_name":"o/r"},"issue":{"number":1},"comment":{}}`:       "no number",
		`{"repository":{"full_name":"o/../r"}}`:                                      "names no repository",
		`{"repository":{"full_name":"o/r"}} {}`:                                      "something follows",
		`{"repository":`:                                                             "unexpected EOF",
	} {
		_, err := github.DecodeEvent(strings.NewReader(body))
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v", body, err)
		}
	}
}
