package recipe

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/labring-actions/cluster-image/internal/recipe/app"
	"github.com/labring-actions/cluster-image/internal/reference"
)

// readApp reads app.yaml and takes from it what a classic recipe says in small files.
func (r *Recipe) readApp(b []byte) error {
	a, err := app.Decode(b)
	if err != nil {
		return err
	}
	r.App = a
	for _, arch := range a.Platforms.Only {
		r.Platforms = append(r.Platforms, "linux/"+arch)
	}
	for _, m := range a.Images.FetchFrom {
		mirror, err := reference.ParseMirror(m.Prefix + "=" + m.From)
		if err != nil {
			return fmt.Errorf("%s:%d: %w", app.File, m.At.Line, err)
		}
		mirror.Reason = m.Reason
		r.Mirrors = append(r.Mirrors, mirror)
	}
	for _, u := range a.Unchecked {
		r.unchecked = append(r.unchecked, exemption{pattern: strings.TrimSuffix(u.Path, "/"), reason: u.Reason})
	}
	return nil
}

// ownFiles are the files of a recipe that are no part of the context: a lock would change what it holds.
func (r Recipe) ownFiles() []string {
	if r.App == nil {
		return []string{locksDir}
	}
	return []string{app.File, locksDir, "README.md"}
}

// LimitedBy says where the platforms of the recipe are named.
func (r Recipe) LimitedBy() string {
	if r.App != nil {
		return app.File
	}
	return archFile
}

// locksDir is where the locks of a recipe are kept, beside it.
const locksDir = "locks"

// Vendored are the files that the recipe brings into the context itself, by their paths.
func (r Recipe) Vendored() ([]string, error) {
	var out []string
	err := fs.WalkDir(r.FS, ".", func(name string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case slices.Contains(r.ownFiles(), name) && e.IsDir():
			return fs.SkipDir
		case slices.Contains(r.ownFiles(), name), e.IsDir():
			return nil
		}
		out = append(out, name)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list recipe %s: %w", r, err)
	}
	return out, nil
}

// Plan says what a declarative recipe downloads and makes for a platform, written as linux/arm64, without asking anybody.
func (r Recipe) Plan(platform string) (app.Plan, error) {
	if r.App == nil {
		return app.Plan{}, fmt.Errorf("%s has no %s: what its %s does is not known before it runs", r, app.File, scriptFile)
	}
	vendored, err := r.Vendored()
	if err != nil {
		return app.Plan{}, err
	}
	p, err := r.App.Plan(r.scope(platform), vendored)
	if err != nil {
		return p, fmt.Errorf("%s for %s: %w", r, platform, err)
	}
	return p, nil
}

func (r Recipe) scope(platform string) app.Scope {
	return app.Scope{Name: r.Name, Version: r.Version, Arch: architecture(platform)}
}

// Settings are the variables of the image with their defaults, as on the first platform.
func (r Recipe) Settings() ([][2]string, error) {
	vendored, err := r.Vendored()
	if err != nil {
		return nil, err
	}
	platform := "linux/amd64"
	if len(r.Platforms) > 0 {
		platform = r.Platforms[0]
	}
	settings, err := r.App.Environment(r.scope(platform), vendored)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", r, err)
	}
	return settings, nil
}
