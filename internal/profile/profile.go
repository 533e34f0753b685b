// Package profile is what a recipe tells those who choose an application and run its image: for its README and for the catalogue's site.
package profile

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/labring-actions/cluster-image/internal/recipe"
	"github.com/labring-actions/cluster-image/internal/recipe/app"
)

// Profile is what one directory of an application says.
type Profile struct {
	// Dir is latest or a version.
	Dir         string   `json:"dir"`
	Description string   `json:"description"`
	Home        string   `json:"home,omitempty"`
	Licenses    string   `json:"licenses,omitempty"`
	Categories  []string `json:"categories"`
	// Patch says that the image changes a cluster instead of adding an application to it.
	Patch bool `json:"patch,omitempty"`
	// Platforms are architectures: amd64, arm64.
	Platforms []string `json:"platforms"`
	// PlatformReason says why the others are missing.
	PlatformReason string `json:"platformReason,omitempty"`
	// Serves is the range of versions, empty for all that there are.
	Serves string `json:"serves,omitempty"`
	// Example is a version that exists; empty when none is known.
	Example      string     `json:"example,omitempty"`
	Requirements Needs      `json:"requires"`
	Variables    []Variable `json:"variables,omitempty"`
	Sources      []Source   `json:"sources,omitempty"`
	// Moved are the places that images are fetched from instead of those that the charts name.
	Moved []Moved `json:"moved,omitempty"`
	// Notes are further paragraphs, in Markdown.
	Notes string `json:"notes,omitempty"`
	// Spelling says what of the v before a version: never, always, or as-is.
	Spelling string `json:"-"`
	// Scripted says that the recipe is scripts, so that only its README knows variables and needs.
	Scripted bool `json:"scripted,omitempty"`
	// Uninstalls says that the start command knows uninstall=true.
	Uninstalls bool `json:"uninstalls,omitempty"`
}

// Needs are what a cluster must have before the image is run.
type Needs struct {
	// Kubernetes and Sealos are ranges of versions.
	Kubernetes   string   `json:"kubernetes,omitempty"`
	Sealos       string   `json:"sealos,omitempty"`
	Tools        []string `json:"tools,omitempty"`
	StorageClass bool     `json:"storageClass,omitempty"`
}

// Variable is one that sealos run -e sets.
type Variable struct {
	Name    string `json:"name"`
	Default string `json:"default,omitempty"`
	About   string `json:"about,omitempty"`
	// Usual is NAME, NAMESPACE, CHARTS or HELM_OPTS where it is what every release has and About says no more, whatever the prefix of its name.
	Usual string `json:"-"`
	// Required says that there is no default, Generated that one is made at the first start.
	Required  bool `json:"required,omitempty"`
	Generated bool `json:"generated,omitempty"`
}

// Source is something that the recipe downloads.
type Source struct {
	// Kind is chart, manifest, archive, git, binary, file or images.
	Kind string `json:"kind"`
	// Text names it, From is its address, with placeholders as the recipe has them.
	Text string `json:"text"`
	From string `json:"from,omitempty"`
}

// Moved is a place that a project moved its images from.
type Moved struct {
	Prefix string `json:"prefix"`
	From   string `json:"from"`
	Reason string `json:"reason"`
}

// Of reads the profile out of a declarative recipe.
func Of(r recipe.Recipe) (Profile, error) {
	a := r.App
	if a == nil {
		return Profile{}, fmt.Errorf("%s/%s has no %s that says what it is", r.Name, r.Dir, app.File)
	}
	r.Version = a.Version.Example
	variables, err := variables(r)
	if err != nil {
		return Profile{}, err
	}
	p := Profile{
		Dir: r.Dir, Description: strings.TrimSpace(a.Description), Home: a.Home, Licenses: a.Licenses, Categories: a.Categories, Patch: a.Type == "patch",
		Platforms: a.Platforms.Only, PlatformReason: a.Platforms.Reason, Serves: serves(a.Version), Example: a.Version.Example, Spelling: a.Version.V,
		Requirements: needs(a), Variables: variables, Sources: sources(a), Notes: strings.TrimSpace(a.Notes), Uninstalls: a.Uninstalls(),
	}
	if len(p.Platforms) == 0 {
		p.Platforms = app.Architectures()
	}
	for _, m := range a.Images.FetchFrom {
		p.Moved = append(p.Moved, Moved{m.Prefix, m.From, m.Reason})
	}
	return p, nil
}

func serves(v app.Version) string {
	if len(v.Only) > 0 {
		return strings.Join(v.Only, ", ")
	}
	return v.Range
}

// needs are what must be there, with the programs that go without saying in a recipe but not to its user.
func needs(a *app.App) Needs {
	n := Needs{Kubernetes: a.Requires.Kubernetes, Sealos: a.Requires.Sealos, Tools: slices.Clone(a.Requires.Tools), StorageClass: a.Requires.StorageClass}
	for _, s := range a.Start {
		if tool := map[string]string{app.StepHelm: "helm", app.StepApply: "kubectl"}[s.Kind()]; tool != "" && !slices.Contains(n.Tools, tool) {
			n.Tools = append(n.Tools, tool)
		}
	}
	return n
}

// variables are those of the releases with what they are by default, then the recipe's own.
func variables(r recipe.Recipe) ([]Variable, error) {
	settings, err := r.Settings()
	if err != nil {
		return nil, err
	}
	var out []Variable
	for _, s := range settings {
		v := Variable{Name: s[0], Default: s[1]}
		if own, ok := r.App.Variables.Get(s[0]); ok {
			v.About = own.About
		} else {
			v.Usual, v.About = releaseVariable(s[0])
		}
		out = append(out, v)
	}
	for _, own := range r.App.Variables {
		if own.Value.Default == nil {
			out = append(out, Variable{Name: own.Key, About: own.Value.About, Required: own.Value.Required, Generated: own.Value.Generate != ""})
		}
	}
	return out, nil
}

// releaseVariable says which of the variables it is that every release has, with or without a prefix, and what that means.
func releaseVariable(name string) (usual, about string) {
	for _, known := range [][2]string{
		{"NAMESPACE", "the namespace of the release, made when there is none"}, {"CHARTS", "the chart in the image"},
		{"HELM_OPTS", "further options of helm upgrade"}, {"NAME", "the name of the release"},
	} {
		if name == known[0] || strings.HasSuffix(name, "_"+known[0]) {
			return known[0], known[1]
		}
	}
	return "", ""
}

func sources(a *app.App) []Source {
	var out []Source
	for i := range a.Sources {
		s := &a.Sources[i]
		o := Source{Kind: string(s.Kind()), From: s.URL()}
		switch s.Kind() {
		case app.KindChart:
			o.Text = s.ID()
			if s.IsIndexed() {
				o.From = s.Repo
			} else if s.IsOCI() {
				o.From = s.Chart
			}
		case app.KindGit:
			o.Text, o.From = strings.Join(s.Pick.Keys(), ", "), s.Git
		case app.KindArchive:
			o.Text = strings.Join(s.Pick.Keys(), ", ")
		case app.KindImages:
			o.Text = images(s)
		default:
			o.Text = place(s)
		}
		out = append(out, o)
	}
	return out
}

// images says which images a list adds.
func images(s *app.Source) string {
	switch {
	case len(s.Images.List) > 0:
		return strings.Join(s.Images.List, ", ")
	case s.Images.File != "":
		return strings.TrimSpace(s.Images.File + " " + s.Images.Path)
	}
	return s.About
}

// place is where a download goes.
func place(s *app.Source) string {
	switch {
	case len(s.Extract.Files) > 0:
		return strings.Join(s.Extract.Files.Keys(), ", ")
	case s.To != "":
		return path.Base(s.To)
	case s.Extract.Path != "":
		return path.Base(s.Extract.Path)
	}
	return path.Base(s.URL())
}
