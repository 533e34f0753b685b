package cli

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/labring-actions/cluster-image/internal/recipe/app"
	"github.com/labring-actions/cluster-image/internal/recipe/draft"
)

// prompter asks on a terminal. Without one, what would be asked for is a flag that is missing.
type prompter struct {
	in  *bufio.Reader
	out io.Writer
}

func (p *Program) prompter() *prompter {
	a := &prompter{out: p.Stderr}
	if f, ok := p.Stdin.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		a.in = bufio.NewReader(f)
	}
	return a
}

// text asks for a value unless there is one. An empty answer takes the default.
func (a *prompter) text(value *string, flag, question, initial string) error {
	for *value == "" {
		if a.in == nil {
			return usage("--%s is missing: %s", flag, question).Advise("on a terminal it is asked for")
		}
		if initial != "" {
			question += " [" + initial + "]"
		}
		_, _ = fmt.Fprintf(a.out, "%s: ", question)
		line, err := a.in.ReadString('\n')
		if *value = strings.TrimSpace(line); *value == "" {
			*value = initial
		}
		if err != nil && *value == "" {
			return usage("--%s is missing: there was no answer", flag)
		}
	}
	return nil
}

// sourceOf asks where the application comes from.
func (a *prompter) sourceOf(d *draft.Draft) error {
	if a.in == nil {
		return usage("where does it come from?").Advise("say --chart CHART --repo URL, --manifest URL or --binary URL")
	}
	var kind string
	if err := a.text(&kind, "chart", "is it a chart, a manifest or a binary?", "chart"); err != nil {
		return err
	}
	switch kind {
	case "chart":
		return a.text(&d.Chart, "chart", "the chart's name in its repository", d.Name)
	case "manifest":
		return a.text(&d.Manifest, "manifest", "the manifest's https URL, of one version", "")
	case "binary":
		return a.text(&d.Binary, "binary", "the program's https URL, of one version, for amd64", "")
	}
	return usage("%q is neither chart nor manifest nor binary", kind)
}

// rest asks for what every recipe says.
func (a *prompter) rest(d *draft.Draft) error {
	if err := a.text(&d.Version, "version", "a version that exists", ""); err != nil {
		return err
	}
	if err := a.text(&d.Description, "description", "what it is, in one line", ""); err != nil {
		return err
	}
	if err := a.text(&d.Home, "home", "the project's site, an https URL", ""); err != nil {
		return err
	}
	if len(d.Categories) > 0 {
		return nil
	}
	var category string
	err := a.text(&category, "category", "its category, of "+strings.Join(app.Categories(), ", "), "")
	d.Categories = []string{category}
	return err
}
