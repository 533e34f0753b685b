package cli

import (
	"errors"
	"io/fs"

	"github.com/urfave/cli/v2"

	"github.com/labring-actions/cluster-image/internal/catalog"
	"github.com/labring-actions/cluster-image/internal/failure"
	"github.com/labring-actions/cluster-image/internal/recipe"
)

// recipesDir is where recipes are looked for when nothing else is said.
const recipesDir = "applications"

func recipesFlag(dst *string) cli.Flag {
	return &cli.StringFlag{
		Name: "recipes", Usage: "take recipes from `DIR`", DefaultText: "applications/ of the current directory, else those compiled in",
		EnvVars: []string{"CLUSTER_IMAGE_RECIPES"}, Destination: dst,
	}
}

// catalogue opens the recipes: those of the flag, of the current directory, or the compiled in ones.
func (p *Program) catalogue(dir string) (*catalog.Catalog, error) {
	if dir != "" {
		c, err := catalog.OpenDir(dir, recipe.Application)
		if err != nil {
			return nil, usage("--recipes %s: %v", dir, cause(err)).Advise("it takes a directory of NAME/VERSION directories")
		}
		return c, nil
	}
	c, err := catalog.OpenDir(recipesDir, recipe.Application)
	if errors.Is(err, fs.ErrNotExist) && p.Catalogue != nil {
		return catalog.Open(p.Catalogue, recipe.Application, "the compiled in catalogue"), nil
	}
	return c, err
}

// cause is what the system says of a file, without the file's name.
func cause(err error) error {
	var of *fs.PathError
	if errors.As(err, &of) {
		return of.Err
	}
	return err
}

// find gives the recipe for a version of an application.
func (p *Program) find(dir, app, version string) (recipe.Recipe, error) {
	c, err := p.catalogue(dir)
	if err != nil {
		return recipe.Recipe{}, err
	}
	r, err := c.Find(app, version)
	if err != nil {
		return recipe.Recipe{}, recipeFailure(err)
	}
	return r, nil
}

// recipeFailure classes an error of the catalogue: a name that cannot be one is misuse, the rest is about recipes.
func recipeFailure(err error) error {
	class := failure.Recipe
	if errors.Is(err, catalog.ErrInvalidName) {
		class = failure.Usage
	}
	return &failure.Failure{Class: class, Err: err}
}
