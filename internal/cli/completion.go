package cli

import (
	"embed"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// completeCommand is what the scripts call: the words of the line up to the one to complete. It answers one candidate per line, with an explanation
// behind a tab, and a last line of filesToo where files are candidates as well.
const (
	completeCommand = "__complete"
	filesToo        = ":files"
)

//go:embed completions
var completionScripts embed.FS

// shells are those with a script.
var shells = []string{"bash", "zsh", "fish"}

func completionCommand(p *Program) *cli.Command {
	return &cli.Command{
		Name:        "completion",
		Usage:       "print a script that lets a shell complete commands, flags and application names",
		ArgsUsage:   "SHELL",
		Description: "SHELL is bash, zsh or fish. Put the line for your shell into ~/.bashrc, ~/.zshrc or ~/.config/fish/config.fish.",
		UsageText:   "source <(cluster-image completion bash)\nsource <(cluster-image completion zsh)\ncluster-image completion fish | source",
		Action:      func(c *cli.Context) error { return p.completionScript(c.Args().First()) },
	}
}

func (p *Program) completionScript(shell string) error {
	if !slices.Contains(shells, shell) {
		return usage("no completion for the shell %q", shell).Advise("want %s", strings.Join(shells, ", "))
	}
	script, err := completionScripts.ReadFile("completions/" + shell)
	if err != nil {
		return fmt.Errorf("read script: %w", err)
	}
	return p.Result(string(script), map[string]string{"shell": shell, "script": string(script)})
}

// candidate is a word that may stand at the place.
type candidate struct{ word, explanation string }

// completion is what may stand at the place.
type completion struct {
	candidates []candidate
	files      bool
}

// complete answers a script. The line may be anything at all, so nothing of it is an error.
func (p *Program) complete(app *cli.App, words []string) error {
	if len(words) > 0 && words[0] == "--" {
		words = words[1:]
	}
	last := ""
	if len(words) > 0 {
		last, words = words[len(words)-1], words[:len(words)-1]
	}
	words, last, prefix := joinEquals(words, last)
	c := p.candidates(app, words, last)
	for _, found := range c.candidates {
		if word := found.word; strings.HasPrefix(word, last) {
			_, _ = fmt.Fprintf(p.Stdout, "%s\t%s\n", strings.TrimPrefix(word, prefix), strings.ReplaceAll(found.explanation, "`", ""))
		}
	}
	if c.files {
		_, _ = io.WriteString(p.Stdout, filesToo+"\n")
	}
	return nil
}

// joinEquals puts --flag=value together again where a shell (bash) has parted it at the equals sign; the prefix is then what the shell has already.
func joinEquals(words []string, last string) (before []string, whole, prefix string) {
	n := len(words)
	switch {
	case n > 0 && last == "=" && strings.HasPrefix(words[n-1], "--"):
		return words[:n-1], words[n-1] + "=", words[n-1] + "="
	case n > 1 && words[n-1] == "=" && strings.HasPrefix(words[n-2], "--"):
		return words[:n-2], words[n-2] + "=" + last, words[n-2] + "="
	}
	return words, last, ""
}

func (p *Program) candidates(app *cli.App, words []string, last string) completion {
	a := &arrangement{app: app}
	if n := len(words); n > 0 && !slices.Contains(words, "--") {
		_ = a.read(words[:n-1])
		if f := a.find(strings.TrimLeft(words[n-1], "-")); f != nil && strings.HasPrefix(words[n-1], "-") && takesValue(f) {
			return valueCandidates(f, "")
		}
	}
	a = &arrangement{app: app}
	if err := a.read(words); err != nil {
		return completion{}
	}
	if flag, _, ok := strings.Cut(last, "="); ok && strings.HasPrefix(last, "--") {
		if f := a.find(strings.TrimLeft(flag, "-")); f != nil {
			return valueCandidates(f, flag+"=")
		}
	}
	switch {
	case strings.HasPrefix(last, "-") && !slices.Contains(words, "--"):
		return completion{candidates: a.flagCandidates()}
	case len(a.commands()) > 0:
		return completion{candidates: commandCandidates(a.commands())}
	case len(a.path) > 0:
		return p.operandCandidates(a.path[len(a.path)-1].ArgsUsage, a.operands)
	}
	return completion{}
}

// valueCandidates are the words that a flag takes, else files.
func valueCandidates(f cli.Flag, prefix string) completion {
	words := choices(f)
	c := completion{files: len(words) == 0}
	for _, w := range words {
		c.candidates = append(c.candidates, candidate{word: prefix + w})
	}
	return c
}

func commandCandidates(commands []*cli.Command) []candidate {
	var out []candidate
	for _, c := range commands {
		if !c.Hidden {
			out = append(out, candidate{c.Name, c.Usage})
		}
	}
	return out
}

// flagCandidates are the flags of the command and of those above it, but for those that were given and cannot be given again.
func (a *arrangement) flagCandidates() []candidate {
	var out []candidate
	for depth := len(a.path); depth >= 0; depth-- {
		for _, f := range a.level(depth) {
			explanation := ""
			if d, ok := f.(cli.DocGenerationFlag); ok {
				explanation = d.GetUsage()
			}
			out = append(out, candidate{"--" + f.Names()[0], explanation})
		}
	}
	return append(out, candidate{"--help", "explain the command"})
}

// operandCandidates go by what stands in the command's ArgsUsage at the place of the operand.
func (p *Program) operandCandidates(pattern string, operands []string) completion {
	var c completion
	for alternative := range strings.SplitSeq(pattern, "|") {
		words := strings.Fields(alternative)
		if len(words) == 0 || len(operands) >= len(words) && !strings.Contains(words[len(words)-1], "...") {
			continue
		}
		switch word := strings.Trim(words[min(len(operands), len(words)-1)], "[]."); word {
		case "NAME":
			c.candidates = append(c.candidates, candidates(p.applicationNames())...)
		case "VERSION":
			c.candidates = append(c.candidates, candidates(p.applicationVersions(operands[0]))...)
		case "SHELL":
			c.candidates = append(c.candidates, candidates(shells)...)
		case "WORD", "REF", "REPO", "CHART", "APP-VERSION":
		default:
			c.files = true
		}
	}
	return c
}

func candidates(words []string) []candidate {
	var out []candidate
	for _, w := range words {
		out = append(out, candidate{word: w})
	}
	return out
}
