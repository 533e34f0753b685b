package app

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Plan is what a recipe does for one version and platform. Nothing is asked for it: what only a server knows stays a placeholder.
type Plan struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	// Platform is written as linux/arm64.
	Platform string `json:"platform"`
	// Resolves are the releases that are looked up, as KEY: what is asked.
	Resolves []string       `json:"resolves,omitempty"`
	Sources  []PlannedFetch `json:"sources"`
	Edits    []string       `json:"edits,omitempty"`
	// Files are the generated files by their path in the context.
	Files Made `json:"files"`
}

// PlannedFetch is one download of a plan.
type PlannedFetch struct {
	Kind Kind `json:"kind"`
	// From is what is asked for, To where it goes in the context.
	From     string   `json:"from"`
	To       []string `json:"to,omitempty"`
	Checksum string   `json:"checksum,omitempty"`
}

// Plan says what the recipe does. The vendored files are those of its directory, by their paths.
func (a *App) Plan(s Scope, vendored []string) (Plan, error) {
	s.Symbolic = true
	p := Plan{Name: s.Name, Version: s.Version, Platform: "linux/" + s.Arch, Sources: []PlannedFetch{}}
	if err := a.Version.Serves(s.Version); err != nil {
		return p, err
	}
	for _, r := range a.Resolve {
		p.Resolves = append(p.Resolves, strings.TrimSpace(fmt.Sprintf("%s: newest release of %s %s", r.Key, r.Value.GitHub, r.Value.Range)))
	}
	if err := a.planSources(&p, s, &vendored); err != nil {
		return p, err
	}
	for i := range a.Edits {
		edit, ok, err := a.Edit(i, s)
		if err != nil {
			return p, err
		}
		if ok {
			p.Edits = append(p.Edits, edit.String())
		}
	}
	made, err := a.Generate(s, vendored)
	p.Files = made
	return p, err
}

// planSources adds the downloads to the plan, and what they bring to the paths.
func (a *App) planSources(p *Plan, s Scope, paths *[]string) error {
	for i := range a.Sources {
		ok, err := a.Fetches(i, s)
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		f, err := a.Fetch(i, s)
		if err != nil {
			return err
		}
		p.Sources = append(p.Sources, f.planned())
		*paths = append(*paths, f.contextPaths()...)
	}
	return nil
}

// contextPaths are paths in the context that the source fills.
func (f Fetch) contextPaths() []string {
	if f.Kind == KindImages {
		return []string{f.ListFile()}
	}
	return f.Writes()
}

// topsOf gives the entries at the top of the context that the paths are in, and those of charts/ that are charts.
func topsOf(paths []string) (entries, charts []string) {
	for _, p := range paths {
		first, rest, deeper := strings.Cut(p, "/")
		entries = append(entries, first)
		name, inside, _ := strings.Cut(rest, "/")
		if first != "charts" || !deeper || name == "" {
			continue
		}
		if inside != "" || !isValues(name) {
			charts = append(charts, "charts/"+name)
		}
	}
	slices.Sort(entries)
	slices.Sort(charts)
	return slices.Compact(entries), slices.Compact(charts)
}

func (f Fetch) planned() PlannedFetch {
	p := PlannedFetch{Kind: f.Kind, From: f.Address, To: f.contextPaths(), Checksum: f.Sum}
	if f.SHA256URL != "" {
		p.Checksum = f.SHA256URL
	}
	if files := f.Files(); len(files) > 0 {
		p.To = nil
		for _, one := range files {
			p.To = append(p.To, one.Key+" -> "+one.Value)
		}
	}
	p.From = f.Asked()
	return p
}

// Asked says in a few words what is asked for. Locks name a source by it.
func (f Fetch) Asked() string {
	switch {
	case f.IsIndexed() && f.AppVersion != "":
		return fmt.Sprintf("%s: the newest chart %s for application version %s", f.Repo, f.Chart, f.AppVersion)
	case f.IsIndexed():
		return fmt.Sprintf("%s: chart %s %s", f.Repo, f.Chart, f.Source.Version)
	case f.IsOCI():
		return f.Chart + ":" + f.Source.Version
	case f.Kind == KindGit:
		return f.Git + " at " + f.Ref
	case f.Kind == KindImages:
		return f.Images.origin()
	}
	return f.Address
}

func (l ImageList) origin() string {
	out := strings.Join(l.List, " ")
	if place := l.URL + l.File; place != "" {
		out = strings.Join(strings.Fields(place+" "+l.Path+l.Match), " ")
	}
	if l.Join != "" {
		out += " as " + l.Join
	}
	return out
}

// String writes the plan for a person.
func (p Plan) String() string {
	var out strings.Builder
	fmt.Fprintf(&out, "%s %s for %s\n", p.Name, p.Version, p.Platform)
	for _, r := range p.Resolves {
		fmt.Fprintf(&out, "resolve %s\n", r)
	}
	for _, f := range p.Sources {
		fmt.Fprintf(&out, "%s %s\n", f.Kind, f.From)
		for _, to := range f.To {
			fmt.Fprintf(&out, "    to %s\n", to)
		}
		if f.Checksum != "" {
			fmt.Fprintf(&out, "    checksum %s\n", f.Checksum)
		}
	}
	for _, e := range p.Edits {
		fmt.Fprintf(&out, "edit %s\n", e)
	}
	for _, name := range slices.Sorted(maps.Keys(p.Files)) {
		fmt.Fprintf(&out, "\n--- %s\n%s", name, p.Files[name])
	}
	return out.String()
}

// Edit fills an edit in; ok says whether it is made in this version.
func (a *App) Edit(i int, s Scope) (out Edit, ok bool, err error) {
	src := a.Edits[i]
	if ok, err = s.covers(src.When); err != nil || !ok {
		if err != nil {
			err = Fault{Line: src.At.Of("when"), Message: err.Error()}
		}
		return Edit{}, false, err
	}
	e := &expander{scope: s}
	out = src
	out.File, out.Select = e.text(src.File), e.pairs(src.Select)
	out.Set, out.Replace = nil, nil
	for _, p := range src.Set {
		p.Value.Node = e.node(p.Value.Node)
		out.Set = append(out.Set, p)
	}
	for _, r := range src.Replace {
		out.Replace = append(out.Replace, Replacement{At: r.At, Old: e.text(r.Old), New: e.text(r.New)})
	}
	if e.err != nil {
		return out, false, Fault{Line: src.At.Line, Message: e.err.Error()}
	}
	return out, true, nil
}

// String says what is edited, in one line.
func (e Edit) String() string {
	out := e.File + ":"
	for _, p := range e.Set {
		out += " set " + p.Key
	}
	for _, p := range e.Delete {
		out += " delete " + p
	}
	for _, r := range e.Replace {
		out += fmt.Sprintf(" replace %q by %q", r.Old, r.New)
	}
	return out
}
