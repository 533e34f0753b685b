package site

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"

	"github.com/labring-actions/cluster-image/internal/catalog"
	"github.com/labring-actions/cluster-image/internal/profile"
	"github.com/labring-actions/cluster-image/internal/recipe/app"
)

// Gather takes what the site tells from a catalogue and the builds that are known.
func Gather(c *catalog.Catalog, finished []Built) ([]App, error) {
	entries, err := c.List("")
	if err != nil {
		return nil, err
	}
	var apps []App
	for _, e := range entries {
		a, err := gather(c, e, latestOf(e.Name, finished))
		if err != nil {
			return nil, err
		}
		apps = append(apps, a)
	}
	return apps, nil
}

func gather(c *catalog.Catalog, e catalog.Entry, built builds) (App, error) {
	profiles, err := c.Profiles(e.Name)
	if err != nil {
		return App{}, err
	}
	if len(profiles) == 0 {
		profiles = []profile.Profile{byHand(e)}
	}
	a := App{Name: e.Name, Profile: profiles[0], Others: profiles[1:]}
	versions := map[string]Version{}
	for _, p := range profiles {
		if p.Example != "" {
			versions[p.Example] = Version{Name: p.Example}
		}
	}
	for name, b := range built {
		v := versions[name]
		v.Name, v.Build = name, b
		versions[name] = v
	}
	a.Versions = slices.SortedFunc(maps.Values(versions), newestFirst)
	return a, nil
}

// byHand is the profile of an application whose recipe is scripts: what its README begins with.
func byHand(e catalog.Entry) profile.Profile {
	p := profile.Profile{Dir: e.Versions[0], Description: e.About, Platforms: app.Architectures()}
	for _, dir := range e.Versions {
		if dir != "latest" {
			p.Example = dir
			break
		}
	}
	return p
}

// newestFirst orders versions by semver; what is none comes last, by its name.
func newestFirst(a, b Version) int {
	x, errX := semver.NewVersion(a.Name)
	y, errY := semver.NewVersion(b.Name)
	switch {
	case errX == nil && errY == nil:
		return cmp.Or(y.Compare(x), strings.Compare(a.Name, b.Name))
	case errX == nil:
		return -1
	case errY == nil:
		return 1
	}
	return strings.Compare(b.Name, a.Name)
}
