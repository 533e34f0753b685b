// Package kubefile reads the build file of a cluster image and says what image it describes: the configuration of
// each platform and what is copied where. Everything that only copies files and records settings is understood;
// what has to run something is refused with a word about who can build it.
//
// The syntax is Docker's, read by BuildKit's own parser.
package kubefile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

// maxSize bounds a build file in bytes.
const maxSize = 1 << 20

// Kubefile is a build file that this program can assemble.
type Kubefile struct {
	// Name is the file's name, as messages show it.
	Name string
	// Warnings are things that are most likely not meant so.
	Warnings []Warning

	source []byte
	asked  []string
	args   map[string]string
}

// Warning is something in a build file that is taken, but most likely not as its author thinks.
type Warning struct {
	File string
	Line int
	Text string
}

// String is file:line: text.
func (w Warning) String() string { return fmt.Sprintf("%s:%d: %s", w.File, w.Line, w.Text) }

// Parse reads a build file; name is what errors call it. The error is an *Error where a line is to blame, and wraps
// ErrEngine where the file is sound, but needs a container engine.
func Parse(name string, r io.Reader) (*Kubefile, error) {
	source, err := io.ReadAll(io.LimitReader(r, maxSize+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	if len(source) > maxSize {
		return nil, fmt.Errorf("read %s: more than %d bytes", name, maxSize)
	}
	k := &Kubefile{Name: name, source: source}
	f, err := k.parse()
	if err != nil {
		return nil, err
	}
	k.Warnings, k.asked = f.warnings, f.asked()
	return k, nil
}

// Args are the names of the ARGs that the file asks for.
func (k *Kubefile) Args() []string { return slices.Clone(k.asked) }

// WithArgs gives the same build file with values for its ARGs, as --build-arg sets them.
func (k *Kubefile) WithArgs(args map[string]string) *Kubefile {
	other := *k
	other.args = maps.Clone(args)
	return &other
}

// file is a parsed build file. Its commands are changed by expansion, so each evaluation parses anew.
type file struct {
	name     string
	escape   rune
	from     *instructions.Stage
	fromLine int
	globals  []instructions.ArgCommand
	commands []command
	warnings []Warning
}

// asked are the names of its ARGs, before FROM and after.
func (f *file) asked() (names []string) {
	args := slices.Clone(f.globals)
	for _, c := range f.commands {
		if a, ok := c.Command.(*instructions.ArgCommand); ok {
			args = append(args, *a)
		}
	}
	for _, a := range args {
		for _, one := range a.Args {
			names = append(names, one.Key)
		}
	}
	return names
}

// command is an instruction and the line it begins on.
type command struct {
	instructions.Command
	line int
	text string
}

func (k *Kubefile) parse() (f *file, err error) {
	// The parser indexes into what it reads; no input may end the program.
	defer func() {
		if r := recover(); r != nil {
			f, err = nil, &Error{File: k.Name, Line: 1, Problem: fmt.Sprintf("cannot be read: %v", r)}
		}
	}()
	if bytes.IndexByte(k.source, 0) >= 0 {
		return nil, &Error{File: k.Name, Line: 1 + bytes.Count(k.source[:bytes.IndexByte(k.source, 0)], []byte("\n")), Problem: "has a NUL byte: it is not a text file"}
	}
	tree, err := parser.Parse(bytes.NewReader(k.source))
	if err != nil {
		return nil, k.syntax(err)
	}
	f = &file{name: k.Name, escape: tree.EscapeToken}
	for _, n := range tree.AST.Children {
		if err := f.add(n); err != nil {
			return nil, err
		}
	}
	if f.from == nil {
		return nil, &Error{File: k.Name, Line: 1, Problem: "has no FROM: begin with FROM scratch"}
	}
	return f, nil
}

// syntax turns an error of the parser into ours.
func (k *Kubefile) syntax(err error) error {
	line := 1
	var at *parser.LocationError
	if errors.As(err, &at) && len(at.Locations) > 0 && len(at.Locations[0]) > 0 {
		line = max(1, at.Locations[0][0].Start.Line)
	}
	return &Error{File: k.Name, Line: line, Problem: err.Error()}
}

// add takes the next instruction.
func (f *file) add(n *parser.Node) error {
	v, err := instructions.ParseInstruction(n)
	if err != nil {
		return f.problem(n.StartLine, "%s", unknown(n, err))
	}
	switch c := v.(type) {
	case *instructions.Stage:
		return f.begin(c, n.StartLine)
	case *instructions.ArgCommand:
		if f.from == nil {
			f.globals = append(f.globals, *c)
			return nil
		}
	}
	c, ok := v.(instructions.Command)
	if !ok {
		return f.problem(n.StartLine, "%s is not understood", strings.ToUpper(n.Value))
	}
	if f.from == nil {
		return f.problem(n.StartLine, "%s before FROM: begin with FROM scratch", strings.ToUpper(n.Value))
	}
	if err := f.check(c, n); err != nil {
		return err
	}
	f.commands = append(f.commands, command{Command: c, line: n.StartLine, text: strings.TrimSpace(n.Original)})
	return nil
}

// begin takes FROM; the base's name is judged when its ARGs are known.
func (f *file) begin(s *instructions.Stage, line int) error {
	if f.from != nil {
		return f.engine(line, "a second FROM (the first is in line %d): several stages", f.fromLine)
	}
	f.from, f.fromLine = s, line
	return nil
}

// unknown words the parser's complaint about an instruction.
func unknown(n *parser.Node, err error) string {
	var u *instructions.UnknownInstructionError
	if errors.As(err, &u) {
		return fmt.Sprintf("%s is no instruction", u.Instruction)
	}
	return fmt.Sprintf("%s: %s", strings.ToUpper(n.Value), err)
}
