package start

import (
	"errors"
	"io"
	"path"
	"strings"

	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/syntax"
)

var errTooMuch = errors.New("it expands to too much")

func (s *shell) config() *expand.Config {
	return &expand.Config{Env: s, CmdSubst: s.substitute, ProcSubst: func(*syntax.ProcSubst) (string, error) { return "/dev/null", nil }}
}

// fields expands the words of a command.
func (s *shell) fields(words []*syntax.Word) ([]string, error) {
	var out []string
	if err := s.spend(words...); err != nil {
		return nil, err
	}
	for f, err := range expand.FieldsSeq(s.config(), words...) {
		if err != nil {
			return nil, err
		}
		if s.bytes += len(f); len(out) >= maxFields || s.bytes > maxBytes {
			return nil, errTooMuch
		}
		out = append(out, f)
	}
	return out, nil
}

func (s *shell) literal(w *syntax.Word) (string, error) {
	if w == nil {
		return "", nil
	}
	if err := s.spend(w); err != nil {
		return "", err
	}
	text, err := expand.Literal(s.config(), w)
	if s.bytes += len(text); s.bytes > maxBytes {
		return "", errTooMuch
	}
	return text, err
}

// spend refuses words that would expand to very much.
func (s *shell) spend(words ...*syntax.Word) error {
	for _, w := range words {
		n := 0
		syntax.Walk(w, func(node syntax.Node) bool {
			switch e := node.(type) {
			case *syntax.ParamExp:
				n += cost(e)
			case *syntax.CmdSubst, *syntax.ArithmExp:
				n++
			}
			return n <= maxParams
		})
		if n > maxParams {
			return errTooMuch
		}
	}
	return nil
}

// maxReplacement is the longest text that may replace every match in a value, in bytes.
const maxReplacement = 64

// cost is high for ${a//b/c}, which multiplies the sizes of a and c.
func cost(e *syntax.ParamExp) int {
	if e.Repl == nil || !e.Repl.All || e.Repl.With == nil {
		return 1
	}
	if with := e.Repl.With.Lit(); with == "" && len(e.Repl.With.Parts) > 0 || len(with) > maxReplacement {
		return maxParams + 1
	}
	return maxParams / 16
}

// substitute answers the few command substitutions that do not need a cluster: where the script is, and text.
func (s *shell) substitute(w io.Writer, c *syntax.CmdSubst) error {
	_, err := io.WriteString(w, s.answer(c.Stmts))
	return err
}

func (s *shell) answer(stmts []*syntax.Stmt) string {
	if s.nesting >= maxNesting {
		return unknown
	}
	s.nesting++
	defer func() { s.nesting-- }()
	if len(stmts) != 1 {
		return unknown
	}
	switch c := stmts[0].Cmd.(type) {
	case *syntax.BinaryCmd: // cd "$(dirname "$0")" && pwd
		return s.answerIn(c)
	case *syntax.CallExpr:
		args, err := s.fields(c.Args)
		if err != nil || len(args) == 0 {
			return unknown
		}
		return s.answerTo(args)
	}
	return unknown
}

func (s *shell) answerIn(c *syntax.BinaryCmd) string {
	if c.Op != syntax.AndStmt {
		return unknown
	}
	defer func(dir string) { s.dir = dir }(s.dir)
	if call, ok := c.X.Cmd.(*syntax.CallExpr); ok {
		if args, err := s.fields(call.Args); err == nil && len(args) > 1 && args[0] == "cd" {
			s.cd(args[1:])
			return s.answer([]*syntax.Stmt{c.Y})
		}
	}
	return unknown
}

func (s *shell) answerTo(args []string) string {
	last := args[len(args)-1]
	switch args[0] {
	case "pwd":
		return path.Join(home, s.dir)
	case "dirname":
		return path.Dir(last)
	case "basename":
		return path.Base(last)
	case "realpath", "readlink":
		if p, ok := s.local(last); ok {
			return path.Join(home, p)
		}
	case "echo":
		return strings.Join(args[1:], " ")
	}
	return unknown
}

// assign sets a variable as NAME=value, NAME+=value, NAME=(a b) do.
func (s *shell) assign(a *syntax.Assign) {
	if a.Name == nil || a.Naked || a.Index != nil {
		return
	}
	name := a.Name.Value
	if a.Array != nil {
		s.assignArray(name, a)
		return
	}
	value, err := s.literal(a.Value)
	if err != nil {
		value = unknown
	}
	if a.Append {
		value = s.vars[name].String() + value
	}
	s.set(name, value)
}

func (s *shell) assignArray(name string, a *syntax.Assign) {
	var words []*syntax.Word
	for _, e := range a.Array.Elems {
		if e.Value != nil {
			words = append(words, e.Value)
		}
	}
	list, err := s.fields(words)
	if err != nil {
		return
	}
	if old := s.vars[name]; a.Append && old.Kind == expand.Indexed {
		list = append(append([]string(nil), old.List...), list...)
	}
	if len(list) <= maxFields {
		s.vars[name] = expand.Variable{Set: true, Kind: expand.Indexed, List: list}
	}
}
