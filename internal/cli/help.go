package cli

import (
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/urfave/cli/v2"
)

const (
	// helpWidth is how many columns help takes at most.
	helpWidth = 100
	// helpIndent is where the explanation of a flag or command begins, unless its name is longer.
	helpIndent = 28
)

const appDescription = `A cluster image is an OCI image that installs an application on a Kubernetes cluster with "sealos run": charts, manifests, binaries, a start command, and every container image that the application needs.

Flags stand before or after names; what follows -- is never a flag. The result goes to standard output, everything else to standard error. Exit codes: 2 usage, 3 recipe, 4 source, 5 registry, 1 anything else.`

const appExamples = `cluster-image build nginx 1.29.1
cluster-image build nginx 1.29.1 --push docker.io/labring/nginx:1.29.1`

// helpWriter writes help. The first error ends it.
type helpWriter struct {
	out io.Writer
	err error
}

// writeHelp explains a command, or the program when the path is empty. A command's UsageText holds its examples, one command line each.
func writeHelp(out io.Writer, app *cli.App, path []*cli.Command) error {
	w := &helpWriter{out: out}
	if len(path) == 0 {
		w.command(app.Name, &cli.Command{
			Name: app.Name, Usage: app.Usage, Description: app.Description, UsageText: app.UsageText, Subcommands: app.Commands,
		})
	} else {
		w.command(app.Name+" "+strings.Join(pathNames(path), " "), path[len(path)-1])
	}
	for _, c := range path[:max(0, len(path)-1)] {
		w.flags("Flags of "+c.Name, c.Flags)
	}
	w.flags("Flags of every command", app.Flags)
	return w.err
}

func pathNames(path []*cli.Command) []string {
	var names []string
	for _, c := range path {
		names = append(names, c.Name)
	}
	return names
}

// command writes all sections but the common flags.
func (w *helpWriter) command(fullName string, c *cli.Command) {
	w.printf("%s\n", wrap(upper(c.Usage)+".", 0))
	w.printf("\nUsage:\n")
	for _, form := range forms(c) {
		w.printf("  %s\n", strings.Join(strings.Fields(fullName+" "+form), " "))
	}
	if c.Description != "" {
		w.printf("\n%s\n", wrap(c.Description, 0))
	}
	if c.UsageText != "" {
		w.printf("\nExample:\n")
		for line := range strings.SplitSeq(strings.TrimSpace(c.UsageText), "\n") {
			w.printf("  %s\n", strings.TrimSpace(line))
		}
	}
	w.commands(c.Subcommands)
	w.flags("Flags", c.Flags)
}

// forms are what may follow a command's name, one line for each alternative.
func forms(c *cli.Command) []string {
	operands := strings.Split(c.ArgsUsage, "|")
	if len(c.Subcommands) > 0 {
		operands = []string{"COMMAND"}
	}
	for i := range operands {
		operands[i] += " [flags]"
	}
	return operands
}

func (w *helpWriter) commands(commands []*cli.Command) {
	if len(commands) == 0 {
		return
	}
	w.printf("\nCommands:\n")
	for _, c := range commands {
		if !c.Hidden {
			w.entry(strings.Join(c.Names(), ", "), c.Usage)
		}
	}
}

func (w *helpWriter) flags(title string, flags []cli.Flag) {
	begun := false
	for _, f := range flags {
		d, ok := f.(cli.DocGenerationFlag)
		if visible, is := f.(cli.VisibleFlag); !ok || is && !visible.IsVisible() {
			continue
		}
		if !begun {
			begun = true
			w.printf("\n%s:\n", title)
		}
		w.flag(d)
	}
}

// placeholder is the word between back quotes in a flag's usage that stands for its value.
var placeholder = regexp.MustCompile("`([^`]+)`")

func (w *helpWriter) flag(f cli.DocGenerationFlag) {
	var names []string
	for _, n := range f.Names() {
		names = append(names, strings.Repeat("-", min(len(n), 2))+n)
	}
	title, explanation := strings.Join(names, ", "), f.GetUsage()
	if f.TakesValue() {
		value := "VALUE"
		if m := placeholder.FindStringSubmatch(explanation); m != nil {
			value = m[1]
		}
		title += " " + value
		if def := defaultText(f); def != "" {
			explanation += " (default: " + def + ")"
		}
	}
	w.entry(title, strings.ReplaceAll(explanation, "`", ""))
}

// defaultText is the default without the quotes that the library puts around it.
func defaultText(f cli.DocGenerationFlag) string { return strings.Trim(f.GetDefaultText(), `"`) }

// entry writes a name and its explanation, beside it or below it.
func (w *helpWriter) entry(title, explanation string) {
	lines := strings.Split(wrap(explanation, helpIndent), "\n")
	if len(title)+4 > helpIndent {
		w.printf("  %s\n", title)
		title = ""
	}
	for _, line := range lines {
		w.printf("%s\n", strings.TrimRight(fmt.Sprintf("  %-*s%s", helpIndent-2, title, line), " "))
		title = ""
	}
}

func (w *helpWriter) printf(format string, args ...any) {
	if w.err == nil {
		_, w.err = fmt.Fprintf(w.out, format, args...)
	}
}

// wrap breaks each paragraph of a text into lines that fit beside an indentation.
func wrap(text string, indent int) string {
	var out []string
	for paragraph := range strings.SplitSeq(text, "\n") {
		line := ""
		for word := range strings.FieldsSeq(paragraph) {
			if line != "" && len(line)+1+len(word) > helpWidth-indent {
				out = append(out, line)
				line = ""
			}
			line = strings.TrimSpace(line + " " + word)
		}
		out = append(out, line)
	}
	return strings.Join(out, "\n")
}

func upper(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
