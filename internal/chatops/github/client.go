package github

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	gh "github.com/google/go-github/v62/github"

	"github.com/labring-actions/cluster-image/internal/chatops/policy"
)

// pageSize is the most entries that GitHub gives at once.
const pageSize = 100

// maxPages bounds a listing. What is longer is an error, since a decision must not rest on a part.
const maxPages = 30

// ErrTooMany says that a listing is longer than is read.
var ErrTooMany = errors.New("more entries than are read")

// ErrNotFound says that there is no such thing, or that the token may not see it.
var ErrNotFound = errors.New("not found")

// Options say how GitHub is reached.
type Options struct {
	// URL is that of the API; empty is https://api.github.com.
	URL string
	// Repository is OWNER/NAME.
	Repository string
	Token      string
	// TeamsToken may read the members of teams; empty takes Token.
	TeamsToken string
	Clock      Clock
	// Tell is told of waits; nil is silent.
	Tell func(format string, args ...any)
	// Transport is that of net/http when nil.
	Transport http.RoundTripper
}

// Client talks about one repository.
type Client struct {
	api, teams *gh.Client
	// plain has no token.
	plain       *http.Client
	owner, name string
}

// New makes a client.
func New(o Options) (*Client, error) {
	owner, name, _ := strings.Cut(o.Repository, "/")
	if !repository.MatchString(o.Repository) {
		return nil, fmt.Errorf("%.120q is no repository: want OWNER/NAME", o.Repository)
	}
	base, err := url.Parse(strings.TrimSuffix(o.URL, "/") + "/")
	if err != nil {
		return nil, fmt.Errorf("address of GitHub: %w", err)
	}
	make := func(token string) *gh.Client {
		c := gh.NewClient(&http.Client{Transport: o.transport(), Timeout: 20 * time.Minute}).WithAuthToken(token)
		if o.URL != "" {
			c.BaseURL = base
		}
		return c
	}
	c := &Client{api: make(o.Token), owner: owner, name: name}
	c.plain = &http.Client{Transport: o.transport(), Timeout: 20 * time.Minute, CheckRedirect: followed}
	c.teams = c.api
	if o.TeamsToken != "" {
		c.teams = make(o.TeamsToken)
	}
	return c, nil
}

func (o Options) transport() http.RoundTripper {
	r := &retrier{next: o.Transport, clock: o.Clock, tell: o.Tell}
	if r.next == nil {
		r.next = http.DefaultTransport
	}
	if r.tell == nil {
		r.tell = func(string, ...any) {}
	}
	return r
}

// explain makes an error of go-github one of ours.
func explain(what string, err error) error {
	var e *gh.ErrorResponse
	if errors.As(err, &e) && e.Response.StatusCode == http.StatusNotFound {
		return fmt.Errorf("%s: %w", what, ErrNotFound)
	}
	return fmt.Errorf("%s: %w", what, err)
}

// status is that of a refused request; 0 when it was not refused by its status.
func status(err error) int {
	var e *gh.ErrorResponse
	if errors.As(err, &e) {
		return e.Response.StatusCode
	}
	return 0
}

// Permission is none, read, write or admin.
func (c *Client) Permission(ctx context.Context, u policy.User) (string, error) {
	p, _, err := c.api.Repositories.GetPermissionLevel(ctx, c.owner, c.name, url.PathEscape(u.Login))
	switch {
	case status(err) == http.StatusNotFound:
		return "none", nil
	case err != nil:
		return "", explain("ask for the permission of "+u.Login, err)
	}
	// A name can be given to another account between the event and now.
	if id := p.GetUser().GetID(); id != 0 && id != u.ID {
		return "none", nil
	}
	return p.GetPermission(), nil
}

// Member says whether an account is an active member of a team.
func (c *Client) Member(ctx context.Context, org, team string, u policy.User) (bool, error) {
	m, _, err := c.teams.Teams.GetTeamMembershipBySlug(ctx, org, team, url.PathEscape(u.Login))
	switch {
	case status(err) == http.StatusNotFound:
		return false, nil
	case err != nil:
		return false, explain("ask for the team "+org+"/"+team, err)
	}
	return m.GetState() == "active", nil
}

// Issue reads an issue as it is now.
func (c *Client) Issue(ctx context.Context, number int) (Issue, error) {
	i, _, err := c.api.Issues.Get(ctx, c.owner, c.name, number)
	if err != nil {
		return Issue{}, explain(fmt.Sprintf("read issue %d", number), err)
	}
	out := Issue{Number: i.GetNumber(), Title: i.GetTitle(), Body: i.GetBody(), State: i.GetState(), URL: i.GetHTMLURL(), User: userOf(i.User)}
	for _, l := range i.Labels {
		out.Labels = append(out.Labels, Name{l.GetName()})
	}
	return out, nil
}

func userOf(u *gh.User) User { return User{ID: u.GetID(), Login: u.GetLogin(), Type: u.GetType()} }

// AddLabels puts labels on an issue.
func (c *Client) AddLabels(ctx context.Context, number int, labels ...string) error {
	if _, _, err := c.api.Issues.AddLabelsToIssue(ctx, c.owner, c.name, number, labels); err != nil {
		return explain("add labels", err)
	}
	return nil
}

// RemoveLabel takes a label off an issue. One that is not there is off.
func (c *Client) RemoveLabel(ctx context.Context, number int, label string) error {
	_, err := c.api.Issues.RemoveLabelForIssue(ctx, c.owner, c.name, number, url.PathEscape(label))
	if err == nil || status(err) == http.StatusNotFound {
		return nil
	}
	return explain("remove label", err)
}

// CancelRun ends a run of a workflow. One that has ended is no error.
func (c *Client) CancelRun(ctx context.Context, id int64) error {
	_, err := c.api.Actions.CancelWorkflowRunByID(ctx, c.owner, c.name, id)
	var accepted *gh.AcceptedError
	if err == nil || errors.As(err, &accepted) || status(err) == http.StatusConflict || status(err) == http.StatusNotFound {
		return nil
	}
	return explain(fmt.Sprintf("cancel run %d", id), err)
}

// PullRequest is the open pull request that a branch's head is that of; 0 when there is none.
func (c *Client) PullRequest(ctx context.Context, owner, branch, sha string) (int, error) {
	o := &gh.PullRequestListOptions{State: "open", Head: owner + ":" + branch, ListOptions: gh.ListOptions{PerPage: pageSize}}
	list, _, err := c.api.PullRequests.List(ctx, c.owner, c.name, o)
	if err != nil {
		return 0, explain("find the pull request", err)
	}
	for _, p := range list {
		if p.GetHead().GetSHA() == sha {
			return p.GetNumber(), nil
		}
	}
	return 0, nil
}
