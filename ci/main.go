// Build cluster images: applications with everything they need, for clusters without an internet.
//
// Each step of a build is a function that runs the program cluster-image in a container: download runs a recipe, registry-save stores the images that
// it needs, build does both and assembles an image for each platform, publish pushes it. The same inputs give the digest that "cluster-image build"
// gives without Dagger.
package main

import (
	"github.com/labring-actions/cluster-image/ci/internal/dagger"
)

// ClusterImage builds cluster images with one set of sources, tools and network settings.
type ClusterImage struct {
	// +private
	Source *dagger.Directory
	// +private
	Recipes *dagger.Directory
	// +private
	Locks *dagger.Directory
	// +private
	Tool *dagger.Container
	// +private
	Bases Bases
	// +private
	Network Network
	// +private
	RecipeEnv []string
}

// Bases are the images that containers are made of.
type Bases struct {
	// +private
	Toolbox string
	// +private
	Go string
}

// New takes what every function works with. The settings of a Dagger engine do not reach the containers that it runs, so mirrors, certificates and
// proxies are given here.
func New(
	// The source of cluster-image.
	// +defaultPath="/"
	// +ignore=[".git", "dist", "ci", "e2e", "cluster-image", "*.tar"]
	source *dagger.Directory,

	// Recipes to build from, as NAME/VERSION directories; the catalogue of the source when not given.
	// +optional
	recipes *dagger.Directory,

	// Lock files as NAME/VERSION.yaml, for builds that are locked; those in the recipes' own locks directories when not given.
	// +optional
	locks *dagger.Directory,

	// A finished tool image with cluster-image, bash, curl, wget, git, jq, tar and unzip on its PATH, instead of one built from the source.
	// +optional
	tool *dagger.Container,

	// The Debian image that the toolbox is made from.
	// +default="debian:12-slim"
	toolboxBase string,

	// The image with the Go toolchain that the program is compiled with.
	// +default="golang:1.26"
	goBase string,

	// Where Go modules come from, as GOPROXY has it.
	// +optional
	goProxy string,

	// A mirror of the Debian archive, for example http://mirrors.example.com/debian.
	// +optional
	debianMirror string,

	// Fetch what a prefix covers from another one, for example docker.io=mirror.example.com; the stored name stays. The longest match counts.
	// +optional
	mirror []string,

	// Download what begins with a prefix from another place, for example https://github.com=https://mirror.example.com/github.com. Recipes that are data
	// follow it; an init.sh has variables of its own, see recipe-env.
	// +optional
	sourceMirror []string,

	// Registries, as HOST or HOST:PORT, that are spoken to without TLS.
	// +optional
	plainHttp []string,

	// Certificates in PEM form that are trusted as well.
	// +optional
	ca *dagger.File,

	// The proxy for http addresses.
	// +optional
	httpProxy string,

	// The proxy for https addresses.
	// +optional
	httpsProxy string,

	// Hosts that are reached without a proxy, parted by commas.
	// +optional
	noProxy string,

	// Variables for init.sh as RECIPE_NAME=VALUE, such as the address of a chart mirror that a recipe documents.
	// +optional
	recipeEnv []string,
) (*ClusterImage, error) {
	if err := checkRecipeEnv(recipeEnv); err != nil {
		return nil, err
	}
	if recipes == nil {
		recipes = source.Directory("applications")
	}
	return &ClusterImage{
		Source: source, Recipes: recipes, Locks: locks, Tool: tool, RecipeEnv: recipeEnv,
		Bases: Bases{Toolbox: toolboxBase, Go: goBase},
		Network: Network{
			GoProxy: goProxy, DebianMirror: debianMirror, Mirrors: mirror, SourceMirrors: sourceMirror, PlainHTTP: plainHttp, CA: ca,
			HTTPProxy: httpProxy, HTTPSProxy: httpsProxy, NoProxy: noProxy,
		},
	}, nil
}
