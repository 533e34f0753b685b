package app

import (
	"encoding/json"
	"fmt"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

func (w *scriptWriter) step(i int) {
	s := w.b.steps[i]
	w.line("")
	w.when(s, func() {
		switch s.Kind() {
		case StepInstall:
			for _, one := range s.Install {
				w.line("install -D -m 0755 %s %s", shellQuote(one.From), shellQuote(one.To))
			}
		case StepHelm:
			w.helm(s)
		case StepApply:
			w.apply(s)
		case StepScript:
			w.line("bash %s", shellQuote(s.Script))
		case StepRun:
			w.command(s.Run)
		}
	})
}

// command writes a recipe's own command line. One in which blanks before a line mean something stays as it is.
func (w *scriptWriter) command(text string) {
	indent := w.indent
	if spansLines(text) {
		w.indent = ""
	}
	for line := range strings.Lines(text) {
		w.line("%s", strings.TrimRight(line, "\n"))
	}
	w.indent = indent
}

// spansLines says whether a command has a here-document, or a quoted text of several lines.
func spansLines(text string) bool {
	file, err := syntax.NewParser(syntax.Variant(syntax.LangBash)).Parse(strings.NewReader(text), "")
	if err != nil {
		return true // its placeholders are filled in now; as it is, it does least harm
	}
	found := false
	syntax.Walk(file, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.Redirect:
			found = found || n.Hdoc != nil
		case *syntax.SglQuoted, *syntax.DblQuoted:
			found = found || n.Pos().Line() != n.End().Line()
		}
		return !found
	})
	return found
}

func (w *scriptWriter) undo(s startStep) {
	if s.Keep {
		return
	}
	switch s.Kind() {
	case StepInstall:
		for i := len(s.Install) - 1; i >= 0; i-- {
			w.line("rm -f %s", shellQuote(s.Install[i].To))
		}
	case StepHelm:
		v := s.ReleaseVariables()
		w.line(`withdraw "$%s" "$%s"`, v[0], v[1])
	case StepApply:
		w.when(s, func() {
			for i := len(s.Apply) - 1; i >= 0; i-- {
				w.line("remove%s %s", namespaceFlag(s), fileFlag(s, s.Apply[i]))
			}
		})
	case StepScript:
		if s.Undo != "" {
			w.when(s, func() { w.line("bash %s", shellQuote(s.Undo)) })
		}
	case StepRun:
		if s.Undo != "" {
			w.when(s, func() { w.command(s.Undo) })
		}
	}
}

func (s Step) timeout() string {
	if s.Timeout == "" {
		return "10m"
	}
	return s.Timeout
}

func (w *scriptWriter) helm(s startStep) {
	v := s.ReleaseVariables()
	if s.CRDs != "" {
		w.block(fmt.Sprintf("[[ -d $%s/crds ]]", v[2]), func() {
			w.line(`kubectl apply --server-side --force-conflicts --recursive -f "$%s/crds"`, v[2])
		})
	}
	arguments := helmArguments(s, v)
	if len(s.FromVariables) > 0 {
		w.line("arguments=(%s)", arguments)
		for _, p := range s.FromVariables {
			if !inList(p.Key) {
				w.fromVariables(p)
			}
		}
		for _, l := range listsOf(s.FromVariables) {
			w.list(s, l)
		}
		arguments = `"${arguments[@]}"`
	}
	w.line("set -f # %s holds several words, and none of them is a pattern.", v[3])
	w.line("# shellcheck disable=SC2086")
	w.line("helm %s $%s", arguments, v[3])
	w.line("set +f")
}

func helmArguments(s startStep, variables []string) string {
	out := fmt.Sprintf(`upgrade --install "$%s" "$%s" --namespace "$%s" --create-namespace`, variables[0], variables[2], variables[1])
	if !s.Wait.No {
		out += " --wait --timeout " + s.timeout()
	}
	if s.valuesFile != "" {
		out += " --values " + shellQuote(s.valuesFile)
	}
	for _, f := range s.ValuesFiles {
		out += " --values " + shellQuote(f)
	}
	return out
}

// fromVariables puts the value of a variable into a values file of its own, unless it is empty.
func (w *scriptWriter) fromVariables(p Pair[string]) {
	v, _ := w.b.app.Variables.Get(p.Value)
	path, _ := ParsePath(p.Key) // checked
	before, after := around(path)
	write := func() {
		value := "$" + p.Value
		if !v.bare() {
			w.line(`json "$%s"`, p.Value)
			value = `"$REPLY"`
		}
		w.valuesOf(before + value + after)
	}
	if v.Required || v.Generate != "" {
		write()
		return
	}
	w.block(fmt.Sprintf("[[ -n ${%s:-} ]]", p.Value), write)
}

// valuesOf writes a values file with the text, of which the shell fills in the variables, and gives it to helm.
func (w *scriptWriter) valuesOf(text string) {
	w.values++
	w.line(`cat >"$work/%d.yaml" <<EOF`, w.values)
	w.out.WriteString(text + "\nEOF\n")
	w.line(`arguments+=(--values "$work/%d.yaml")`, w.values)
}

// around writes a value path as JSON around the value, for a here-document.
func around(path []PathElement) (before, after string) {
	for _, e := range path {
		key, _ := json.Marshal(e.Key) // a text
		before += "{" + heredocText(string(key)) + ": "
		after += "}"
	}
	return before, after
}

// heredocText is a text in which the shell finds nothing to fill in.
func heredocText(s string) string {
	return strings.NewReplacer(`\`, `\\`, `$`, `\$`, "`", "\\`").Replace(s)
}

func (w *scriptWriter) apply(s startStep) {
	if s.Namespace != "" {
		w.line("kubectl create namespace %s --dry-run=client -o yaml | kubectl apply -f -", shellQuote(s.Namespace))
	}
	serverSide := ""
	if s.ServerSide {
		serverSide = " --server-side --force-conflicts"
	}
	for _, p := range s.Apply {
		w.line("kubectl apply%s%s %s", serverSide, namespaceFlag(s), fileFlag(s, p))
	}
	for _, condition := range s.Wait.For {
		w.waitFor(s, strings.Fields(condition))
	}
}

func (w *scriptWriter) waitFor(s startStep, words []string) {
	command := "wait --for"
	if len(words) > 0 && words[0] == "rollout" {
		command, words = "rollout status", words[1:]
	}
	for i := range words {
		words[i] = shellQuote(words[i])
	}
	w.line("kubectl %s %s%s --timeout %s", command, strings.Join(words, " "), namespaceFlag(s), s.timeout())
}

func namespaceFlag(s startStep) string {
	if s.Namespace == "" {
		return ""
	}
	return " --namespace " + shellQuote(s.Namespace)
}

func fileFlag(s startStep, path string) string {
	if s.Kustomize {
		return "-k " + shellQuote(path)
	}
	return "-f " + shellQuote(path)
}
