package reply

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/labring-actions/cluster-image/internal/chatops/grammar"
	"github.com/labring-actions/cluster-image/internal/chatops/outcome"
	"github.com/labring-actions/cluster-image/internal/chatops/record"
	"github.com/labring-actions/cluster-image/internal/progress"
)

// finished tells how every build ended: what failed first.
func (l Letter) finished(w *writer) {
	good := 0
	for _, o := range l.Outcomes {
		if o.Succeeded() {
			good++
		}
	}
	switch all := len(l.Outcomes); {
	case l.State == record.Cancelled:
		w.printf("**Cancelled:** %d of %s were done before.\n", good, count(all, "image"))
	case good == all && all == 1:
		w.printf("**Done.**\n")
	case good == all:
		w.printf("**Done:** %s.\n", count(all, "image"))
	case all == 1:
		w.printf("**Failed.**\n")
	default:
		w.printf("**Failed:** %d of %s.\n", all-good, count(all, "image"))
	}
	w.printf("%s", Block(l.Plan.Text, line))
	sorted := slices.Clone(l.Outcomes)
	slices.SortStableFunc(sorted, func(a, b outcome.Outcome) int { return rank(a) - rank(b) })
	share := max(1500, (w.left()-2000)/max(1, min(len(sorted), maxRows)))
	for i, o := range sorted {
		if w.left() < share+1500 || i == maxRows {
			w.printf("\nAnd %s more: see the run.\n", count(len(sorted)-i, "image"))
			break
		}
		part := &writer{}
		if told(part, o, share); part.Len() > w.left()-1500 {
			w.printf("\nAnd %s more: see the run.\n", count(len(sorted)-i, "image"))
			break
		}
		w.WriteString(part.String())
	}
	l.again(w, good)
	l.run(w)
}

func rank(o outcome.Outcome) int {
	if o.Succeeded() {
		return 1
	}
	return 0
}

// again says how to have another try.
func (l Letter) again(w *writer, good int) {
	if good == len(l.Outcomes) {
		return
	}
	c := l.Plan.Command
	if c == nil {
		return
	}
	again := *c
	if c.Kind.Named() {
		again.Versions = nil
		for _, o := range l.Outcomes {
			if !o.Succeeded() {
				again.Versions = append(again.Versions, o.Build.Version)
			}
		}
	}
	w.printf("\nTo try again, write this in a new comment:\n%s", Block(again.String(), line))
}

// told tells one outcome, in about so many bytes.
func told(w *writer, o outcome.Outcome, bytes int) {
	w.printf("\n### %s\n", Text(o.Build.Name+" "+o.Build.Version))
	switch o.State {
	case outcome.Pushed:
		pushed(w, o, bytes)
	case outcome.Planned:
		planned(w, o, bytes)
	case outcome.Lost:
		w.printf("\nNothing came back of this build: it was cancelled, or its machine was lost.\n")
	default:
		failed(w, o, bytes)
	}
}

func pushed(w *writer, o outcome.Outcome, bytes int) {
	how := ""
	switch {
	case o.Push == "unchanged":
		how = "The registry had this very image already. "
	case o.Replaced != "":
		how = "The tag named " + Code(o.Replaced) + " before. "
	}
	what := "Built"
	if o.Build.Kind.HoldsImages() {
		what = count(distinct(o.Images), "container image") + " in the cluster image, built"
	}
	w.printf("\n%s\n%s%s and pushed in %s.\n", Block(o.Reference(), line), how, what, duration(o.Seconds))
	w.printf("\n| platform | size | digest |\n|---|---|---|\n")
	for _, p := range o.Platforms {
		w.printf("| %s | %s | %s |\n", Text(p.Platform), progress.Bytes(p.Bytes), Code(p.Digest))
	}
	if o.Build.Kind != grammar.DockerImages {
		w.printf("\nOn a cluster's first master:\n%s", Block("sealos run "+o.Build.Image, line))
	}
	if o.Warnings > 0 {
		w.printf("\nThe build had %s: see the log.\n", count(o.Warnings, "warning"))
	}
	changed(w, o.Changes, bytes-w.Len())
}

func distinct(images []outcome.Image) int {
	seen := map[string]bool{}
	for _, i := range images {
		seen[i.Image] = true
	}
	return len(seen)
}

// changed tells what is another against the version before.
func changed(w *writer, c *outcome.Changes, bytes int) {
	if c == nil {
		return
	}
	var lines []string
	for _, m := range c.Moved {
		lines = append(lines, fmt.Sprintf("~ %s  %s -> %s  (%s)", m.Image, m.From, m.To, m.Platform))
	}
	for _, e := range c.Added {
		lines = append(lines, fmt.Sprintf("+ %s  (%s)", e.Image, e.Platform))
	}
	for _, e := range c.Removed {
		lines = append(lines, fmt.Sprintf("- %s  (%s)", e.Image, e.Platform))
	}
	if len(lines) == 0 {
		w.printf("\nThe container images are those of %s.\n", Code(c.Against))
		return
	}
	text := strings.Join(lines, "\n")
	if len(text) > max(200, bytes-300) {
		text = fmt.Sprintf("%d images moved, %d added, %d removed", len(c.Moved), len(c.Added), len(c.Removed))
	}
	w.printf("\n<details><summary>Against %s</summary>\n\n%s\n</details>\n", htmlCode(c.Against), Block(text, max(line, bytes)))
}

// htmlCode is for a place where Markdown is not read.
func htmlCode(s string) string {
	s = unlinked(strings.ReplaceAll(s, "\n", " "))
	return "<code>" + strings.NewReplacer("<", "&lt;", ">", "&gt;", "&", "&amp;", "[", "&#91;", "`", "&#96;").Replace(plain(s, invisible)) + "</code>"
}

func planned(w *writer, o outcome.Outcome, bytes int) {
	w.printf("\n%s, %s of content, resolved in %s. Nothing was built.\n", count(distinct(o.Images), "container image"), progress.Bytes(o.Bytes), duration(o.Seconds))
	var lines []string
	for _, i := range o.Images {
		lines = append(lines, fmt.Sprintf("%s  %s  %s", i.Image, i.Platform, i.Digest))
	}
	text := strings.Join(lines, "\n")
	if most := max(200, bytes-400); len(text) > most {
		text = text[:most] + "\n(the rest is in the log)"
	}
	w.printf("\n<details><summary>Images</summary>\n\n%s\n</details>\n", Block(text, max(line, bytes)))
}

func failed(w *writer, o outcome.Outcome, bytes int) {
	f := o.Failure
	if f == nil {
		f = &outcome.Failure{Error: "it is not known why"}
	}
	at := ""
	if f.Step != "" {
		at = " in the step " + Code(f.Step)
	}
	w.printf("\nIt failed%s after %s:\n%s", at, duration(o.Seconds), Block(f.Error, min(bytes/2, 4000)))
	if f.Todo != "" {
		w.printf("\nTo do: %s.\n", Text(f.Todo))
	}
	if f.Class != "registry" || f.Todo == "" {
		w.printf("\n%s\n", advice(f.Class))
	}
	if most := min(bytes-w.Len()-300, 16000); len(f.Tail) > 0 && most > 100 {
		w.printf("\n<details><summary>The last lines</summary>\n\n%s\n</details>\n", Block(strings.Join(f.Tail, "\n"), most))
	}
}

// advice says whether another try may help.
func advice(class string) string {
	switch class {
	case "source", "registry":
		return "A server may have been out of reach: another try can help."
	case "recipe":
		return "The recipe does not serve this version as it is: another try does not help before it is mended."
	case "usage":
		return "This version can't be built so: another try does not help."
	}
	return "Another try may help; if it does not, say so here."
}

func duration(seconds float64) string {
	return progress.Duration(time.Duration(seconds * float64(time.Second)))
}
