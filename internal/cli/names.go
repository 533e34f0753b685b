package cli

import (
	"io/fs"
	"os"

	"github.com/labring-actions/cluster-image/internal/recipe"
)

// latestVersion is the directory of a recipe that serves every version.
const latestVersion = "latest"

// recipeFiles is where completion looks for names: the applications of the current directory, else those compiled in.
func (p *Program) recipeFiles() fs.FS {
	if root, err := os.OpenRoot(string(recipe.Application)); err == nil {
		return root.FS()
	}
	return p.compiledIn(recipe.Application)
}

// applicationNames are the directories of the catalogue.
func (p *Program) applicationNames() []string { return directories(p.recipeFiles(), ".") }

// applicationVersions are the versions of an application that have a recipe of their own.
func (p *Program) applicationVersions(app string) []string {
	if !fs.ValidPath(app) {
		return nil
	}
	var out []string
	for _, v := range directories(p.recipeFiles(), app) {
		if v != latestVersion {
			out = append(out, v)
		}
	}
	return out
}

func directories(fsys fs.FS, dir string) []string {
	if fsys == nil {
		return nil
	}
	entries, err := fs.ReadDir(fsys, dir)
	if err != nil {
		return nil
	}
	var out []string
	for _, e := range entries {
		if e.IsDir() {
			out = append(out, e.Name())
		}
	}
	return out
}
