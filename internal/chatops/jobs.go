package chatops

import (
	"slices"
	"strings"

	"github.com/labring-actions/cluster-image/internal/chatops/github"
	"github.com/labring-actions/cluster-image/internal/chatops/plan"
)

// underway says what each build is doing, by its id, and whether all are over. The job of a build is named after its id; a reusable workflow puts the
// name of its own job behind a slash.
func underway(builds []plan.Build, jobs []github.Job) (under map[string]string, over bool) {
	under = map[string]string{}
	over = true
	for _, b := range builds {
		j, ok := jobOf(b, jobs)
		if !ok {
			over = false
			continue
		}
		under[b.ID] = doing(j)
		over = over && j.Status == "completed"
	}
	return under, over
}

func jobOf(b plan.Build, jobs []github.Job) (github.Job, bool) {
	for _, j := range jobs {
		name, _, _ := strings.Cut(j.Name, " / ")
		if name == b.ID {
			return j, true
		}
	}
	return github.Job{}, false
}

// doing says it in a word or two.
func doing(j github.Job) string {
	switch {
	case j.Status == "completed" && j.Conclusion == "success":
		return "done"
	case j.Status == "completed":
		return j.Conclusion
	case j.Step != "":
		return "running: " + j.Step
	case j.Status == "in_progress":
		return "running"
	}
	return "queued"
}

// watcher is the name of the job that watches.
const watcher = "watch"

// quiet says that no job but the watching one is at work or queued.
func quiet(jobs []github.Job) bool {
	return !slices.ContainsFunc(jobs, func(j github.Job) bool { return j.Name != watcher && j.Status != "completed" })
}
