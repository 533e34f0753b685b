package app

import (
	"bytes"
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// RenderFile has the variables that stand in while images are looked for, NAME=VALUE a line.
const RenderFile = "render.env"

// Made are the files that a recipe stands for, by their path in the context.
type Made map[string]string

// builder makes the files of one version and platform.
type builder struct {
	app   *App
	scope Scope
	// steps are those of this version, filled in, each helm step with its chart and the file of its values.
	steps []startStep
	made  Made
}

// startStep is a step with what the script needs to know of it.
type startStep struct {
	Step
	valuesFile string
}

// Generate makes the Kubefile, the start script, the values files and the small files that steer discovery, for a context that has these paths.
func (a *App) Generate(s Scope, paths []string) (Made, error) {
	b := &builder{app: a, scope: s, made: Made{}}
	entries, charts := topsOf(paths)
	if err := b.expand(charts); err != nil {
		return nil, err
	}
	b.settings()
	if a.Kubefile == "" {
		b.made[EntrypointFile] = b.script()
		for name := range b.made {
			entries = append(entries, strings.SplitN(name, "/", 2)[0])
		}
		for _, e := range entries {
			if !copyable.MatchString(e) && !contains(notCopied(), e) {
				return nil, Fault{Message: fmt.Sprintf("%q cannot be copied by a Kubefile: a name at the top of the context has no blank, quote, bracket, backslash, $, * or ?, and does not begin with a dash", e)}
			}
		}
		b.made["Kubefile"] = b.kubefile(entries)
	}
	return b.made, nil
}

// expand fills the steps of this version in.
func (b *builder) expand(charts []string) error {
	seen, releases := map[string]bool{}, map[string]bool{}
	for i := range b.app.Start {
		s := b.app.Start[i]
		ok, err := b.scope.covers(s.Range())
		if err != nil {
			return Fault{Line: s.At.Of("when"), Message: err.Error()}
		}
		if !ok {
			continue
		}
		e := &expander{scope: b.scope}
		step := startStep{Step: e.step(s)}
		if e.err != nil {
			return Fault{Line: s.At.Line, Message: e.err.Error()}
		}
		if s.Helm != "" {
			if seen[s.Prefix] {
				return Fault{Line: s.At.Line, Message: fmt.Sprintf("version %s has two releases with the same variables: give one a prefix", b.scope.Version)}
			}
			seen[s.Prefix] = true
			at := step.Helm + " in the namespace " + step.Namespace
			if releases[at] {
				return Fault{Line: s.At.Line, Message: "the release " + at + " is there twice: one would take the place of the other"}
			}
			releases[at] = true
			if err := b.release(&step, charts); err != nil {
				return err
			}
		}
		b.steps = append(b.steps, step)
	}
	return nil
}

func (e *expander) step(s Step) Step {
	for _, field := range []*string{&s.Helm, &s.Chart, &s.Namespace, &s.Options, &s.Script, &s.Run, &s.Undo} {
		*field = e.text(*field)
	}
	s.Apply, s.ValuesFiles, s.Values.Node = e.texts(s.Apply), e.texts(s.ValuesFiles), e.node(s.Values.Node)
	s.Wait.For = e.texts(s.Wait.For)
	s.Install = slices.Clone(s.Install)
	for i := range s.Install {
		s.Install[i].From, s.Install[i].To = e.text(s.Install[i].From), e.text(s.Install[i].To)
	}
	return s
}

// release finds the chart of a helm step and writes its values.
func (b *builder) release(s *startStep, charts []string) error {
	if s.Chart = strings.TrimPrefix(s.Chart, "./"); s.Chart == "" {
		if len(charts) != 1 {
			return Fault{Line: s.At.Line, Message: fmt.Sprintf("the release %s does not say which chart, and there are %d: add chart: charts/NAME", s.Helm, len(charts))}
		}
		s.Chart = charts[0]
	}
	if s.CRDs != "" && (strings.HasSuffix(s.Chart, ".tgz") || strings.HasSuffix(s.Chart, ".tar.gz")) {
		return Fault{Line: s.At.Of("crds"), Message: fmt.Sprintf("crds are applied from the directory of a chart, and %s is packed: unpack it, with a to that does not end so", s.Chart)}
	}
	if s.Values.Node == nil {
		return nil
	}
	base := strings.TrimSuffix(strings.TrimSuffix(path.Base(s.Chart), ".tgz"), ".tar.gz")
	for _, name := range []string{base, base + "." + s.Helm, base + "." + s.Helm + "." + strings.ToLower(s.Prefix)} {
		s.valuesFile = "charts/" + name + ".values.yaml"
		if _, taken := b.made[s.valuesFile]; !taken {
			break
		}
	}
	var out bytes.Buffer
	enc := yaml.NewEncoder(&out)
	enc.SetIndent(2)
	if err := enc.Encode(s.Values.Node); err != nil {
		return Fault{Line: s.At.Of("values"), Message: err.Error()}
	}
	b.made[s.valuesFile] = out.String()
	return nil
}

// settings are the small files that say what a classic recipe says by hand.
func (b *builder) settings() {
	a := b.app
	for _, m := range a.Images.FetchFrom {
		b.made["mirrors.txt"] += fmt.Sprintf("%s=%s  # %s\n", m.Prefix, m.From, oneLine(m.Reason))
	}
	for _, i := range a.Images.Ignore {
		image, _ := Expand(i.Image, b.scope.Lookup) // checked: its placeholders are known
		b.made[".sealignore"] += fmt.Sprintf("# %s\n%s\n", oneLine(i.Reason), image)
	}
	for _, v := range a.Variables {
		if stand := v.Value.standIn(); stand != "" {
			b.made[RenderFile] += v.Key + "=" + stand + "\n"
		}
	}
	if len(a.Platforms.Only) > 0 {
		b.made["build_arch"] = strings.Join(a.Platforms.Only, " ") + "\n"
	}
}

// standIn is the value of a variable while images are looked for, where it has no default.
func (v Variable) standIn() string {
	switch {
	case v.Render != "":
		return v.Render
	case v.Generate != "":
		return ("Stand1n" + strings.Repeat("Password", maxGenerated/8))[:cmp.Or(v.Length, defaultGenerated)]
	case v.Required:
		return "stand-in"
	}
	return ""
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
