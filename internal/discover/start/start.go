// Package start reads how a cluster image starts its application, from the Kubefile's command lines and the shell scripts they call, and finds
// the helm invocations in it: which chart of the build context is installed, with which values; and the images and manifests that kubectl is given. Nothing is run: the shell's words are expanded
// from the defaults of the variables, every branch is looked at, and what only a cluster can answer is a placeholder.
package start

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/labring-actions/cluster-image/internal/render"
)

// Invocation is one call of helm that renders a chart.
type Invocation struct {
	// Where is the script and line, or the Kubefile's command.
	Where string
	// File and Line are the same, apart. File is empty for a command of the Kubefile.
	File string
	Line int
	// Chart is the argument as it is after expansion.
	Chart string
	// Path is the chart within the build context, with slashes; empty when the argument names none of its files.
	Path string
	// Conditional is true when the call stands in a branch, so that it may never happen.
	Conditional bool
	// Values are the arguments. Their Label is Where.
	Values render.Values
	// Missing are values files that are not in the build context.
	Missing []string
}

// Warning is a part of the start command that was not understood.
type Warning struct {
	File    string
	Line    int
	Message string
}

// Plan is what was found.
type Plan struct {
	Invocations []Invocation
	Images      []Image
	Manifests   []Manifest
	Warnings    []Warning
}

// entrypoint is the script that is read when the Kubefile's commands are not known.
const entrypoint = "entrypoint.sh"

// Read reads the command lines and the scripts they call. Files are opened within root.
func Read(root *os.Root, commands []string, env map[string]string) Plan {
	commands = slices.DeleteFunc(slices.Clone(commands), func(c string) bool {
		c = strings.TrimSpace(c)
		return c == "/bin/sh" || c == "-c" || c == ""
	})
	if len(commands) == 0 {
		if _, err := root.Stat(entrypoint); err != nil {
			return Plan{}
		}
		commands = []string{"bash " + entrypoint}
	}
	var plan Plan
	// Once as if every branch were taken, once as if none were: HELM_OPTS may be extended in one.
	for _, taken := range []bool{true, false} {
		s := newShell(root, env, taken)
		for _, c := range commands {
			s.dir = ""
			s.file = ""
			s.source("", s.kubernetes(c))
		}
		plan.add(s)
	}
	return plan
}

func (p *Plan) add(s *shell) {
	seen := map[string]bool{}
	for _, i := range p.Invocations {
		seen[i.key()] = true
	}
	for _, i := range s.found {
		if k := i.key(); !seen[k] {
			seen[k] = true
			p.Invocations = append(p.Invocations, i)
		}
	}
	for _, i := range s.images {
		if !slices.Contains(p.Images, i) {
			p.Images = append(p.Images, i)
		}
	}
	for _, m := range s.manifests {
		if !slices.Contains(p.Manifests, m) {
			p.Manifests = append(p.Manifests, m)
		}
	}
	for _, w := range s.warnings {
		if !slices.Contains(p.Warnings, w) {
			p.Warnings = append(p.Warnings, w)
		}
	}
}

// key is the same for calls that give a chart the same values.
func (i Invocation) key() string {
	i.Conditional = false
	return fmt.Sprintf("%+v", i)
}
