package github

import (
	"context"
	"time"

	gh "github.com/google/go-github/v62/github"
)

// Job is a job of a run.
type Job struct {
	Name string
	// Status is queued, in_progress, completed or waiting; Conclusion is success, failure, cancelled, skipped.
	Status, Conclusion string
	Started            time.Time
	URL                string
	// Step is the step under way; empty when there is none.
	Step string
}

// Jobs are the jobs of a run's present attempt.
func (c *Client) Jobs(ctx context.Context, run int64) ([]Job, error) {
	o := &gh.ListWorkflowJobsOptions{Filter: "latest", ListOptions: gh.ListOptions{PerPage: pageSize}}
	var out []Job
	for range maxPages {
		page, resp, err := c.api.Actions.ListWorkflowJobs(ctx, c.owner, c.name, run, o)
		if err != nil {
			return nil, explain("list jobs", err)
		}
		for _, j := range page.Jobs {
			out = append(out, jobOf(j))
		}
		if resp.NextPage == 0 {
			return out, nil
		}
		o.Page = resp.NextPage
	}
	return nil, ErrTooMany
}

func jobOf(j *gh.WorkflowJob) Job {
	out := Job{Name: j.GetName(), Status: j.GetStatus(), Conclusion: j.GetConclusion(), Started: j.GetStartedAt().Time, URL: j.GetHTMLURL()}
	for _, s := range j.Steps {
		if s.GetStatus() == "in_progress" {
			out.Step = s.GetName()
		}
	}
	return out
}
