package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/labring-actions/cluster-image/internal/failure"
	"github.com/labring-actions/cluster-image/internal/lock"
	"github.com/labring-actions/cluster-image/internal/recipe"
)

func locksFlag(dst *string) cli.Flag {
	return &cli.StringFlag{
		Name: "locks", Usage: "keep lock files in `DIR`, as NAME/VERSION.yaml", DefaultText: "locks/VERSION.yaml beside each recipe",
		EnvVars: []string{"CLUSTER_IMAGE_LOCKS"}, Destination: dst,
	}
}

// lockOf reads the lock that a build is held to.
func lockOf(r recipe.Recipe, locks string) (*lock.Lock, error) {
	l, err := readLock(r, locks)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, failure.New(failure.Recipe, "%s has no lock", r).Advise("make it with: %s lock %s %s", name, r.Name, r.Version)
	}
	if err != nil {
		return nil, &failure.Failure{Class: failure.Recipe, Err: err}
	}
	if l.Name != r.Name || l.Version != r.Version {
		return nil, failure.New(failure.Recipe, "the lock of %s is that of %s %s", r, l.Name, l.Version)
	}
	return &l, nil
}

// readLock reads the lock of a recipe, from the directory of locks or beside the recipe.
func readLock(r recipe.Recipe, locks string) (lock.Lock, error) {
	file := path.Join("locks", r.Version+".yaml")
	if locks != "" {
		return openLock(filepath.Join(locks, r.Name, r.Version+".yaml"))
	}
	b, err := fs.ReadFile(r.FS, file)
	return decodeLock(b, path.Join(r.Name, r.Dir, file), err)
}

// openLock reads a lock by the name of its file.
func openLock(file string) (lock.Lock, error) {
	b, err := os.ReadFile(file)
	return decodeLock(b, file, err)
}

func decodeLock(b []byte, file string, err error) (lock.Lock, error) {
	if err != nil {
		return lock.Lock{}, fmt.Errorf("read lock: %w", err)
	}
	l, err := lock.Decode(b)
	if err != nil {
		return l, fmt.Errorf("%s: %w", file, err)
	}
	return l, nil
}

// locksOf reads all locks of a recipe.
func locksOf(locks string) func(recipe.Recipe) ([]lock.Lock, error) {
	return func(r recipe.Recipe) ([]lock.Lock, error) {
		if locks == "" {
			return lock.All(r.FS, "locks")
		}
		all, err := lock.All(os.DirFS(locks), r.Name)
		return slices.DeleteFunc(all, func(l lock.Lock) bool { return r.App != nil && r.App.Version.Serves(l.Version) != nil }), err
	}
}

// lockFile is where the lock of a recipe is written; the catalogue is its directory, empty when it is compiled in.
func lockFile(r recipe.Recipe, locks, catalogue string) (string, error) {
	switch {
	case locks != "":
		return filepath.Join(locks, r.Name, r.Version+".yaml"), nil
	case catalogue == "":
		return "", usage("the recipes are compiled in, so that no lock can be written beside them").Advise("name a directory with --locks DIR, or take recipes from one with --recipes DIR")
	}
	return filepath.Join(catalogue, r.Name, r.Dir, "locks", r.Version+".yaml"), nil
}

// writeLock writes a lock so that it is there whole or not at all.
func writeLock(l lock.Lock, file string) error {
	b, err := l.Encode()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return fmt.Errorf("write lock: %w", err)
	}
	tmp := file + ".part"
	if err := os.WriteFile(tmp, b, 0o644); err != nil {
		return fmt.Errorf("write lock: %w", err)
	}
	if err := os.Rename(tmp, file); err != nil {
		return errors.Join(fmt.Errorf("write lock: %w", err), os.Remove(tmp))
	}
	return nil
}
