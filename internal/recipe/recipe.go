// Package recipe knows what a directory of the catalogue says and runs it: it makes the build context of one application for one platform.
//
// A declarative recipe is a directory with an app.yaml, of which the package app knows the form; here it is carried out.
//
// A classic recipe is a directory with any of init.sh, a Kubefile or Dockerfile, charts/, manifests/, images/, opt/ and so on. Beside these, three
// small files say what a program must know: build_arch, mirrors.txt and unchecked.txt.
package recipe

import (
	"io/fs"
	"slices"

	"github.com/labring-actions/cluster-image/internal/recipe/app"
	"github.com/labring-actions/cluster-image/internal/reference"
)

// Kind is what a recipe makes.
type Kind string

// The kinds of cluster images, and the directories of their catalogues.
const (
	Application Kind = "applications"
	DockerImage Kind = "dockerimages"
	Config      Kind = "configs"
	Kubernetes  Kind = "kubernetes"
)

// Recipe is one directory of the catalogue that serves one version.
type Recipe struct {
	// Kind, Name and Version are what was asked for.
	Kind          Kind
	Name, Version string
	// Dir is the directory that serves the version: the version itself, or latest.
	Dir string
	// FS holds the files of that directory.
	FS fs.FS
	// App is what app.yaml says; nil for a classic recipe.
	App *app.App
	// Platforms are those that the recipe is limited to by build_arch or app.yaml, as linux/amd64; empty when it serves any.
	Platforms []string
	// Mirrors say where a project moved its images, each with the reason. They come from mirrors.txt or app.yaml.
	Mirrors reference.Mirrors

	unchecked []exemption
}

// Load reads what the directory says about itself. Where that directory is, its errors leave to the caller.
func Load(kind Kind, name, version, dir string, fsys fs.FS) (Recipe, error) {
	r := Recipe{Kind: kind, Name: name, Version: version, Dir: dir, FS: fsys}
	for _, part := range []struct {
		file string
		read func(*Recipe, []byte) error
	}{
		{archFile, (*Recipe).readPlatforms}, {mirrorsFile, (*Recipe).readMirrors}, {uncheckedFile, (*Recipe).readUnchecked}, {app.File, (*Recipe).readApp},
	} {
		b, err := readSmall(fsys, part.file)
		if b == nil && err == nil {
			continue
		}
		if err != nil {
			return Recipe{}, err
		}
		if err := part.read(&r, b); err != nil {
			return Recipe{}, err
		}
	}
	return r, nil
}

// script is the script that is run in the context: init.sh, or what app.yaml names.
func (r Recipe) script() string {
	if r.App != nil {
		return r.App.Init
	}
	return scriptFile
}

// HasScript says whether the recipe brings an init.sh that has anything in it.
func (r Recipe) HasScript() bool {
	if r.script() == "" {
		return false
	}
	info, err := fs.Stat(r.FS, r.script())
	return err == nil && info.Mode().IsRegular() && info.Size() > 0
}

// Serves says whether the recipe can be built for the platform, written as linux/amd64.
func (r Recipe) Serves(platform string) bool {
	return len(r.Platforms) == 0 || slices.Contains(r.Platforms, platform)
}

func (r Recipe) String() string { return r.Name + " " + r.Version }
