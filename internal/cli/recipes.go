package cli

import (
	"errors"
	"io/fs"

	"github.com/urfave/cli/v2"

	"github.com/labring-actions/cluster-image/internal/catalog"
	"github.com/labring-actions/cluster-image/internal/failure"
	"github.com/labring-actions/cluster-image/internal/recipe"
)

// kindFlag says what is built. Its words are the directories of the catalogues.
func kindFlag(dst *recipe.Kind) cli.Flag {
	*dst = recipe.Application
	return &cli.GenericFlag{
		Name: "kind", Usage: "take the recipe from the catalogue of this `KIND`: applications, configs (images of configuration) or dockerimages (container images)",
		Value: choiceValue(dst, recipe.Application, recipe.Config, recipe.DockerImage),
	}
}

func recipesFlag(dst *string) cli.Flag {
	return &cli.StringFlag{
		Name: "recipes", Usage: "take recipes from `DIR`", DefaultText: "the directory of that kind, such as applications/, here; else those compiled in",
		EnvVars: []string{"CLUSTER_IMAGE_RECIPES"}, Destination: dst,
	}
}

// catalogue opens the recipes of applications: those of the flag, of the current directory, or the compiled in ones.
func (p *Program) catalogue(dir string) (*catalog.Catalog, error) {
	return p.catalogueOf(recipe.Application, dir)
}

// catalogueOf is the same for any kind.
func (p *Program) catalogueOf(kind recipe.Kind, dir string) (*catalog.Catalog, error) {
	if dir != "" {
		c, err := catalog.OpenDir(dir, kind)
		if err != nil {
			return nil, usage("--recipes %s: %v", dir, cause(err)).Advise("it takes a directory of NAME/VERSION directories")
		}
		return c, nil
	}
	c, err := catalog.OpenDir(string(kind), kind)
	if errors.Is(err, fs.ErrNotExist) {
		if in := p.compiledIn(kind); in != nil {
			return catalog.Open(in, kind, "the compiled in catalogue"), nil
		}
	}
	return c, err
}

// compiledIn are the recipes of a kind in the program; nil without any.
func (p *Program) compiledIn(kind recipe.Kind) fs.FS {
	if p.Catalogue == nil {
		return nil
	}
	in, err := fs.Sub(p.Catalogue, string(kind))
	if err != nil {
		return nil
	}
	if _, err := fs.Stat(in, "."); err != nil {
		return nil
	}
	return in
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
	return p.findOf(recipe.Application, dir, app, version)
}

// findOf is the same for any kind. Name and version are checked before any file is looked at.
func (p *Program) findOf(kind recipe.Kind, dir, app, version string) (recipe.Recipe, error) {
	if err := catalog.Check(app, version); err != nil {
		return recipe.Recipe{}, recipeFailure(err)
	}
	c, err := p.catalogueOf(kind, dir)
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
