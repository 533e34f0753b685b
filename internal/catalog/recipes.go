package catalog

import (
	"fmt"
	"io/fs"
	"slices"

	"github.com/labring-actions/cluster-image/internal/recipe"
)

// Recipes loads every directory of the applications with these names, or of all: by name, the newest version first and latest at the end. Each has its
// directory as its version.
func (c *Catalog) Recipes(names ...string) ([]recipe.Recipe, error) {
	if len(names) == 0 {
		all, err := c.names()
		if err != nil {
			return nil, err
		}
		return c.loadAll(all)
	}
	for _, name := range names {
		if err := CheckName(name); err != nil {
			return nil, err
		}
		if _, err := c.versions(name); err != nil {
			return nil, err
		}
	}
	return c.loadAll(names)
}

func (c *Catalog) loadAll(names []string) ([]recipe.Recipe, error) {
	var out []recipe.Recipe
	for _, name := range names {
		entries, err := fs.ReadDir(c.fsys, name)
		if err != nil {
			return nil, fmt.Errorf("read recipe %s: %w", name, err)
		}
		dirs := c.directories(name, entries, CheckVersion)
		slices.SortFunc(dirs, newestFirst)
		for _, dir := range dirs {
			r, err := c.load(name, dir, dir)
			if err != nil {
				return nil, err
			}
			out = append(out, r)
		}
	}
	return out, nil
}
