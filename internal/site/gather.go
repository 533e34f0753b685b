package site

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"

	"github.com/labring-actions/cluster-image/internal/catalog"
	"github.com/labring-actions/cluster-image/internal/history"
	"github.com/labring-actions/cluster-image/internal/lock"
	"github.com/labring-actions/cluster-image/internal/profile"
	"github.com/labring-actions/cluster-image/internal/recipe"
	"github.com/labring-actions/cluster-image/internal/recipe/app"
)

// Gather takes what the site tells from a catalogue, the builds that are known, and the locks of each recipe.
func Gather(c *catalog.Catalog, finished []history.Build, locks func(recipe.Recipe) ([]lock.Lock, error)) ([]App, error) {
	entries, err := c.List("")
	if err != nil {
		return nil, err
	}
	var apps []App
	finished = history.Merge(finished)
	for _, e := range entries {
		if len(e.Versions) == 0 {
			continue // there is no recipe yet, which lint says
		}
		a, err := gather(c, e, buildsOf(e.Name, finished), locks)
		if err != nil {
			return nil, err
		}
		apps = append(apps, a)
	}
	return apps, nil
}

// buildsOf are those of one application, of each version one.
func buildsOf(name string, finished []history.Build) []history.Build {
	var out []history.Build
	for _, b := range finished {
		if b.Name == name {
			out = append(out, b)
		}
	}
	return out
}

func gather(c *catalog.Catalog, e catalog.Entry, built []history.Build, locks func(recipe.Recipe) ([]lock.Lock, error)) (App, error) {
	profiles, err := c.Profiles(e.Name)
	if err != nil {
		return App{}, err
	}
	if len(profiles) == 0 {
		profiles = []profile.Profile{byHand(e)}
	}
	a := App{Name: e.Name, Profile: profiles[0], Others: profiles[1:]}
	versions, err := recorded(c, e.Name, locks)
	if err != nil {
		return App{}, err
	}
	for _, p := range profiles {
		if _, known := versions[p.Example]; !known && p.Example != "" {
			versions[p.Example] = Version{Name: p.Example}
		}
	}
	for _, b := range built {
		v := versions[b.Version]
		v.Name, v.Build = b.Version, &Build{Time: b.Time, Digest: b.Digest, URL: b.URL}
		versions[b.Version] = v
	}
	a.Versions = slices.SortedFunc(maps.Values(versions), newestFirst)
	return a, nil
}

// recorded are the versions of which a lock says what they hold.
func recorded(c *catalog.Catalog, name string, locks func(recipe.Recipe) ([]lock.Lock, error)) (map[string]Version, error) {
	out := map[string]Version{}
	recipes, err := c.Recipes(name)
	if err != nil {
		return nil, err
	}
	for _, r := range recipes {
		all, err := locks(r)
		if err != nil {
			return nil, fmt.Errorf("%s/%s: %w", r.Name, r.Dir, err)
		}
		for _, l := range all {
			out[l.Version] = lockedVersion(l)
		}
	}
	return out, nil
}

func lockedVersion(l lock.Lock) Version {
	v := Version{Name: l.Version, Locked: true, Sizes: map[string]int64{}}
	for _, i := range l.Images {
		image := Image{Ref: i.Ref, Digest: i.Digest, Sizes: map[string]int64{}}
		for platform, m := range i.Platforms {
			arch := strings.TrimPrefix(platform, "linux/")
			image.Sizes[arch] = m.Size
			v.Sizes[arch] += m.Size
		}
		v.Images = append(v.Images, image)
	}
	slices.SortFunc(v.Images, func(a, b Image) int { return strings.Compare(a.Ref, b.Ref) })
	return v
}

// byHand is the profile of an application whose recipe is scripts: what its README begins with.
func byHand(e catalog.Entry) profile.Profile {
	p := profile.Profile{Scripted: true, Dir: e.Versions[len(e.Versions)-1], Description: e.About, Platforms: app.Architectures()}
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
