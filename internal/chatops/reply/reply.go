package reply

import (
	"fmt"
	"strings"

	"github.com/labring-actions/cluster-image/internal/chatops/grammar"
	"github.com/labring-actions/cluster-image/internal/chatops/outcome"
	"github.com/labring-actions/cluster-image/internal/chatops/plan"
	"github.com/labring-actions/cluster-image/internal/chatops/record"
)

// docs is where the commands are explained, from an issue of the repository.
const docs = "docs/issue-builds.md"

// maxRows bounds a table; the rest is counted.
const maxRows = 100

// line bounds a short block, in bytes.
const line = 4000

// Letter is what is said at one moment.
type Letter struct {
	Plan  plan.Plan
	State record.State
	// Label is the label that accepts.
	Label string
	// Under has what each build is doing, by its id, while builds run.
	Under map[string]string
	// Outcomes are those of the builds, when they are over.
	Outcomes []outcome.Outcome
}

// Record is what is kept of the request.
func (l Letter) Record() record.Record {
	s := l.Plan.Source
	r := record.Record{Key: s.Key, User: s.User, State: l.State, Hash: l.Plan.Hash, Label: l.Plan.Accepted, Run: s.Run, Attempt: s.Attempt}
	if l.Plan.Action == plan.DoBuild {
		r.Builds = len(l.Plan.Builds)
	}
	return r
}

// String is the whole comment, with the record first.
func (l Letter) String() string {
	w := &writer{}
	w.printf("%s\n", l.Record())
	switch {
	case l.Plan.Action == plan.DoIgnore:
		w.printf("**Not built:** %s.\n", Text(l.Plan.Why))
	case l.Plan.Refusal != nil:
		l.refusal(w)
	case l.Plan.Action == plan.DoCancel:
		l.cancelled(w)
	case l.Plan.Action == plan.DoAnswer:
		help(w)
	case l.Outcomes != nil:
		l.finished(w)
	default:
		l.accepted(w)
	}
	return w.String()
}

// writer gathers a comment.
type writer struct{ strings.Builder }

func (w *writer) printf(format string, args ...any) { fmt.Fprintf(w, format, args...) }

// left is what still fits, with something kept for the end.
func (w *writer) left() int { return room - w.Len() }

func (l Letter) refusal(w *writer) {
	r := l.Plan.Refusal
	w.printf("**Not built:** %s.\n", Text(strings.TrimRight(r.Problem, "?. ")))
	if r.Understood != "" {
		w.printf("\nRead as:\n%s", Block(r.Understood, line))
	}
	if r.Reason == plan.NoBuilder && len(l.Plan.Builds) > 0 {
		w.printf("\nIt stands for:\n%s", Block(images(l.Plan.Builds), line))
	}
	if r.Usage != "" {
		w.printf("\nThe form is:\n%s", Block(r.Usage, line))
	}
	if r.Suggestion != "" {
		w.printf("\nIf you mean this, write it in a new comment:\n%s", Block(r.Suggestion, line))
	}
	switch {
	case r.Acceptable:
		w.printf("\nA maintainer can accept this very request with the label %s. It is built then, and nobody has to ask again.\n", Code(l.Label))
	case r.Reason == plan.BadCommand:
		w.printf("\n`/imagebuild_help` lists all commands. 所有命令：`/imagebuild_help`。\n")
	}
	l.run(w)
}

// images are the first of the images, one a line.
func images(builds []plan.Build) string {
	var lines []string
	for i, b := range builds {
		if i == maxRows {
			lines = append(lines, fmt.Sprintf("and %d more", len(builds)-i))
			break
		}
		lines = append(lines, b.Image)
	}
	return strings.Join(lines, "\n")
}

func help(w *writer) {
	w.printf("Write one of these in the first line of a comment:\n\n| command | |\n|---|---|\n")
	for _, f := range grammar.Forms() {
		w.printf("| %s | %s |\n", Code(f.Usage), Text(f.About))
	}
	w.printf("\nFor example:\n%s", Block(grammar.Forms()[0].Example, line))
	w.printf("\nBehind them, for maintainers: `--platform linux/amd64`, `--force`; for everyone: `--dry-run`, which only tells what would be fetched. "+
		"More in `%s`, 中文说明见 `docs/issue-builds.zh-CN.md`。\n", docs)
}

func (l Letter) cancelled(w *writer) {
	switch n := len(l.Plan.Cancel); n {
	case 0:
		w.printf("**Nothing to cancel:** no build of this issue is under way.\n")
	default:
		w.printf("**Cancelling** what is under way for this issue (%s). Each request tells in its own answer how it ended.\n", count(n, "run"))
	}
	l.run(w)
}

func (l Letter) accepted(w *writer) {
	head := "Accepted"
	if l.State == record.Running {
		head = "Running"
	}
	what := count(len(l.Plan.Builds), "image")
	if l.Plan.Command != nil && l.Plan.Command.DryRun {
		what = "a dry run of " + what
	}
	w.printf("**%s:** %s.\n%s\n", head, what, Block(l.Plan.Text, line))
	if l.Plan.Accepted && l.Plan.Source.By != "" {
		w.printf("Accepted by %s with the label.\n\n", Code(l.Plan.Source.By))
	}
	w.printf("| image | recipe | platforms | |\n|---|---|---|---|\n")
	for i, b := range l.Plan.Builds {
		if i == maxRows {
			w.printf("| and %d more | | | |\n", len(l.Plan.Builds)-i)
			break
		}
		under := l.Under[b.ID]
		if under == "" {
			under = "queued"
		}
		w.printf("| %s | %s | %s | %s |\n", Code(b.Image), Code(b.Recipe), platforms(b), Text(under))
	}
	l.run(w)
}

func platforms(b plan.Build) string {
	if len(b.Platforms) == 0 {
		return "all of the recipe"
	}
	return strings.Join(b.Platforms, ", ")
}

// run links to the workflow. Its address is GitHub's own.
func (l Letter) run(w *writer) {
	if l.Plan.Source.RunURL != "" {
		w.printf("\n[The run and its log](%s)\n", l.Plan.Source.RunURL)
	}
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
