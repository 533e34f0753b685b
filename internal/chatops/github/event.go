// Package github is what the chat commands need of GitHub: the event that started a workflow, comments, labels, permissions and runs.
package github

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
)

// maxEvent bounds an event file, in bytes. GitHub's own bound of a webhook is 25 MB.
const maxEvent = 25 << 20

// User is an account.
type User struct {
	ID    int64  `json:"id"`
	Login string `json:"login"`
	// Type is User, Bot or Organization.
	Type string `json:"type"`
}

// Bot says that the account is that of a program. Its name says nothing about that.
func (u User) Bot() bool { return u.Type == "Bot" }

// Issue is an issue, or a pull request.
type Issue struct {
	Number int    `json:"number"`
	Title  string `json:"title"`
	Body   string `json:"body"`
	State  string `json:"state"`
	Locked bool   `json:"locked"`
	URL    string `json:"html_url"`
	User   User   `json:"user"`
	Labels []Name `json:"labels"`
	// PullRequest is set for a pull request.
	PullRequest *struct{} `json:"pull_request"`
}

// Name is a label by its name.
type Name struct {
	Name string `json:"name"`
}

// Has says whether a label is on the issue.
func (i Issue) Has(label string) bool {
	return slices.ContainsFunc(i.Labels, func(l Name) bool { return l.Is(label) })
}

// Is says whether it is the label of that name: GitHub has no two that differ in case alone.
func (n Name) Is(label string) bool { return strings.EqualFold(n.Name, label) }

// Note is a comment in an event.
type Note struct {
	ID   int64  `json:"id"`
	Body string `json:"body"`
	URL  string `json:"html_url"`
	User User   `json:"user"`
}

// Event is what started a workflow.
type Event struct {
	// Name is what GitHub calls the event: issue_comment, issues, workflow_dispatch, workflow_run.
	Name       string `json:"-"`
	Action     string `json:"action"`
	Repository struct {
		FullName      string `json:"full_name"`
		DefaultBranch string `json:"default_branch"`
	} `json:"repository"`
	Sender      User              `json:"sender"`
	Issue       *Issue            `json:"issue"`
	Comment     *Note             `json:"comment"`
	Label       *Name             `json:"label"`
	Inputs      map[string]string `json:"inputs"`
	WorkflowRun *Run              `json:"workflow_run"`
}

// Run is a run of a workflow.
type Run struct {
	ID    int64  `json:"id"`
	Event string `json:"event"`
	// Path is the file of the workflow, of which GitHub may say the branch behind an @.
	Path           string `json:"path"`
	HeadSHA        string `json:"head_sha"`
	HeadBranch     string `json:"head_branch"`
	URL            string `json:"html_url"`
	Conclusion     string `json:"conclusion"`
	HeadRepository struct {
		FullName string `json:"full_name"`
		Owner    User   `json:"owner"`
	} `json:"head_repository"`
}

var repository = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9-]{0,38}/[A-Za-z0-9._-]{1,100}$`)

// ReadEvent reads an event file. The name is that of the event; without one it is told by what the event has.
func ReadEvent(file, name string) (Event, error) {
	f, err := os.Open(file)
	if err != nil {
		return Event{}, fmt.Errorf("read event: %w", err)
	}
	defer f.Close()
	e, err := DecodeEvent(f)
	if err != nil {
		return Event{}, fmt.Errorf("read event %s: %w", file, err)
	}
	if e.Name = name; name == "" {
		e.Name = e.guessName()
	}
	return e, nil
}

// DecodeEvent reads an event and checks what it says of itself.
func DecodeEvent(r io.Reader) (Event, error) {
	var e Event
	d := json.NewDecoder(io.LimitReader(r, maxEvent))
	if err := d.Decode(&e); err != nil {
		return Event{}, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return Event{}, errors.New("something follows the event")
	}
	if !repository.MatchString(e.Repository.FullName) {
		return Event{}, fmt.Errorf("it names no repository: %.120q", e.Repository.FullName)
	}
	if e.Issue != nil && e.Issue.Number <= 0 || e.Comment != nil && e.Comment.ID <= 0 {
		return Event{}, errors.New("its issue or comment has no number")
	}
	return e, nil
}

func (e Event) guessName() string {
	switch {
	case e.WorkflowRun != nil:
		return "workflow_run"
	case e.Comment != nil:
		return "issue_comment"
	case e.Issue != nil:
		return "issues"
	}
	return "workflow_dispatch"
}
