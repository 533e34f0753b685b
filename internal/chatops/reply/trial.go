package reply

import (
	"github.com/labring-actions/cluster-image/internal/chatops/outcome"
)

// trialMark begins the one comment about a pull request, which is edited with each push.
const trialMark = "<!-- cluster-image:1 trial -->"

// Trial is a recipe that a pull request changes: its build as it is there, and its plan as it is on the default branch.
type Trial struct {
	Now outcome.Outcome
	// Before is nil where the default branch can't plan it.
	Before *outcome.Outcome
}

// TrialMark is what the comment of [Trials] begins with.
func TrialMark() string { return trialMark }

// Trials is the comment about a pull request. Everything in it was written by the code of the pull request: it is shown, not believed.
func Trials(all []Trial, runURL string) string {
	w := &writer{}
	w.printf("%s\n", trialMark)
	if len(all) == 0 {
		w.printf("No recipe that can be tried changes here.\n")
	} else {
		w.printf("**What changes:** %s, built without a push. The code of this pull request made these lines.\n", count(len(all), "recipe"))
	}
	share := max(1500, (w.left()-2000)/max(1, len(all)))
	for i, t := range all {
		part := &writer{}
		t.told(part, share)
		if part.Len() > w.left()-1500 {
			w.printf("\nAnd %s more: see the run.\n", count(len(all)-i, "recipe"))
			break
		}
		w.WriteString(part.String())
	}
	if runURL != "" {
		w.printf("\n[The run and its log](%s)\n", runURL)
	}
	return w.String()
}

func (t Trial) told(w *writer, bytes int) {
	o := t.Now
	w.printf("\n### %s\n", Text(o.Build.Name+" "+o.Build.Version))
	if o.State != outcome.Built && o.State != outcome.Planned {
		failed(w, o, bytes)
		return
	}
	w.printf("\nBuilt in %s: %s.\n", duration(o.Seconds), count(distinct(o.Images), "container image"))
	if o.Digest != "" {
		w.printf("\n%s", Block(o.Digest, line))
	}
	if t.Before == nil || t.Before.State == outcome.Failed {
		w.printf("\nThe default branch has no plan to compare with.\n")
		return
	}
	changed(w, outcome.Difference(*t.Before, o), bytes-w.Len())
}
