package catalog

import (
	"fmt"
	"slices"

	"github.com/labring-actions/cluster-image/internal/recipe/app"
)

// Example gives the version that the recipe of an application names as its example: latest's, or else the newest directory's.
func (c *Catalog) Example(name string) (string, error) {
	if err := CheckName(name); err != nil {
		return "", err
	}
	versions, err := c.versions(name)
	if err != nil {
		return "", err
	}
	if slices.Contains(versions, latest) {
		versions = []string{latest}
	}
	for _, dir := range versions {
		r, err := c.load(name, dir, dir)
		if err != nil {
			return "", err
		}
		if r.App != nil {
			return r.App.Version.Example, nil
		}
	}
	return "", fmt.Errorf("%s has no %s, so that it names no version as an example: give one", name, app.File)
}
