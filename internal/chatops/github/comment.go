package github

import (
	"context"
	"errors"
	"fmt"
	"time"

	gh "github.com/google/go-github/v62/github"
)

// Comment is a comment on an issue as it is now.
type Comment struct {
	ID      int64
	Body    string
	URL     string
	User    User
	Created time.Time
}

// Comments are all comments on an issue, the oldest first.
func (c *Client) Comments(ctx context.Context, number int) ([]Comment, error) {
	return c.list(ctx, number, &gh.IssueListCommentsOptions{})
}

// Since are the comments on all issues that were written or changed since then.
func (c *Client) Since(ctx context.Context, at time.Time) ([]Comment, error) {
	return c.list(ctx, 0, &gh.IssueListCommentsOptions{Since: &at})
}

func (c *Client) list(ctx context.Context, number int, o *gh.IssueListCommentsOptions) ([]Comment, error) {
	o.PerPage = pageSize
	var out []Comment
	for range maxPages {
		page, resp, err := c.api.Issues.ListComments(ctx, c.owner, c.name, number, o)
		if err != nil {
			return nil, explain("list comments", err)
		}
		for _, m := range page {
			out = append(out, commentOf(m))
		}
		if resp.NextPage == 0 {
			return out, nil
		}
		o.Page = resp.NextPage
	}
	return nil, fmt.Errorf("list comments: %w: more than %d", ErrTooMany, maxPages*pageSize)
}

func commentOf(m *gh.IssueComment) Comment {
	return Comment{ID: m.GetID(), Body: m.GetBody(), URL: m.GetHTMLURL(), User: userOf(m.User), Created: m.GetCreatedAt().Time}
}

// Comment reads one comment.
func (c *Client) Comment(ctx context.Context, id int64) (Comment, error) {
	m, _, err := c.api.Issues.GetComment(ctx, c.owner, c.name, id)
	if err != nil {
		return Comment{}, explain(fmt.Sprintf("read comment %d", id), err)
	}
	return commentOf(m), nil
}

// CreateComment comments on an issue. When the answer is lost the comment may stand nevertheless: then the one that is recognised by the function is
// looked for before another try.
func (c *Client) CreateComment(ctx context.Context, number int, body string, mine func(Comment) bool) (Comment, error) {
	var last error
	for range maxTries {
		m, _, err := c.api.Issues.CreateComment(ctx, c.owner, c.name, number, &gh.IssueComment{Body: &body})
		if err == nil {
			return commentOf(m), nil
		}
		last = explain("comment", err)
		if s := status(err); s != 0 && s < 500 || errors.Is(err, ErrBusy) || ctx.Err() != nil {
			return Comment{}, last
		}
		all, err := c.Comments(ctx, number)
		if err != nil {
			return Comment{}, errors.Join(last, err)
		}
		for _, m := range all {
			if mine(m) {
				return m, nil
			}
		}
	}
	return Comment{}, last
}

// EditComment replaces the text of a comment.
func (c *Client) EditComment(ctx context.Context, id int64, body string) error {
	if _, _, err := c.api.Issues.EditComment(ctx, c.owner, c.name, id, &gh.IssueComment{Body: &body}); err != nil {
		return explain(fmt.Sprintf("edit comment %d", id), err)
	}
	return nil
}

// DeleteComment deletes a comment. One that is gone is deleted.
func (c *Client) DeleteComment(ctx context.Context, id int64) error {
	_, err := c.api.Issues.DeleteComment(ctx, c.owner, c.name, id)
	if err == nil || status(err) == 404 {
		return nil
	}
	return explain(fmt.Sprintf("delete comment %d", id), err)
}
