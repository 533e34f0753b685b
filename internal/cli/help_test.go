package cli

import (
	"bytes"
	"flag"
	"io"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"
)

var update = flag.Bool("update", false, "write the golden files anew")

// program is one whose output goes nowhere.
func program() *Program {
	env := sampleEnv()
	env.Stdout, env.Stderr, env.Stdin = io.Discard, io.Discard, strings.NewReader("")
	return &Program{Env: env}
}

// called finds the calls of the program in an example.
var called = regexp.MustCompile(name + ` ([^|>)\n]*)`)

func TestEveryCommandHasAnExampleThatIsUnderstood(t *testing.T) {
	t.Parallel()
	var walk func(path string, commands []*cli.Command)
	walk = func(path string, commands []*cli.Command) {
		for _, c := range commands {
			full := path + " " + c.Name
			if c.Hidden {
				continue
			}
			if !strings.Contains(c.UsageText, full) {
				t.Errorf("%s has no example in its UsageText", full)
			}
			if c.Usage == "" || strings.HasSuffix(c.Usage, ".") {
				t.Errorf("%s: Usage %q must be a sentence without its full stop", full, c.Usage)
			}
			for _, m := range called.FindAllStringSubmatch(c.UsageText, -1) {
				if _, err := arrange(program().app(), strings.Fields(m[1])); err != nil {
					t.Errorf("%s: example %q: %v", full, m[0], err)
				}
			}
			walk(full, c.Subcommands)
		}
	}
	app := program().app()
	walk(app.Name, app.Commands)
}

func TestEveryFlagIsExplained(t *testing.T) {
	t.Parallel()
	var walk func(commands []*cli.Command)
	walk = func(commands []*cli.Command) {
		for _, c := range commands {
			for _, f := range c.Flags {
				d, ok := f.(cli.DocGenerationFlag)
				if visible, is := f.(cli.VisibleFlag); is && !visible.IsVisible() {
					continue
				}
				if !ok || d.GetUsage() == "" || strings.HasSuffix(d.GetUsage(), ".") {
					t.Errorf("%s --%s: usage %q must be a sentence without its full stop", c.Name, f.Names()[0], d.GetUsage())
				}
			}
			walk(c.Subcommands)
		}
	}
	walk(program().app().Commands)
}

func TestHelpFitsItsWidth(t *testing.T) {
	t.Parallel()
	app := program().app()
	for _, c := range app.Commands {
		var out bytes.Buffer
		if err := writeHelp(&out, app, []*cli.Command{c}); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(out.String()) {
			if len([]rune(line)) > helpWidth+1 && !strings.Contains(c.UsageText, strings.TrimSpace(line)) {
				t.Errorf("help of %s has a line of %d characters: %s", c.Name, len(line), line)
			}
		}
	}
}

func TestHelp(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"sample", "--help"}, {"group", "save", "-h"}, {"group"}} {
		app := program().app()
		line, err := arrange(app, args)
		if err != nil || !line.help {
			t.Fatalf("%v: help %v, error %v", args, line.help, err)
		}
		var out bytes.Buffer
		if err := writeHelp(&out, app, line.path); err != nil {
			t.Fatal(err)
		}
		file := "testdata/help/" + strings.Join(pathNames(line.path), "-") + ".txt"
		if *update {
			if err := os.WriteFile(file, out.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if out.String() != string(want) {
			t.Errorf("%s differs:\n%s", file, out.String())
		}
	}
}

// full is a writer that takes nothing.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

func TestOutputThatCannotBeWrittenIsAnError(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"--help"}, {"version"}, {"completion", "bash"}} {
		env := sampleEnv()
		var stderr bytes.Buffer
		env.Stdout, env.Stderr = full{}, &stderr
		if code := Run(t.Context(), args, env); code != 1 || !strings.Contains(stderr.String(), "short write") {
			t.Errorf("%v: exit code %d, %s", args, code, stderr.String())
		}
	}
}
