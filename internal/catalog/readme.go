package catalog

import (
	"slices"

	"github.com/labring-actions/cluster-image/internal/profile"
)

// Profiles are what the recipes of an application say, the foremost first: latest, or else the newest version. An application with a recipe of scripts
// has none.
func (c *Catalog) Profiles(name string) ([]profile.Profile, error) {
	recipes, err := c.Recipes(name)
	if err != nil {
		return nil, err
	}
	var out []profile.Profile
	for _, r := range recipes {
		if r.App == nil {
			return nil, nil
		}
		p, err := profile.Of(r)
		if err != nil {
			return nil, err
		}
		if r.Dir == latest {
			out = slices.Insert(out, 0, p)
			continue
		}
		out = append(out, p)
	}
	return out, nil
}

// Readme is what the README of an application is to be, and what it is; both are empty for an application with a recipe of scripts.
// The registry with its namespace is where the images are, as the README shows it.
func (c *Catalog) Readme(name, registry string) (want, is string, err error) {
	profiles, err := c.Profiles(name)
	if err != nil || len(profiles) == 0 {
		return "", "", err
	}
	if want, err = profile.Readme(name, registry, profiles); err != nil {
		return "", "", err
	}
	is, err = c.readme(name)
	return want, is, err
}

// Names are the names of all applications.
func (c *Catalog) Names() ([]string, error) { return c.names() }
