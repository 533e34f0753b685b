package app

import (
	"maps"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// shellOwn are variables that the shell or the machine sets.
func shellOwn() []string {
	return []string{
		"HOME", "PATH", "PWD", "OLDPWD", "USER", "LOGNAME", "SHELL", "HOSTNAME", "UID", "EUID", "GROUPS", "PPID", "RANDOM", "SRANDOM", "SECONDS", "EPOCHSECONDS",
		"EPOCHREALTIME", "LINENO", "IFS", "OSTYPE", "HOSTTYPE", "MACHTYPE", "TERM", "LANG", "TMPDIR", "KUBECONFIG", "REPLY", "OPTARG", "OPTIND", "PIPESTATUS", "FUNCNAME",
		"uninstall", "work",
	}
}

// unset refuses variables in the commands of run and undo that nothing sets: the start script ends where it meets one.
func (c *checker) unset() {
	known := append(shellOwn(), c.app.Variables.Keys()...)
	var uses []use
	for i := range c.app.Start {
		s := &c.app.Start[i]
		known = append(known, s.ReleaseVariables()...)
		if s.Run == "" {
			continue
		}
		for _, one := range []struct{ key, text string }{{"run", s.Run}, {"undo", s.Undo}} {
			found, sets, ok := shellVariables(one.text)
			if !ok {
				return // what a file or a text sets that it reads is not known
			}
			known = append(known, sets...)
			for _, name := range found {
				uses = append(uses, use{s.At.Of(one.key), name})
			}
		}
	}
	for _, u := range uses {
		if !contains(known, u.name) && !strings.HasPrefix(u.name, "SEALOS_") && !strings.HasPrefix(u.name, "BASH") {
			c.fault(u.line, "nothing sets $%s%s; what may be absent is written ${%[1]s:-}", u.name, meant(u.name, c.app.Variables.Keys()))
		}
	}
}

// use is a variable that a command reads.
type use struct {
	line int
	name string
}

// shellVariables are the variables that a command reads without saying what to do where there is none, and those that it sets.
func shellVariables(text string) (reads, sets []string, ok bool) {
	file, err := syntax.NewParser(syntax.Variant(syntax.LangBash)).Parse(strings.NewReader(replaceEach(text, func(string) string { return "x" })), "")
	if err != nil {
		return nil, nil, true // said elsewhere
	}
	ok = true
	read := map[string]bool{}
	syntax.Walk(file, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.ParamExp:
			if n.Param != nil && n.Exp == nil && syntax.ValidName(n.Param.Value) {
				read[n.Param.Value] = true
			}
		case *syntax.Assign:
			if n.Name != nil {
				sets = append(sets, n.Name.Value)
			}
		case *syntax.WordIter:
			sets = append(sets, n.Name.Value)
		case *syntax.CallExpr:
			words := literals(n.Args)
			if len(words) > 0 && contains([]string{"eval", "source", "."}, words[0]) {
				ok = false
			}
			if len(words) > 0 && contains([]string{"read", "mapfile", "readarray", "getopts", "printf", "export"}, words[0]) {
				sets = append(sets, words[1:]...)
			}
		}
		return true
	})
	return slices.Sorted(maps.Keys(read)), sets, ok
}

// literals are the words of a command that are written out.
func literals(words []*syntax.Word) []string {
	var out []string
	for _, w := range words {
		out = append(out, w.Lit())
	}
	return out
}
