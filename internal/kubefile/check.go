package kubefile

import (
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

// check refuses what cannot be assembled, whatever its variables say.
func (f *file) check(c instructions.Command, n *parser.Node) error {
	line := n.StartLine
	switch c := c.(type) {
	case *instructions.RunCommand:
		return f.engine(line, "RUN")
	case *instructions.CopyCommand:
		return f.checkCopy(c, line)
	case *instructions.AddCommand:
		return f.checkAdd(c, line)
	case *instructions.CmdCommand:
		f.checkArray(c.ShellDependantCmdLine, n)
	case *instructions.EntrypointCommand:
		f.checkArray(c.ShellDependantCmdLine, n)
	case *instructions.OnbuildCommand, *instructions.HealthCheckCommand, *instructions.ShellCommand:
		f.warn(line, "%s is left out: an OCI image has no place for it", strings.ToUpper(n.Value))
	}
	return nil
}

func (f *file) checkCopy(c *instructions.CopyCommand, line int) error {
	switch {
	case c.From != "":
		return f.engine(line, "COPY --from=%s", c.From)
	case c.Parents:
		return f.problem(line, "COPY --parents is not understood: write one COPY per directory")
	}
	return nil
}

func (f *file) checkAdd(c *instructions.AddCommand, line int) error {
	switch {
	case c.Checksum != "" || c.KeepGitDir != nil:
		return f.problem(line, "ADD fetches nothing here: download it in init.sh (or name it in app.yaml) and COPY it")
	case c.Unpack != nil && *c.Unpack:
		return f.problem(line, "ADD --unpack is not understood: unpack it in init.sh and COPY the directory")
	}
	return nil
}

// checkArray warns of an array that is no JSON and so becomes one shell command.
func (f *file) checkArray(c instructions.ShellDependantCmdLine, n *parser.Node) {
	_, rest, _ := strings.Cut(strings.TrimSpace(n.Original), " ")
	if c.PrependShell && strings.HasPrefix(strings.TrimSpace(rest), "[") {
		f.warn(n.StartLine, "%s begins like an array, but is not valid JSON: it is taken as one shell command", strings.ToUpper(n.Value))
	}
}
