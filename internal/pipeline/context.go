package pipeline

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/labring-actions/cluster-image/internal/recipe"
	"github.com/labring-actions/cluster-image/internal/reference"
	"github.com/labring-actions/cluster-image/internal/registrydir"
)

// Platforms are what is built unless something narrows it.
var Platforms = []string{"linux/amd64", "linux/arm64"}

// ByPlatform is a directory for each platform: contexts, or registry directories.
type ByPlatform map[string]string

// Platforms lists the platforms in order.
func (b ByPlatform) Platforms() []string {
	var out []string
	for p := range b {
		out = append(out, p)
	}
	slices.Sort(out)
	return out
}

// Dirs lists the directories, each once, in the order of the platforms.
func (b ByPlatform) Dirs() []string {
	var out []string
	for _, p := range b.Platforms() {
		if !slices.Contains(out, b[p]) {
			out = append(out, b[p])
		}
	}
	return out
}

// Below says where the directories of several platforms are: DIR/linux-amd64, DIR/linux-arm64. That of one platform is DIR itself.
func Below(dir string, platforms []string) ByPlatform {
	if len(platforms) == 1 {
		return ByPlatform{platforms[0]: dir}
	}
	out := ByPlatform{}
	for _, p := range platforms {
		out[p] = filepath.Join(dir, subdirectory(p))
	}
	return out
}

func subdirectory(platform string) string { return strings.ReplaceAll(platform, "/", "-") }

// Find tells how the directories under dir are arranged: as [Below] makes them for several platforms, or one for all of them. Without platforms it
// gives those that there are subdirectories for, else all of [Platforms].
func Find(dir string, platforms []string) (ByPlatform, error) {
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%s: %w", dir, fs.ErrNotExist)
	case err != nil:
		return nil, fmt.Errorf("look at %s: %w", dir, err)
	case !info.IsDir():
		return nil, fmt.Errorf("%s is not a directory", dir)
	}
	present := presentPlatforms(dir)
	if len(platforms) == 0 {
		platforms = Platforms
		if len(present) > 0 {
			platforms = present
		}
	}
	out := ByPlatform{}
	for _, p := range platforms {
		switch {
		case len(present) == 0:
			out[p] = dir
		case slices.Contains(present, p):
			out[p] = filepath.Join(dir, subdirectory(p))
		default:
			return nil, fmt.Errorf("%s has directories for %s, but none for %s", dir, strings.Join(present, " and "), p)
		}
	}
	return out, nil
}

// FindContexts is [Find] for contexts. A registry directory, which is often named beside one, is none.
func FindContexts(dir string, platforms []string) (ByPlatform, error) {
	contexts, err := Find(dir, platforms)
	for _, d := range contexts.Dirs() {
		if isRegistry(d) {
			return nil, fmt.Errorf("%s is a registry directory and no build context", d)
		}
	}
	return contexts, err
}

// Mixed lists the registry directories of single platforms below dir, where dir is one itself too: then [Find] gives those, and not dir.
func Mixed(dir string) []string {
	if !isRegistry(dir) {
		return nil
	}
	var out []string
	for _, p := range presentPlatforms(dir) {
		if below := filepath.Join(dir, subdirectory(p)); isRegistry(below) {
			out = append(out, below)
		}
	}
	return out
}

func isRegistry(dir string) bool {
	_, err := os.Lstat(filepath.Join(dir, filepath.FromSlash(registrydir.Root)))
	return err == nil
}

func presentPlatforms(dir string) []string {
	var out []string
	for _, p := range Platforms {
		if info, err := os.Stat(filepath.Join(dir, subdirectory(p))); err == nil && info.IsDir() {
			out = append(out, p)
		}
	}
	return out
}

// contextMirrors reads the mirrors that the recipe of a context brought along.
func contextMirrors(dir string) (reference.Mirrors, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open context: %w", err)
	}
	defer root.Close()
	b, err := root.ReadFile("mirrors.txt")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read mirrors.txt: %w", err)
	}
	m, err := recipe.ParseMirrors(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(dir, "mirrors.txt"), err)
	}
	return m, nil
}
