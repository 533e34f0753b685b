package start

import (
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/syntax"
)

// Limits on what a script may make of itself.
const (
	maxScript  = 256 << 10
	maxValue   = 16 << 10
	maxFields  = 4096
	maxParams  = 256
	maxSteps   = 20000
	maxBytes   = 32 << 20
	maxNesting = 16
	maxFound   = 256
)

// unknown stands for what only a cluster can answer: it is a number, a truth value and a name.
const unknown = "1"

// home is where the build context is in an absolute path.
const home = "/.context"

// shell looks at commands instead of running them.
type shell struct {
	root      *os.Root
	vars      map[string]expand.Variable
	params    []string
	funcs     map[string]*syntax.Stmt
	written   map[string]string
	taken     bool
	dir       string
	file      string
	branch    int
	nesting   int
	steps     int
	bytes     int
	found     []Invocation
	images    []Image
	manifests []Manifest
	warnings  []Warning
}

func newShell(root *os.Root, env map[string]string, taken bool) *shell {
	s := &shell{root: root, taken: taken, vars: map[string]expand.Variable{}, funcs: map[string]*syntax.Stmt{}, written: map[string]string{}}
	for k, v := range env {
		if !strings.Contains(v, "${") {
			s.set(k, v)
		}
	}
	for _, k := range slices.Sorted(maps.Keys(env)) {
		if v := env[k]; strings.Contains(v, "${") {
			s.set(k, s.embedded(v))
		}
	}
	return s
}

// embedded expands a value of the Kubefile's ENV that still has a default in it: ${NAME:-"nginx"}.
func (s *shell) embedded(v string) string {
	w, err := syntax.NewParser().Document(strings.NewReader(v))
	if err != nil {
		return v
	}
	text, err := expand.Document(s.config(), w)
	if err != nil {
		return v
	}
	return strings.Trim(text, `"`)
}

func (s *shell) warn(line int, format string, args ...any) {
	if len(s.warnings) < 100 {
		s.warnings = append(s.warnings, Warning{File: s.file, Line: line, Message: fmt.Sprintf(format, args...)})
	}
}

func (s *shell) set(name, value string) {
	if len(value) > maxValue {
		value = value[:maxValue]
	}
	s.vars[name] = expand.Variable{Set: true, Exported: true, Kind: expand.String, Str: value}
}

// Get implements expand.Environ.
func (s *shell) Get(name string) expand.Variable {
	switch name {
	case "@", "*":
		return expand.Variable{Set: true, Kind: expand.Indexed, List: s.params}
	case "#":
		return expand.Variable{Set: true, Kind: expand.String, Str: fmt.Sprint(len(s.params))}
	case "0":
		return expand.Variable{Set: true, Kind: expand.String, Str: path.Join(home, s.file)}
	case "PWD":
		return expand.Variable{Set: true, Kind: expand.String, Str: path.Join(home, s.dir)}
	}
	if n, ok := positional(name); ok {
		if n <= len(s.params) {
			return expand.Variable{Set: true, Kind: expand.String, Str: s.params[n-1]}
		}
		return expand.Variable{}
	}
	return s.vars[name]
}

// Each implements expand.Environ.
func (s *shell) Each(f func(string, expand.Variable) bool) {
	for k, v := range s.vars {
		if !f(k, v) {
			return
		}
	}
}

// kubernetes expands $(NAME) as sealos does before the shell sees the line; $$ is a dollar.
func (s *shell) kubernetes(line string) string {
	var b strings.Builder
	for {
		before, rest, ok := strings.Cut(line, "$")
		b.WriteString(before)
		if !ok {
			return b.String()
		}
		if after, ok := strings.CutPrefix(rest, "$"); ok {
			b.WriteByte('$')
			line = after
			continue
		}
		name, after, ok := strings.Cut(strings.TrimPrefix(rest, "("), ")")
		if v, known := s.vars[name]; ok && known && strings.HasPrefix(rest, "(") {
			b.WriteString(v.Str)
			line = after
			continue
		}
		b.WriteByte('$')
		line = rest
	}
}

// source looks at the text of a script, or at a command line of the Kubefile when file is empty.
func (s *shell) source(file, text string) {
	f, err := syntax.NewParser(syntax.Variant(syntax.LangBash)).Parse(strings.NewReader(text), file)
	if err != nil {
		s.warn(0, "cannot read the shell text: %v", err)
		return
	}
	s.stmts(f.Stmts)
}

// script looks at a file of the context with its arguments. A sourced one shares the variables.
func (s *shell) script(name string, args []string, sourced bool, line int) {
	file, ok := s.local(name)
	if !ok || s.nesting >= maxNesting {
		return
	}
	text, err := s.read(file)
	if err != nil {
		s.warn(line, "cannot read the script %s: %v", name, err)
		return
	}
	defer func(file, dir string, params []string) { s.file, s.params, s.nesting = file, params, s.nesting-1 }(s.file, s.dir, s.params)
	if !sourced {
		defer func(dir string, vars map[string]expand.Variable) { s.dir, s.vars = dir, vars }(s.dir, s.vars)
		s.vars = maps.Clone(s.vars)
	}
	s.file, s.params, s.nesting = file, args, s.nesting+1
	s.source(file, text)
}

// read reads a script. What is not there is empty: the command may be a program of the host.
func (s *shell) read(name string) (string, error) {
	info, err := s.root.Stat(name)
	if err != nil || !info.Mode().IsRegular() {
		return "", nil
	}
	if info.Size() > maxScript {
		return "", fmt.Errorf("it has %d bytes, at most %d are read", info.Size(), maxScript)
	}
	f, err := s.root.Open(name)
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }()
	b, err := io.ReadAll(io.LimitReader(f, maxScript))
	if strings.IndexByte(string(b), 0) >= 0 {
		return "", nil // a program
	}
	return string(b), err
}

// local is the path within the build context.
func (s *shell) local(name string) (string, bool) {
	switch {
	case name == "" || strings.Contains(name, "://"):
		return "", false
	case strings.HasPrefix(name, home):
		name = strings.TrimPrefix(name, home)
	case strings.HasPrefix(name, "/"):
		return "", false
	default:
		name = path.Join(s.dir, name)
	}
	name = strings.TrimPrefix(path.Clean("/"+name), "/")
	if name == "" {
		name = "."
	}
	return name, true
}

func (s *shell) exists(name string) bool {
	_, err := s.root.Stat(name)
	return err == nil
}

// positional is the number of a parameter $1 to $9.
func positional(name string) (int, bool) {
	if len(name) != 1 || name[0] < '1' || name[0] > '9' {
		return 0, false
	}
	return int(name[0] - '0'), true
}
