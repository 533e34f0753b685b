package upstream

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"

	"github.com/Masterminds/semver/v3"
	"golang.org/x/sync/errgroup"

	"github.com/labring-actions/cluster-image/internal/recipe"
	"github.com/labring-actions/cluster-image/internal/recipe/app"
	"github.com/labring-actions/cluster-image/internal/source"
)

// place is where the versions of an application are published.
type place struct {
	// kind is index, oci, github or url; at is the repository, the registry's, the project or the page.
	kind, at string
	// chart is the one in an index, byApp whether its application's version counts and not its own.
	chart string
	byApp bool
	// prefix is what stands before the version in the tags of a project.
	prefix string
}

// server is what is asked once for all that it has: the index for all of its charts.
func (p place) server() place { return place{kind: p.kind, at: p.at} }

func (p place) String() string {
	switch p.kind {
	case "github":
		return "github.com/" + p.at
	case "oci":
		return "oci://" + p.at
	}
	return p.at
}

// placeOf finds where the versions of a recipe are published: where it says, else the index of its first chart whose version follows from the
// application's. Of several, as where a chart moved, it is the one that new versions come from.
func placeOf(r recipe.Recipe) (place, bool) {
	if r.App == nil || len(r.App.Version.Only) > 0 || r.App.Version.Releases == "none" {
		return place{}, false
	}
	if kind, at, ok := strings.Cut(r.App.Version.Releases, ":"); ok {
		return place{kind: kind, at: at, prefix: r.App.Version.TagPrefix}, true
	}
	var first place
	var found bool
	for i := range r.App.Sources {
		p, ok := chartPlace(&r.App.Sources[i])
		if ok && endless(r.App.Sources[i].When) {
			return p, true
		}
		if ok && !found {
			first, found = p, true
		}
	}
	return first, found
}

// endless says that a range of versions has no end.
func endless(when string) bool {
	if when == "" {
		return true
	}
	c, err := semver.NewConstraint(when)
	return err == nil && c.Check(semver.New(math.MaxInt32, 0, 0, "", ""))
}

func chartPlace(s *app.Source) (place, bool) {
	follows := func(text string) bool {
		return slices.Contains([]string{"{version}", "{version-bare}", "{version-v}"}, text)
	}
	switch {
	case s.IsIndexed() && follows(s.AppVersion):
		return place{kind: "index", at: s.Repo, chart: s.Chart, byApp: true}, true
	case s.IsIndexed() && s.FollowsVersion():
		return place{kind: "index", at: s.Repo, chart: s.Chart}, true
	case s.IsOCI() && s.FollowsVersion():
		return place{kind: "oci", at: strings.TrimPrefix(s.Chart, "oci://")}, true
	}
	return place{}, false
}

// ask asks every server once, many at a time.
func (o Options) ask(ctx context.Context, byPlace map[place][]recipe.Recipe) (map[place][]offer, []Failure) {
	var (
		group  errgroup.Group
		mu     sync.Mutex
		offers = map[place][]offer{}
		failed []Failure
	)
	group.SetLimit(cmp.Or(o.Parallel, 8))
	for server, places := range byServer(byPlace) {
		group.Go(func() error {
			found, errs := o.answers(ctx, server, places)
			mu.Lock()
			defer mu.Unlock()
			for p, list := range found {
				offers[p] = list
			}
			for p, err := range errs {
				failed = append(failed, Failure{Place: p.String(), Recipes: recipeNames(byPlace[p]), Err: err})
			}
			return nil
		})
	}
	_ = group.Wait() // what fails is in failed
	slices.SortFunc(failed, func(a, b Failure) int { return strings.Compare(a.Recipes[0], b.Recipes[0]) })
	return offers, failed
}

func byServer(byPlace map[place][]recipe.Recipe) map[place][]place {
	out := map[place][]place{}
	for p := range byPlace {
		out[p.server()] = append(out[p.server()], p)
	}
	return out
}

func recipeNames(rs []recipe.Recipe) []string {
	var out []string
	for _, r := range rs {
		out = append(out, r.Name)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// answers asks one server for all of its places.
func (o Options) answers(ctx context.Context, server place, places []place) (map[place][]offer, map[place]error) {
	found, failed := map[place][]offer{}, map[place]error{}
	var index []byte
	var unreachable error
	if server.kind == "index" {
		index, unreachable = o.Client.IndexFile(ctx, server.at)
	}
	for _, p := range places {
		list, err := []offer(nil), unreachable
		if err == nil {
			list, err = o.offers(ctx, p, index)
		}
		if err != nil {
			failed[p] = err
			continue
		}
		found[p] = list
	}
	return found, failed
}

func (o Options) offers(ctx context.Context, p place, index []byte) ([]offer, error) {
	switch p.kind {
	case "index":
		return charts(index, p)
	case "oci":
		return o.packed(ctx, p.at)
	case "github":
		return o.releases(ctx, p)
	case "url":
		return o.page(ctx, p.at)
	}
	return nil, fmt.Errorf("versions can't be looked for at %s:%s", p.kind, p.at)
}

func charts(index []byte, p place) ([]offer, error) {
	entries, err := source.DecodeIndex(index, p.chart)
	if err != nil {
		return nil, fmt.Errorf("chart index of %s: %w", p.at, err)
	}
	var out []offer
	for _, e := range entries {
		v := e.Version
		if p.byApp {
			v = e.AppVersion
		}
		out = append(out, offer{version: v})
	}
	return out, nil
}

func (o Options) releases(ctx context.Context, p place) ([]offer, error) {
	api := o.API
	if api == "" {
		api = source.GitHubAPI
	}
	releases, err := o.Client.Releases(ctx, api, p.at)
	if err != nil {
		return nil, err
	}
	var out []offer
	for _, r := range releases {
		if version, ok := strings.CutPrefix(r.Tag, p.prefix); ok && !r.Draft {
			out = append(out, offer{version: version, unstable: r.Prerelease})
		}
	}
	return out, nil
}

func (o Options) page(ctx context.Context, address string) ([]offer, error) {
	versions, err := o.Client.VersionList(ctx, address)
	if err != nil {
		return nil, err
	}
	return plain(versions), nil
}

// packed asks a registry for the versions of a chart.
func (o Options) packed(ctx context.Context, repository string) ([]offer, error) {
	versions, err := o.Client.ChartVersions(ctx, "oci://"+repository)
	return plain(versions), err
}

func plain(versions []string) []offer {
	var out []offer
	for _, v := range versions {
		out = append(out, offer{version: v})
	}
	return out
}
