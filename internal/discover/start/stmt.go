package start

import (
	"maps"
	"path"
	"regexp"
	"strings"

	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/syntax"
)

// maxLoop is how many words of a for loop are looked at.
const maxLoop = 256

func (s *shell) stmts(list []*syntax.Stmt) {
	for _, st := range list {
		s.stmt(st)
	}
}

func (s *shell) stmt(st *syntax.Stmt) {
	if s.steps++; s.steps > maxSteps || s.bytes > maxBytes {
		return
	}
	s.heredoc(st)
	switch c := st.Cmd.(type) {
	case *syntax.CallExpr:
		s.call(c)
	case *syntax.DeclClause:
		for _, a := range c.Args {
			s.assign(a)
		}
	case *syntax.FuncDecl:
		if c.Name != nil {
			s.funcs[c.Name.Value] = c.Body
		}
	case *syntax.BinaryCmd:
		s.binary(c)
	case *syntax.TimeClause:
		if c.Stmt != nil {
			s.stmt(c.Stmt)
		}
	default:
		s.compound(st.Cmd)
	}
}

func (s *shell) compound(cmd syntax.Command) {
	switch c := cmd.(type) {
	case *syntax.Block:
		s.stmts(c.Stmts)
	case *syntax.Subshell:
		defer func(dir string, vars map[string]expand.Variable) { s.dir, s.vars = dir, vars }(s.dir, s.vars)
		s.vars = maps.Clone(s.vars)
		s.stmts(c.Stmts)
	case *syntax.IfClause:
		for ; c != nil; c = c.Else {
			s.stmts(c.Cond)
			s.maybe(c.Then)
		}
	case *syntax.WhileClause:
		s.stmts(c.Cond)
		s.maybe(c.Do)
	case *syntax.CaseClause:
		for _, item := range c.Items {
			s.maybe(item.Stmts)
		}
	case *syntax.ForClause:
		s.loop(c)
	}
}

// maybe looks at a branch. Whether its assignments stay depends on the pass.
func (s *shell) maybe(list []*syntax.Stmt) {
	s.branch++
	defer func() { s.branch-- }()
	if !s.taken {
		defer func(dir string, vars map[string]expand.Variable) { s.dir, s.vars = dir, vars }(s.dir, s.vars)
		s.vars = maps.Clone(s.vars)
	}
	s.stmts(list)
}

func (s *shell) binary(c *syntax.BinaryCmd) {
	s.stmt(c.X)
	switch {
	case c.Op == syntax.AndStmt && !isTest(c.X), c.Op == syntax.Pipe, c.Op == syntax.PipeAll:
		s.stmt(c.Y)
	default:
		s.maybe([]*syntax.Stmt{c.Y})
	}
}

// isTest says whether the statement asks for something, so that what follows it with && is a branch.
func isTest(st *syntax.Stmt) bool {
	switch c := st.Cmd.(type) {
	case *syntax.TestClause, *syntax.ArithmCmd:
		return true
	case *syntax.CallExpr:
		if len(c.Args) == 0 {
			return false
		}
		name := c.Args[0].Lit()
		return name == "[" || name == "test" || name == "command" || name == "which" || name == "grep"
	}
	return st.Negated
}

func (s *shell) loop(c *syntax.ForClause) {
	words, ok := c.Loop.(*syntax.WordIter)
	if !ok {
		s.maybe(c.Do)
		return
	}
	values, err := s.fields(words.Items)
	if err != nil || len(values) == 0 {
		values = []string{unknown}
	}
	for _, v := range values[:min(len(values), maxLoop)] {
		s.set(words.Name.Value, v)
		s.stmts(c.Do)
	}
}

// heredoc remembers what cat <<EOF >file writes, since a later helm may read it.
func (s *shell) heredoc(st *syntax.Stmt) {
	var text, file string
	for _, r := range st.Redirs {
		switch r.Op {
		case syntax.Hdoc, syntax.DashHdoc:
			if r.Hdoc != nil && s.spend(r.Hdoc) == nil {
				text, _ = expand.Document(s.config(), r.Hdoc)
				s.bytes += len(text)
				s.inline(text, r.Hdoc)
			}
		case syntax.RdrOut, syntax.AppOut, syntax.RdrClob:
			file, _ = s.literal(r.Word)
		}
	}
	if file == "" || strings.HasPrefix(file, "/dev/") {
		return
	}
	if p, ok := s.local(file); ok {
		file = p
	}
	s.written[file] += text
}

func (s *shell) call(c *syntax.CallExpr) {
	if len(c.Args) == 0 {
		for _, a := range c.Assigns {
			s.assign(a)
		}
		return
	}
	defer func(vars map[string]expand.Variable) {
		if len(c.Assigns) > 0 {
			s.vars = vars
		}
	}(maps.Clone(s.vars))
	for _, a := range c.Assigns {
		s.assign(a)
	}
	line := int(c.Pos().Line())
	args, err := s.fields(c.Args)
	if err != nil {
		s.warn(line, "cannot expand the command: %v", err)
		return
	}
	if len(args) > 0 {
		s.command(args, line)
	}
}

func (s *shell) cd(args []string) {
	if p, ok := s.local(args[len(args)-1]); ok {
		s.dir = strings.TrimPrefix(p, ".")
	}
}

// command looks at one expanded command.
func (s *shell) command(args []string, line int) {
	args = unwrap(args)
	if len(args) == 0 {
		return
	}
	name, rest := args[0], args[1:]
	if body, ok := s.funcs[name]; ok {
		s.function(body, rest)
		return
	}
	switch base := path.Base(name); base {
	case "helm":
		s.helm(rest, line)
	case "kubectl":
		s.kubectl(rest, line)
	case "cilium":
		s.cilium(rest, line)
	case "cd", "pushd":
		if len(rest) > 0 {
			s.cd(rest)
		}
	case "shift":
		s.params = s.params[min(1, len(s.params)):]
	case "eval":
		s.text(strings.Join(rest, " "))
	case "bash", "sh", "ash", "dash":
		s.interpreter(rest, line)
	case "source", ".":
		if len(rest) > 0 {
			s.script(rest[0], rest[1:], true, line)
		}
	default:
		if strings.Contains(name, "/") {
			s.script(name, rest, false, line)
		}
	}
}

func (s *shell) function(body *syntax.Stmt, args []string) {
	if s.nesting >= maxNesting {
		return
	}
	defer func(params []string) { s.params, s.nesting = params, s.nesting-1 }(s.params)
	s.params, s.nesting = args, s.nesting+1
	s.stmt(body)
}

// text looks at a command line within a command line.
func (s *shell) text(line string) {
	if s.nesting >= maxNesting || len(line) > maxScript {
		return
	}
	s.nesting++
	defer func() { s.nesting-- }()
	s.source(s.file, line)
}

// interpreter is bash [-x] script args, or bash -c text.
func (s *shell) interpreter(args []string, line int) {
	for i, a := range args {
		switch {
		case strings.HasPrefix(a, "-") && !strings.HasPrefix(a, "--") && strings.HasSuffix(a, "c"):
			if i+1 < len(args) {
				s.text(args[i+1])
			}
			return
		case a == "-o" || strings.HasPrefix(a, "-"), i > 0 && args[i-1] == "-o":
		default:
			s.script(a, args[i+1:], false, line)
			return
		}
	}
}

// ofWrapper is a flag, a variable, or a number or duration, which belong to the command in front.
var ofWrapper = regexp.MustCompile(`^-|^\w+=|^[0-9.]+[smhd]?$`)

// unwrap takes sudo, env and the like away.
func unwrap(args []string) []string {
	for len(args) > 0 {
		switch path.Base(args[0]) {
		case "sudo", "exec", "nohup", "command", "time", "nice", "env", "timeout", "xargs", "builtin":
			args = args[1:]
			for len(args) > 0 && ofWrapper.MatchString(args[0]) {
				args = args[1:]
			}
		default:
			return args
		}
	}
	return args
}
