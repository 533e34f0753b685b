package app

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/Masterminds/semver/v3"
	"go.yaml.in/yaml/v3"
	"mvdan.cc/sh/v3/syntax"
)

var (
	releaseName   = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,51}[a-z0-9])?$`)
	namespaceName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)
	prefixName    = regexp.MustCompile(`^[A-Z][A-Z0-9]*$`)
)

func (c *checker) edit(e *Edit) {
	c.constraint(e.At.Of("when"), "when", e.When)
	c.local(e.At.Of("file"), "file", filledPath(e.File))
	c.known(e.At.Of("file"), e.File, len(c.app.Sources))
	if len(e.Set)+len(e.Delete)+len(e.Replace) == 0 {
		c.fault(e.At.Line, "the edit of %s does nothing: it has none of set, delete and replace", e.File)
	}
	for _, s := range e.Set {
		c.yamlPath(s.Line, s.Key)
		c.value(s.Value.Node)
	}
	for _, p := range e.Delete {
		c.yamlPath(e.At.Of("delete"), p)
	}
	for _, p := range e.Select {
		c.yamlPath(p.Line, p.Key)
		c.known(p.Line, p.Key, len(c.app.Sources))
		c.known(p.Line, p.Value, len(c.app.Sources))
	}
	for _, r := range e.Replace {
		if r.Old == "" {
			c.fault(r.At.Line, "old is empty: there is nothing to replace")
		}
		c.known(r.At.Of("old"), r.Old, len(c.app.Sources))
		c.known(r.At.Of("new"), r.New, len(c.app.Sources))
	}
}

func (c *checker) yamlPath(line int, text string) {
	if _, err := ParsePath(text); err != nil {
		c.fault(line, "%v", err)
	}
}

// value checks the placeholders in a YAML value.
func (c *checker) value(n *yaml.Node) {
	if n == nil {
		return
	}
	if n.Kind == yaml.ScalarNode {
		c.known(n.Line, n.Value, len(c.app.Sources))
	}
	for _, child := range n.Content {
		c.value(child)
	}
}

// stepKeys are the keys that a kind of step may have beside when.
func stepKeys(kind string) []string {
	switch kind {
	case StepInstall:
		return []string{"install", "when", "keep"}
	case StepHelm:
		return []string{"helm", "when", "chart", "namespace", "options", "values", "values-files", "from-variables", "wait", "timeout", "crds", "prefix", "keep"}
	case StepApply:
		return []string{"apply", "when", "namespace", "server-side", "kustomize", "wait", "timeout", "keep"}
	}
	return []string{kind, "when", "undo"}
}

func (c *checker) steps() {
	if len(c.app.Start) == 0 && c.app.Kubefile == "" {
		c.fault(c.app.At.Of("start"), "start has no step, so that the application never starts")
	}
	prefixes := map[string]int{}
	for i := range c.app.Start {
		s := &c.app.Start[i]
		kinds := s.kinds()
		if len(kinds) != 1 {
			c.fault(s.At.Line, "a step is exactly one of install, helm, apply, script and run, and this has %d of them", len(kinds))
			continue
		}
		for key, line := range s.At.keys {
			if allowed := stepKeys(kinds[0]); !contains(allowed, key) {
				c.fault(line, "a step of this kind (%s) has no %s%s", kinds[0], key, meant(key, allowed))
			}
		}
		c.stepTexts(s)
		c.step(s, kinds[0], prefixes)
	}
	c.unset()
}

func (c *checker) step(s *Step, kind string, prefixes map[string]int) {
	switch kind {
	case StepInstall:
		for _, one := range s.Install {
			c.local(one.At.Line, "install", filledPath(one.From))
			if !strings.HasPrefix(one.To, "/") || strings.ContainsAny(one.To, " '\"$") {
				c.fault(one.At.Line, "install puts %s to %q: that must be an absolute path", one.From, one.To)
			}
		}
	case StepHelm:
		c.helm(s, prefixes)
	case StepApply:
		for _, p := range s.Apply {
			c.local(s.At.Of("apply"), "apply", filledPath(p))
		}
		if s.Wait.No {
			c.fault(s.At.Of("wait"), "wait of apply names what to wait for, such as condition=Available deployment/x")
		}
	case StepScript:
		c.local(s.At.Of("script"), "script", s.Script)
		if s.Undo != "" {
			c.local(s.At.Of("undo"), "undo", s.Undo)
		}
	case StepRun:
		c.shell(s.At.Of("run"), s.Run)
		c.shell(s.At.Of("undo"), s.Undo)
	}
}

// shell refuses a line that bash cannot read.
func (c *checker) shell(line int, text string) {
	if _, err := syntax.NewParser(syntax.Variant(syntax.LangBash)).Parse(strings.NewReader(replaceEach(text, func(string) string { return "x" })), ""); err != nil {
		c.fault(line, "bash cannot read %q: %v", text, err)
	}
}

func (c *checker) stepTexts(s *Step) {
	all := len(c.app.Sources)
	for _, t := range []struct{ key, text string }{
		{"helm", s.Helm}, {"chart", s.Chart}, {"namespace", s.Namespace}, {"options", s.Options}, {"script", s.Script}, {"run", s.Run}, {"undo", s.Undo},
	} {
		c.known(s.At.Of(t.key), t.text, all)
	}
	for _, p := range slices.Concat(s.Apply, s.ValuesFiles, s.Wait.For) {
		c.known(s.At.Line, p, all)
	}
	for _, one := range s.Install {
		c.known(one.At.Line, one.From, all)
		c.known(one.At.Line, one.To, all)
	}
	c.value(s.Values.Node)
	if name := filledPath(s.Namespace); name != "" && !namespaceName.MatchString(name) {
		c.fault(s.At.Of("namespace"), "%q cannot be a namespace: it has at most 63 lower-case letters, digits and dashes", s.Namespace)
	}
	c.stepWhen(s)
	if s.Timeout != "" {
		if _, err := time.ParseDuration(s.Timeout); err != nil {
			c.fault(s.At.Of("timeout"), "timeout is %q: the form is 10m or 90s", s.Timeout)
		}
	}
}

// Variable is the variable that the step waits for; empty when its when is a range or absent.
func (s *Step) Variable() string {
	name := strings.TrimSuffix(strings.TrimPrefix(strings.TrimPrefix(s.When, "$"), "{"), "}")
	if variableName.MatchString(name) {
		return name
	}
	return ""
}

// Range is the versions for which the step is there; empty for all.
func (s *Step) Range() string {
	if s.Variable() != "" {
		return ""
	}
	return s.When
}

func (c *checker) stepWhen(s *Step) {
	name := s.Variable()
	switch {
	case s.When == "":
	case name == "":
		if _, err := semver.NewConstraint(s.When); err != nil {
			c.fault(s.At.Of("when"), "when is %q: it is a variable such as {addresses}, or a semver range", s.When)
		}
	default:
		c.variable(s.At.Of("when"), name)
	}
}

// variable refuses one that the recipe does not have.
func (c *checker) variable(line int, name string) {
	known := c.app.Variables.Keys()
	for i := range c.app.Start {
		known = append(known, c.app.Start[i].ReleaseVariables()...)
	}
	if !contains(known, name) {
		c.fault(line, "there is no variable %s%s", name, meant(name, known))
	}
}

// ReleaseVariables are those that a helm step brings, in the order NAME, NAMESPACE, CHARTS, HELM_OPTS.
func (s *Step) ReleaseVariables() []string {
	if s.Helm == "" {
		return nil
	}
	out := []string{"NAME", "NAMESPACE", "CHARTS", "HELM_OPTS"}
	if s.Prefix != "" {
		for i := range out {
			out[i] = s.Prefix + "_" + out[i]
		}
	}
	return out
}

func (c *checker) helm(s *Step, prefixes map[string]int) {
	if name := filledPath(s.Helm); !releaseName.MatchString(name) {
		c.fault(s.At.Of("helm"), "%q cannot be a release: it has at most 53 lower-case letters, digits and dashes", s.Helm)
	}
	if s.Namespace == "" {
		c.fault(s.At.Line, "the release %s lacks namespace", s.Helm)
	}
	if s.Prefix != "" && !prefixName.MatchString(s.Prefix) {
		c.fault(s.At.Of("prefix"), "prefix is %q: it has upper-case letters and digits", s.Prefix)
	}
	if strings.ContainsAny(s.Options, "\n\x00") {
		c.fault(s.At.Of("options"), "options has several lines: it is the default of one variable; write >- before the lines, or use values")
	}
	if strings.ContainsAny(s.Options, "'\"") {
		c.fault(s.At.Of("options"), "options has quotes, which nobody takes away: its words are parted by blanks; write what needs quotes under values")
	}
	if s.Range() == "" { // releases of other versions do not meet
		if first, twice := prefixes[s.Prefix]; twice {
			c.fault(s.At.Line, "the release %s has the same variables as that in line %d: give it a prefix", s.Helm, first)
		}
		prefixes[s.Prefix] = s.At.Line
	}
	if len(s.Wait.For) > 0 {
		c.fault(s.At.Of("wait"), "wait of helm is true or false")
	}
	if n := s.Values.Node; n != nil && n.Kind != yaml.MappingNode {
		c.fault(s.At.Of("values"), "values must be a mapping")
	}
	for _, p := range s.ValuesFiles {
		c.local(s.At.Of("values-files"), "values-files", filledPath(p))
	}
	for _, v := range s.FromVariables {
		c.valuePath(s, v)
		c.variable(v.Line, v.Value)
	}
	c.passwords(s)
}

// valuePath refuses paths that no mapping of values can have. One that leads into a list needs that list under values, since helm replaces lists as a
// whole, and a variable that is never empty.
func (c *checker) valuePath(s *Step, p Pair[string]) {
	path, err := ParsePath(p.Key)
	switch {
	case err != nil:
		c.fault(p.Line, "%v", err)
	case !slices.ContainsFunc(path, func(e PathElement) bool { return e.IsList }):
	case slices.ContainsFunc(path, func(e PathElement) bool { return e.Every || e.Append }):
		c.fault(p.Line, "%s: an element of a list is named by its number, the first by [0]", p.Key)
	case path[0].IsList || s.Values.Node == nil || len(Find(s.Values.Node, path)) != 1:
		c.fault(p.Line, "%s is not there under values: helm replaces lists as a whole, so write the list there, with any value in this place", p.Key)
	default:
		if v, ok := c.app.Variables.Get(p.Value); ok && !v.Required && v.Generate == "" {
			c.fault(p.Line, "%s: %s may be empty, and an element of a list would be too: make it required, or generate it", p.Key, p.Value)
		}
	}
}

var passwordOption = regexp.MustCompile(`(?i)(\S*(?:password|passwd|secretkey))=("[^"]+"|'[^']+'|[^\s,"']+)`)

// passwords refuses those that everybody knows.
func (c *checker) passwords(s *Step) {
	for _, m := range passwordOption.FindAllStringSubmatch(s.Options, -1) {
		if v := strings.Trim(m[2], `"'`); v != "" && v != "true" && v != "false" && !strings.HasPrefix(v, "$") {
			c.fault(s.At.Of("options"), "options sets %s, which everybody would know: use a variable with generate: password and from-variables", strings.TrimPrefix(m[1], "--set="))
		}
	}
}
