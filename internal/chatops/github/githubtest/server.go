// Package githubtest is a GitHub for tests: one repository with issues, comments, labels, permissions and runs, which records every call.
package githubtest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// Repository is the one that the server has.
const Repository = "labring-actions/cluster-image"

// Bot is the account that the token of the workflow comments as.
var Bot = User{ID: 41898282, Login: "github-actions[bot]", Type: "Bot"}

// User is an account.
type User struct {
	ID    int64  `json:"id"`
	Login string `json:"login"`
	Type  string `json:"type"`
}

// Issue is an issue of the repository.
type Issue struct {
	Number int
	Title  string
	Body   string
	User   User
	Labels []string
}

// Comment is a comment on an issue.
type Comment struct {
	ID      int64     `json:"id"`
	Issue   int       `json:"-"`
	Body    string    `json:"body"`
	User    User      `json:"user"`
	Created time.Time `json:"created_at"`
	URL     string    `json:"html_url"`
}

// Server is GitHub. Its fields may be changed between calls, under Lock.
type Server struct {
	URL string
	sync.Mutex
	Issues      map[int]*Issue
	Comments    []*Comment
	Permissions map[string]string
	// Teams has ORG/TEAM/LOGIN.
	Teams map[string]bool
	// Jobs are what a run has, one list for each time that it is asked; the last stays.
	Jobs [][]Job
	// Pulls has HEAD-OWNER:BRANCH.
	Pulls map[string]Pull
	// Artifacts are those of all runs, the newest first, and Runs what ran.
	Artifacts []Artifact
	Runs      map[int64]Run
	// Pages are the files of the repository's site, by their path; nil is a repository without one.
	Pages map[string]string
	// Calls are METHOD PATH of each request, in order.
	Calls []string
	// Fault answers a request in the place of the server if it says true.
	Fault func(w http.ResponseWriter, r *http.Request) bool
	// Now is the time of the next comment.
	Now time.Time

	next int64
}

// Job is a job of a run.
type Job struct {
	Name       string `json:"name"`
	Status     string `json:"status"`
	Conclusion string `json:"conclusion,omitempty"`
	Steps      []Step `json:"steps,omitempty"`
}

// Step is a step of a job.
type Step struct {
	Name   string `json:"name"`
	Status string `json:"status"`
}

// Pull is an open pull request.
type Pull struct {
	Number int
	SHA    string
}

// Artifact is what a run left.
type Artifact struct {
	ID, Run int64
	Name    string
	Created time.Time
	// Files are packed when they are fetched; Packed is given as it is, if it is there.
	Files  map[string]string
	Packed []byte
}

// Run is a run of a workflow.
type Run struct {
	Event, Path, Branch, Repository string
}

// New starts a server that the test ends.
func New(t testing.TB) *Server {
	s := &Server{
		Issues: map[int]*Issue{}, Permissions: map[string]string{}, Teams: map[string]bool{}, Pulls: map[string]Pull{},
		Now: time.Date(2026, 11, 27, 8, 0, 0, 0, time.UTC), next: 1000,
	}
	mux := http.NewServeMux()
	repo := "/repos/" + Repository
	for pattern, h := range map[string]http.HandlerFunc{
		"GET " + repo + "/issues/{number}":                     s.getIssue,
		"GET " + repo + "/issues/{number}/comments":            s.listComments,
		"POST " + repo + "/issues/{number}/comments":           s.createComment,
		"GET " + repo + "/issues/comments":                     s.listComments,
		"GET " + repo + "/one-comment/{id}":                    s.getComment,
		"PATCH " + repo + "/one-comment/{id}":                  s.editComment,
		"DELETE " + repo + "/one-comment/{id}":                 s.deleteComment,
		"POST " + repo + "/issues/{number}/labels":             s.addLabels,
		"DELETE " + repo + "/issues/{number}/labels/{name...}": s.removeLabel,
		"GET " + repo + "/collaborators/{login}/permission":    s.permission,
		"GET /orgs/{org}/teams/{team}/memberships/{login}":     s.member,
		"GET " + repo + "/actions/runs/{run}/jobs":             s.jobs,
		"POST " + repo + "/actions/runs/{run}/cancel":          func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusAccepted); fmt.Fprint(w, "{}") },
		"GET " + repo + "/pulls":                               s.pulls,
		"GET " + repo + "/actions/artifacts":                   s.listArtifacts,
		"GET " + repo + "/actions/artifacts/{id}/zip":          s.findArtifact,
		"GET " + repo + "/actions/runs/{run}":                  s.getRun,
		"GET " + repo + "/pages":                               s.findPages,
		"GET /storage/{id}":                                    s.fetchArtifact,
		"GET /site/{path...}":                                  s.fetchPage,
	} {
		mux.HandleFunc(pattern, h)
	}
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.Lock()
		defer s.Unlock()
		s.Calls = append(s.Calls, r.Method+" "+r.URL.Path)
		if s.Fault != nil && s.Fault(w, r) {
			return
		}
		open := strings.HasPrefix(r.URL.Path, "/storage/") || strings.HasPrefix(r.URL.Path, "/site/")
		if open && r.Header.Get("Authorization") != "" {
			t.Errorf("%s is not GitHub's API, and gets a token", r.URL.Path)
		}
		if !open && !strings.HasPrefix(r.Header.Get("Authorization"), "Bearer ") {
			http.Error(w, `{"message":"Requires authentication"}`, http.StatusUnauthorized)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		r.URL.Path = strings.Replace(r.URL.Path, "/issues/comments/", "/one-comment/", 1) // which the patterns could not tell from an issue's comments
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(h.Close)
	s.URL = h.URL
	return s
}

// Count is how many calls begin with the text.
func (s *Server) Count(prefix string) int {
	s.Lock()
	defer s.Unlock()
	n := 0
	for _, c := range s.Calls {
		if strings.HasPrefix(c, prefix) {
			n++
		}
	}
	return n
}

// On gives the comments of an account on an issue.
func (s *Server) On(number int, by User) []Comment {
	s.Lock()
	defer s.Unlock()
	var out []Comment
	for _, c := range s.Comments {
		if c.Issue == number && c.User.ID == by.ID {
			out = append(out, *c)
		}
	}
	return out
}

// Labels are those on an issue, sorted.
func (s *Server) Labels(number int) []string {
	s.Lock()
	defer s.Unlock()
	return slices.Sorted(slices.Values(s.Issues[number].Labels))
}

// Say adds a comment by somebody and gives its id.
func (s *Server) Say(number int, by User, body string) int64 {
	s.Lock()
	defer s.Unlock()
	return s.add(number, by, body).ID
}

func (s *Server) add(number int, by User, body string) *Comment {
	s.next++
	s.Now = s.Now.Add(time.Second)
	c := &Comment{
		ID: s.next, Issue: number, Body: body, User: by, Created: s.Now,
		URL: fmt.Sprintf("https://github.com/%s/issues/%d#issuecomment-%d", Repository, number, s.next),
	}
	s.Comments = append(s.Comments, c)
	return c
}

func answer(w http.ResponseWriter, v any) { _ = json.NewEncoder(w).Encode(v) }

func notFound(w http.ResponseWriter) {
	w.WriteHeader(http.StatusNotFound)
	fmt.Fprint(w, `{"message":"Not Found"}`)
}

func (s *Server) issue(w http.ResponseWriter, r *http.Request) *Issue {
	n, _ := strconv.Atoi(r.PathValue("number"))
	i := s.Issues[n]
	if i == nil {
		notFound(w)
	}
	return i
}

func (s *Server) getIssue(w http.ResponseWriter, r *http.Request) {
	i := s.issue(w, r)
	if i == nil {
		return
	}
	labels := []map[string]string{}
	for _, l := range i.Labels {
		labels = append(labels, map[string]string{"name": l})
	}
	answer(w, map[string]any{"number": i.Number, "title": i.Title, "body": i.Body, "state": "open", "user": i.User, "labels": labels})
}

func (s *Server) listComments(w http.ResponseWriter, r *http.Request) {
	number, _ := strconv.Atoi(r.PathValue("number"))
	since, _ := time.Parse(time.RFC3339, r.URL.Query().Get("since"))
	page, _ := strconv.Atoi(r.URL.Query().Get("page"))
	size, _ := strconv.Atoi(r.URL.Query().Get("per_page"))
	found := []*Comment{}
	for _, c := range s.Comments {
		if (number == 0 || c.Issue == number) && !c.Created.Before(since) {
			found = append(found, c)
		}
	}
	from := min(max(page-1, 0)*size, len(found))
	to := min(from+size, len(found))
	if to < len(found) {
		q := r.URL.Query()
		q.Set("page", strconv.Itoa(max(page, 1)+1))
		w.Header().Set("Link", fmt.Sprintf(`<%s%s?%s>; rel="next"`, s.URL, r.URL.Path, q.Encode()))
	}
	answer(w, found[from:to])
}

func (s *Server) createComment(w http.ResponseWriter, r *http.Request) {
	i := s.issue(w, r)
	if i == nil {
		return
	}
	var body struct{ Body string }
	_ = json.NewDecoder(r.Body).Decode(&body)
	if len([]rune(body.Body)) > 65536 {
		w.WriteHeader(http.StatusUnprocessableEntity)
		fmt.Fprint(w, `{"message":"Body is too long (maximum is 65536 characters)"}`)
		return
	}
	c := s.add(i.Number, Bot, body.Body)
	w.WriteHeader(http.StatusCreated)
	answer(w, c)
}

func (s *Server) comment(w http.ResponseWriter, r *http.Request) *Comment {
	id, _ := strconv.ParseInt(r.PathValue("id"), 10, 64)
	for _, c := range s.Comments {
		if c.ID == id {
			return c
		}
	}
	notFound(w)
	return nil
}

func (s *Server) getComment(w http.ResponseWriter, r *http.Request) {
	if c := s.comment(w, r); c != nil {
		answer(w, c)
	}
}

func (s *Server) editComment(w http.ResponseWriter, r *http.Request) {
	c := s.comment(w, r)
	if c == nil {
		return
	}
	var body struct{ Body string }
	_ = json.NewDecoder(r.Body).Decode(&body)
	c.Body = body.Body
	answer(w, c)
}

func (s *Server) deleteComment(w http.ResponseWriter, r *http.Request) {
	if c := s.comment(w, r); c != nil {
		s.Comments = slices.DeleteFunc(s.Comments, func(o *Comment) bool { return o == c })
		w.WriteHeader(http.StatusNoContent)
	}
}

func (s *Server) addLabels(w http.ResponseWriter, r *http.Request) {
	i := s.issue(w, r)
	if i == nil {
		return
	}
	var names []string
	if err := json.NewDecoder(r.Body).Decode(&names); err != nil {
		http.Error(w, err.Error(), http.StatusUnprocessableEntity)
		return
	}
	for _, n := range names {
		if !slices.Contains(i.Labels, n) {
			i.Labels = append(i.Labels, n)
		}
	}
	answer(w, []any{})
}

func (s *Server) removeLabel(w http.ResponseWriter, r *http.Request) {
	i := s.issue(w, r)
	if i == nil {
		return
	}
	name, _ := url.PathUnescape(r.PathValue("name"))
	if !slices.Contains(i.Labels, name) {
		notFound(w)
		return
	}
	i.Labels = slices.DeleteFunc(i.Labels, func(l string) bool { return l == name })
	answer(w, []any{})
}

func (s *Server) permission(w http.ResponseWriter, r *http.Request) {
	p, ok := s.Permissions[r.PathValue("login")]
	if !ok {
		p = "read"
	}
	answer(w, map[string]any{"permission": p})
}

func (s *Server) member(w http.ResponseWriter, r *http.Request) {
	if !s.Teams[r.PathValue("org")+"/"+r.PathValue("team")+"/"+r.PathValue("login")] {
		notFound(w)
		return
	}
	answer(w, map[string]any{"state": "active"})
}

func (s *Server) jobs(w http.ResponseWriter, _ *http.Request) {
	var now []Job
	if len(s.Jobs) > 0 {
		now = s.Jobs[0]
	}
	if len(s.Jobs) > 1 {
		s.Jobs = s.Jobs[1:]
	}
	answer(w, map[string]any{"total_count": len(now), "jobs": now})
}

func (s *Server) pulls(w http.ResponseWriter, r *http.Request) {
	out := []any{}
	if p, ok := s.Pulls[r.URL.Query().Get("head")]; ok {
		out = append(out, map[string]any{"number": p.Number, "head": map[string]any{"sha": p.SHA}})
	}
	answer(w, out)
}
