package plan

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/labring-actions/cluster-image/internal/catalog"
	"github.com/labring-actions/cluster-image/internal/chatops/grammar"
	"github.com/labring-actions/cluster-image/internal/recipe"
)

// worded is a version with a word in front of its number: lvm-1.0.1.
var worded = regexp.MustCompile(`^([A-Za-z]{2,})-(v?[0-9]+\.[0-9].*)$`)

// recipes finds the recipe of each build, and says why there is none. A version that looks like none is refused where somebody wrote a command; a
// schedule is written by maintainers, and latest and main are versions to it.
func (p *Planner) recipes(c grammar.Command, builds []Build, scheduled bool) *Refusal {
	if !c.Kind.Named() {
		return nil
	}
	kind := c.Kind.Recipes()
	all, err := catalog.OpenDir(filepath.Join(p.Root, string(kind)), kind)
	if errors.Is(err, fs.ErrNotExist) {
		return refuse(c, NoRecipe, "there are no recipes of the kind "+string(c.Kind)+" yet")
	}
	if err != nil {
		return refuse(c, NoRecipe, "the recipes can't be read")
	}
	if refusal := p.namesake(c); refusal != nil {
		return refusal
	}
	for i, b := range builds {
		r, err := all.Find(b.Name, b.Version)
		if err != nil {
			return unserved(c, b, all, err, scheduled)
		}
		if r.Dir != b.Version && !scheduled && !listed(r) {
			if refusal := oddVersion(c, b, all); refusal != nil {
				return refusal
			}
		}
		if r.Version != b.Version { // the recipe says how its tags are written
			builds[i].Version = r.Version
			builds[i] = builds[i].finish(strings.TrimSuffix(b.Image, "/"+b.Name+":"+b.Version))
		}
		if refusal := twice(c, builds[:i+1]); refusal != nil {
			return refusal
		}
		builds[i].Recipe = string(kind) + "/" + b.Name + "/" + r.Dir
		if refusal := declared(c, r); refusal != nil {
			return refusal
		}
	}
	return nil
}

// namesake refuses an image whose name is that of an application in the same registry: one would take the tags of the other.
func (p *Planner) namesake(c grammar.Command) *Refusal {
	if c.Kind.Recipes() == recipe.Application || p.registry(c.Kind) != p.registry(grammar.Apps) {
		return nil
	}
	if _, err := os.Stat(filepath.Join(p.Root, string(recipe.Application), c.Name)); err != nil {
		return nil
	}
	refusal := refuse(c, NoRecipe, "there is an application "+c.Name+" too, and both would be "+p.registry(c.Kind)+"/"+c.Name+"; a maintainer can name another registry for "+
		string(c.Kind)+" in the policy")
	if app := (grammar.Command{Kind: grammar.Apps, Name: c.Name, Versions: c.Versions}); p.serves(app) {
		refusal.Suggestion = app.String()
	}
	return refusal
}

// serves says that there is a recipe of an application for what a command asks for.
func (p *Planner) serves(c grammar.Command) bool {
	builds, refusal := p.builds(c)
	return refusal == nil && p.recipes(c, builds, false) == nil
}

// listed says that a recipe names its versions: then what it serves is one, whatever it looks like.
func listed(r recipe.Recipe) bool { return r.App != nil && len(r.App.Version.Only) > 0 }

// twice refuses the last of the builds where one before it makes the same image: the recipe takes both ways to write the version.
func twice(c grammar.Command, builds []Build) *Refusal {
	last := len(builds) - 1
	first := slices.IndexFunc(builds, func(b Build) bool { return b.Version == builds[last].Version })
	if first == last {
		return nil
	}
	refusal := refuse(c, BadCommand, c.Versions[first]+" and "+c.Versions[last]+" are one version of "+c.Name)
	other := c
	other.Versions = slices.Delete(slices.Clone(c.Versions), last, last+1)
	refusal.Suggestion = other.String()
	return refusal
}

func refuse(c grammar.Command, why Reason, problem string) *Refusal {
	return &Refusal{Reason: why, Understood: c.String(), Problem: problem}
}

// unserved answers a name or version without a recipe.
func unserved(c grammar.Command, b Build, all *catalog.Catalog, err error, scheduled bool) *Refusal {
	var name *catalog.UnknownName
	unknown := errors.As(err, &name)
	odd := oddVersion(c, b, all)
	if odd != nil && !unknown && !scheduled && errors.Is(err, catalog.ErrUnknown) {
		return odd
	}
	refusal := refuse(c, NoRecipe, strings.ReplaceAll(err.Error(), "; cluster-image list shows what is", ""))
	if unknown && odd == nil && len(name.Nearest) == 1 {
		other := c
		other.Name = name.Nearest[0]
		refusal.Suggestion = other.String()
	}
	return refusal
}

// oddVersion answers a version that no directory has and that does not look like one: without a digit, or with a word in front.
func oddVersion(c grammar.Command, b Build, all *catalog.Catalog) *Refusal {
	if !strings.ContainsAny(b.Version, "0123456789") {
		return refuse(c, BadCommand, b.Version+" is no version of "+b.Name+": a version has a number")
	}
	m := worded.FindStringSubmatch(b.Version)
	if m == nil {
		return nil
	}
	refusal := refuse(c, BadCommand, "the version "+b.Version+" has a word in front of its number: is "+m[1]+" a part of the name?")
	refusal.Usage = "/imagebuild_" + string(c.Kind) + " NAME VERSION"
	if _, err := all.Find(b.Name+"-"+m[1], m[2]); err == nil && len(c.Versions) == 1 {
		other := c
		other.Name, other.Versions = b.Name+"-"+m[1], []string{m[2]}
		refusal.Suggestion = other.String()
	}
	return refusal
}

// declaration finds the build arguments that a build file declares.
var declaration = regexp.MustCompile(`(?mi)^[ \t]*ARG[ \t]+([A-Za-z_][A-Za-z0-9_]*)`)

// declared refuses build arguments that the recipe does not declare: those it declares are the ones that its author meant to be set.
func declared(c grammar.Command, r recipe.Recipe) *Refusal {
	known := map[string]bool{}
	for _, file := range []string{"Dockerfile", "Kubefile"} {
		b, err := fs.ReadFile(r.FS, file)
		if err != nil {
			continue
		}
		for _, m := range declaration.FindAllSubmatch(b, -1) {
			known[string(m[1])] = true
		}
	}
	for _, pair := range c.Arguments {
		if key, _, _ := strings.Cut(pair, "="); !known[key] {
			return refuse(c, NoRecipe, "the recipe of "+r.Name+" declares no build argument "+key)
		}
	}
	return nil
}
