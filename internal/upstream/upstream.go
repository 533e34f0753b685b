// Package upstream compares the catalogue with what the projects publish: which versions there are beyond those that the catalogue knows.
package upstream

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"

	"github.com/labring-actions/cluster-image/internal/recipe"
	"github.com/labring-actions/cluster-image/internal/recipe/app"
	"github.com/labring-actions/cluster-image/internal/source"
)

// Options say what to compare and whom to ask.
type Options struct {
	Client *source.Client
	// API is where GitHub is asked: [source.GitHubAPI] when empty.
	API string
	// Recipes are those to compare.
	Recipes []recipe.Recipe
	// Known gives the versions of a recipe that the catalogue has already built, beside its example; nil knows none.
	Known func(recipe.Recipe) ([]string, error)
	// Prereleases counts versions that their projects do not call stable, too.
	Prereleases bool
	// Parallel is how many servers are asked at once: eight when zero.
	Parallel int
}

// Outdated is a recipe for which there are newer versions than the catalogue knows.
type Outdated struct {
	Name string `json:"name"`
	// Dir is the directory of the recipe.
	Dir string `json:"dir"`
	// Current is the newest version that the catalogue knows.
	Current string `json:"current"`
	// Newest is the newest that there is; Versions are all that are newer than Current, the newest first, as tags of the image.
	Newest   string   `json:"newest"`
	Versions []string `json:"versions"`
}

// Report is what a comparison found.
type Report struct {
	Outdated []Outdated
	// Unwatched are the recipes that do not say where their versions are published, as NAME/DIR.
	Unwatched []string
	// Compared is how many recipes could be.
	Compared int
	// Failed are those of which nobody gave an answer, each with why.
	Failed []Failure
}

// Failure is a place that did not answer, and the recipes that are not known for it.
type Failure struct {
	Place   string
	Recipes []string
	Err     error
}

// Compare asks every place once. What fails is in the report and keeps no other from being compared.
func Compare(ctx context.Context, o Options) (Report, error) {
	var report Report
	byPlace := map[place][]recipe.Recipe{}
	for _, r := range o.Recipes {
		p, ok := placeOf(r)
		switch {
		case ok:
			byPlace[p] = append(byPlace[p], r)
		case r.App == nil || len(r.App.Version.Only) == 0:
			report.Unwatched = append(report.Unwatched, r.Name+"/"+r.Dir)
		}
	}
	offers, failed := o.ask(ctx, byPlace)
	if err := ctx.Err(); err != nil {
		return report, err
	}
	report.Failed = failed
	for p, rs := range byPlace {
		for _, r := range rs {
			offered, ok := offers[p]
			if !ok {
				continue
			}
			report.Compared++
			found, err := o.compare(r, offered)
			if err != nil {
				return report, err
			}
			if len(found.Versions) > 0 {
				report.Outdated = append(report.Outdated, found)
			}
		}
	}
	slices.SortFunc(report.Outdated, func(a, b Outdated) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Dir, b.Dir)) })
	return report, nil
}

// offer is one version that a place has.
type offer struct {
	version string
	// unstable is what the project says of it, whatever its name looks like.
	unstable bool
}

// compare picks from what is offered the versions that the recipe serves and that are newer than those known.
func (o Options) compare(r recipe.Recipe, offered []offer) (Outdated, error) {
	known := []string{r.App.Version.Example}
	if o.Known != nil {
		more, err := o.Known(r)
		if err != nil {
			return Outdated{}, err
		}
		known = append(known, more...)
	}
	out := Outdated{Name: r.Name, Dir: r.Dir, Current: slices.MaxFunc(known, older)}
	for _, v := range offered {
		tag := r.App.Version.Write(strings.ReplaceAll(v.version, "+", "_"))
		if !o.counts(r, v, tag) || older(tag, out.Current) <= 0 || slices.Contains(out.Versions, tag) {
			continue
		}
		out.Versions = append(out.Versions, tag)
	}
	slices.SortFunc(out.Versions, func(a, b string) int { return older(b, a) })
	if len(out.Versions) > 0 {
		out.Newest = out.Versions[0]
	}
	return out, nil
}

// counts says whether a version is one to speak of: one that the recipe serves, and stable unless others are asked for.
func (o Options) counts(r recipe.Recipe, v offer, tag string) bool {
	parsed, err := semver.NewVersion(tag)
	if err != nil && r.App.Version.V != app.VAsIs {
		return false
	}
	if !o.Prereleases && (v.unstable || err == nil && parsed.Prerelease() != "" && !isBuild(parsed.Prerelease())) {
		return false
	}
	return r.App.Version.Serves(tag) == nil
}

// isBuild tells 8.0.23-14.1, a build of a version, from 8.0.23-rc.1, something before it.
func isBuild(prerelease string) bool {
	return strings.Trim(prerelease, "0123456789.-") == ""
}

// older compares two versions: by semver, or by their numbers where one of them is none.
func older(a, b string) int {
	x, errX := semver.NewVersion(a)
	y, errY := semver.NewVersion(b)
	if errX == nil && errY == nil {
		return x.Compare(y)
	}
	return slices.Compare(numbers(a), numbers(b))
}

// numbers are the runs of digits in a version.
func numbers(version string) []int {
	var out []int
	for _, field := range strings.FieldsFunc(version, func(r rune) bool { return r < '0' || r > '9' }) {
		n := 0
		for _, d := range field[:min(len(field), 9)] {
			n = n*10 + int(d-'0')
		}
		out = append(out, n)
	}
	return out
}
