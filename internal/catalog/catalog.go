// Package catalog finds the recipe that serves an application and a version, and says what recipes there are.
//
// A catalogue is a directory of NAME/VERSION directories. The directory of the very version serves it, else the directory latest.
package catalog

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/labring-actions/cluster-image/internal/recipe"
	"github.com/labring-actions/cluster-image/internal/recipe/app"
)

// latest is the directory that serves every version without one of its own.
const latest = "latest"

// Catalog is a directory of recipes of one kind.
type Catalog struct {
	fsys   fs.FS
	kind   recipe.Kind
	origin string
	// dir is the directory on disk; empty when there is none.
	dir string
}

// Open takes the NAME/VERSION directories of a file system, for example those embedded in a program. The origin is what errors and listings
// call it.
func Open(fsys fs.FS, kind recipe.Kind, origin string) *Catalog {
	return &Catalog{fsys: fsys, kind: kind, origin: origin}
}

// OpenDir opens a directory of recipes. Symbolic links that lead out of it are refused when they are met.
func OpenDir(dir string, kind recipe.Kind) (*Catalog, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open catalogue: %w", err)
	}
	c := Open(root.FS(), kind, dir)
	c.dir = dir
	return c, nil
}

// Origin says where the recipes come from: a directory, or what [Open] was told.
func (c *Catalog) Origin() string { return c.origin }

// Dir is the directory on disk that the recipes lie in; empty when there is none.
func (c *Catalog) Dir() string { return c.dir }

// ErrUnknown means that there is no recipe: of that name, or for that version.
var ErrUnknown = errors.New("no such recipe")

// UnknownName is the error for a name without a recipe.
type UnknownName struct {
	Name, Origin string
	// Nearest are the names that look most like it, the nearest first; often none.
	Nearest []string
}

func (e *UnknownName) Error() string {
	s := fmt.Sprintf("%q is not in the catalogue (%s)", e.Name, e.Origin)
	if len(e.Nearest) > 0 {
		return s + "; did you mean " + strings.Join(e.Nearest, " or ") + "?"
	}
	return s + "; cluster-image list shows what is"
}

// Unwrap makes the error an [ErrUnknown].
func (e *UnknownName) Unwrap() error { return ErrUnknown }

// UnknownVersion is the error for a version that neither its own directory nor latest serves.
type UnknownVersion struct {
	Name, Version, Origin string
	// Versions are those that there are, the newest first.
	Versions []string
}

func (e *UnknownVersion) Error() string {
	if len(e.Versions) == 0 {
		return fmt.Sprintf("the recipe of %s (%s) has no directory of any version and no %s", e.Name, e.Origin, latest)
	}
	return fmt.Sprintf("no recipe for %s %s, and %s has no %s (%s); its versions are %s",
		e.Name, e.Version, e.Name, latest, e.Origin, strings.Join(e.Versions, ", "))
}

// Unwrap makes the error an [ErrUnknown].
func (e *UnknownVersion) Unwrap() error { return ErrUnknown }

// Check says what is wrong with a name and a version, whatever catalogue they are asked of.
func Check(name, version string) error { return errors.Join(CheckName(name), CheckVersion(version)) }

// Find gives the recipe for a version of an application. Name and version are checked before any file is looked at.
func (c *Catalog) Find(name, version string) (recipe.Recipe, error) {
	if err := Check(name, version); err != nil {
		return recipe.Recipe{}, err
	}
	versions, err := c.versions(name)
	if err != nil {
		return recipe.Recipe{}, err
	}
	dir := version
	if other := otherSpelling(version); !slices.Contains(versions, dir) && c.isDeclarative(name, other) {
		dir = other
	}
	if !slices.Contains(versions, dir) {
		dir = latest
	}
	if !slices.Contains(versions, dir) {
		return recipe.Recipe{}, &UnknownVersion{Name: name, Version: version, Origin: c.origin, Versions: versions}
	}
	return c.written(name, version, dir)
}

// otherSpelling is the version with its v, or without.
func otherSpelling(version string) string {
	if rest, ok := strings.CutPrefix(version, "v"); ok {
		return rest
	}
	return "v" + version
}

func (c *Catalog) isDeclarative(name, dir string) bool {
	_, err := fs.Stat(c.fsys, path.Join(name, dir, app.File))
	return err == nil
}

// written loads the recipe for a version as the recipe itself writes it, and refuses one that it does not serve.
func (c *Catalog) written(name, version, dir string) (recipe.Recipe, error) {
	r, err := c.load(name, version, dir)
	if err != nil || r.App == nil {
		return r, err
	}
	r.Version = r.App.Version.Write(version)
	var wrong *app.NotServed
	if err := r.App.Version.Serves(r.Version); errors.As(err, &wrong) {
		return recipe.Recipe{}, &UnservedVersion{Name: name, NotServed: *wrong, Dir: dir, Origin: c.origin}
	}
	return r, nil
}

// UnservedVersion is the error for a version that the recipe says it does not serve.
type UnservedVersion struct {
	Name, Dir, Origin string
	app.NotServed
}

func (e *UnservedVersion) Error() string {
	return fmt.Sprintf("%s %s: %v (%s/%s of %s)", e.Name, e.Version, &e.NotServed, e.Name, e.Dir, e.Origin)
}

// Unwrap makes the error an [ErrUnknown].
func (e *UnservedVersion) Unwrap() error { return ErrUnknown }

func (c *Catalog) load(name, version, dir string) (recipe.Recipe, error) {
	sub, err := fs.Sub(c.fsys, name+"/"+dir)
	if err != nil {
		return recipe.Recipe{}, fmt.Errorf("open recipe %s/%s: %w", name, dir, err)
	}
	r, err := recipe.Load(c.kind, name, version, dir, sub)
	if err != nil {
		return recipe.Recipe{}, fmt.Errorf("recipe %s: %w", c.place(name, dir), err)
	}
	return r, nil
}

// place is where a recipe lies: below the directory on disk, else below the one that its kind has.
func (c *Catalog) place(name, dir string) string {
	top := string(c.kind)
	if c.dir != "" {
		top = filepath.ToSlash(filepath.Clean(c.dir))
	}
	return top + "/" + name + "/" + dir
}

// names are the directories that can be applications, sorted.
func (c *Catalog) names() ([]string, error) {
	entries, err := fs.ReadDir(c.fsys, ".")
	if err != nil {
		return nil, fmt.Errorf("read catalogue %s: %w", c.origin, err)
	}
	return c.directories(".", entries, CheckName), nil
}

// versions are the directories of an application, the newest first and latest at the end.
func (c *Catalog) versions(name string) ([]string, error) {
	if !c.has(name) {
		names, err := c.names()
		if err != nil {
			return nil, err
		}
		return nil, c.unknown(name, names)
	}
	entries, err := fs.ReadDir(c.fsys, name)
	if err != nil {
		return nil, fmt.Errorf("read recipe %s: %w", name, err)
	}
	versions := c.directories(name, entries, CheckVersion)
	slices.SortFunc(versions, newestFirst)
	return versions, nil
}

// has says whether there is an application of that name.
func (c *Catalog) has(name string) bool {
	if CheckName(name) != nil {
		return false
	}
	info, err := fs.Stat(c.fsys, name)
	return err == nil && info.IsDir()
}

// unknown tells an absent name from a link that leads out of the catalogue.
func (c *Catalog) unknown(name string, names []string) error {
	if _, err := fs.Stat(c.fsys, name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("open recipe %s (%s): %w", name, c.origin, err)
	}
	return &UnknownName{Name: name, Origin: c.origin, Nearest: nearest(name, names)}
}

// directories are the names among the entries that pass the check and are directories, or links to one inside the catalogue.
func (c *Catalog) directories(parent string, entries []fs.DirEntry, check func(string) error) []string {
	var out []string
	for _, e := range entries {
		if check(e.Name()) != nil {
			continue
		}
		if info, err := fs.Stat(c.fsys, join(parent, e.Name())); err == nil && info.IsDir() {
			out = append(out, e.Name())
		}
	}
	return out
}

func join(parent, name string) string {
	if parent == "." {
		return name
	}
	return parent + "/" + name
}

// newestFirst orders directories by their numbers, whatever stands around these, with latest at the end.
func newestFirst(a, b string) int {
	if a == latest || b == latest {
		return cmp.Compare(btoi(a == latest), btoi(b == latest))
	}
	return cmp.Or(slices.Compare(numbers(b), numbers(a)), cmp.Compare(b, a))
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// numbers are the runs of digits in a version; 1.10.2-rc1 gives 1, 10, 2, 1.
func numbers(version string) []int {
	var out []int
	digits := func(r rune) bool { return r < '0' || r > '9' }
	for _, field := range strings.FieldsFunc(version, digits) {
		n := 0
		for _, d := range field[:min(len(field), 9)] {
			n = n*10 + int(d-'0')
		}
		out = append(out, n)
	}
	return out
}
