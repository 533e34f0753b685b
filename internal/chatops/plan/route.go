package plan

import (
	"fmt"
	"slices"

	"github.com/labring-actions/cluster-image/internal/chatops/github"
)

// route finds the text, who wrote it, and the key of the request. It says why an event is none of ours.
func (a *asked) route(e github.Event) string {
	a.by = e.Sender
	switch e.Name {
	case "issue_comment":
		return a.comment(e)
	case "issues":
		return a.issue(e)
	case "workflow_dispatch":
		return a.dispatch(e)
	}
	return fmt.Sprintf("an event of the kind %.60q holds no command", e.Name)
}

func (a *asked) comment(e github.Event) string {
	switch {
	case e.Action != "created":
		return "only a comment that is created is read, and this one is " + e.Action
	case e.Comment == nil || e.Issue == nil:
		return "the event has no comment"
	case e.Comment.User.ID != e.Sender.ID:
		return "the comment is not the sender's"
	}
	a.body, a.user = e.Comment.Body, e.Comment.User
	return a.on(e.Issue, fmt.Sprintf("comment-%d", e.Comment.ID))
}

func (a *asked) issue(e github.Event) string {
	switch {
	case e.Issue == nil:
		return "the event has no issue"
	case e.Action == "labeled" && e.Label != nil && e.Label.Is(a.Policy.Label.Name):
		a.labelled = true
	case e.Action != "opened":
		return "only an issue that is opened, or labelled " + a.Policy.Label.Name + ", is read"
	case e.Issue.User.ID != e.Sender.ID:
		return "the issue is not the sender's"
	}
	a.body, a.user = e.Issue.Body, e.Issue.User
	return a.on(e.Issue, fmt.Sprintf("issue-%d", e.Issue.Number))
}

// dispatch is a run by hand, which takes write permission.
func (a *asked) dispatch(e github.Event) string {
	a.body, a.user = e.Inputs["command"], e.Sender
	a.plan.Source.Key, a.plan.Source.User, a.plan.Source.Login = fmt.Sprintf("run-%d", a.Run), e.Sender.ID, e.Sender.Login
	return ""
}

// on notes the issue, and turns programs away.
func (a *asked) on(i *github.Issue, key string) string {
	s := &a.plan.Source
	s.Key, s.Issue, s.User, s.Login, a.title = key, i.Number, a.user.ID, a.user.Login, i.Title
	if a.labelled {
		s.By = a.by.Login
	}
	for _, u := range []github.User{a.user, a.by} {
		if u.ID == a.Policy.Bot || u.Bot() && !slices.Contains(a.Policy.Bots, u.ID) {
			return "it comes from a program that the policy does not name"
		}
	}
	return ""
}
