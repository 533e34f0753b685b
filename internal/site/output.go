package site

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/labring-actions/cluster-image/internal/failure"
)

// marker is the file that lists what a run wrote, itself not included. By it the next run knows what it may replace.
const marker = ".cluster-image-site"

// replace makes a directory hold these files and nothing else. They are written beside it first, and take its place in one step.
func replace(output string, files map[string][]byte) (err error) {
	output, err = filepath.Abs(output)
	if err != nil {
		return fmt.Errorf("find output: %w", err)
	}
	if err := ours(output); err != nil {
		return err
	}
	parent := filepath.Dir(output)
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return fmt.Errorf("make output: %w", err)
	}
	fresh, err := os.MkdirTemp(parent, "."+filepath.Base(output)+".new-")
	if err != nil {
		return fmt.Errorf("make output: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(fresh)) }()
	if err := fill(fresh, files); err != nil {
		return err
	}
	return swap(fresh, output)
}

// fill writes the files and the marker.
func fill(dir string, files map[string][]byte) error {
	if err := os.Chmod(dir, 0o755); err != nil {
		return fmt.Errorf("write site: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("write site: %w", err)
	}
	defer root.Close()
	paths := slices.Sorted(maps.Keys(files))
	for _, path := range paths {
		if err := write(root, path, files[path]); err != nil {
			return fmt.Errorf("write site: %w", err)
		}
	}
	return write(root, marker, []byte(strings.Join(paths, "\n")+"\n"))
}

func write(root *os.Root, path string, content []byte) error {
	path = filepath.FromSlash(path)
	if err := root.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return root.WriteFile(path, content, 0o644)
}

// ours says why a directory may not be replaced: it holds something that no earlier run wrote.
func ours(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(entries) == 0 {
		return nil
	}
	if err != nil {
		return failure.New(failure.Usage, "%s can't be the output: %v", dir, err).Advise("name a directory that does not exist yet")
	}
	list, err := os.ReadFile(filepath.Join(dir, marker))
	if err != nil {
		return foreign(dir, entries[0].Name())
	}
	return known(dir, strings.Split(string(list), "\n"))
}

// known walks a directory and compares it with the list of its files.
func known(dir string, list []string) error {
	mine := map[string]bool{marker: true}
	for _, path := range list {
		mine[path] = true
	}
	return fs.WalkDir(os.DirFS(dir), ".", func(path string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() && !mine[path] {
			return foreign(dir, path)
		}
		return err
	})
}

func foreign(dir, path string) error {
	return failure.New(failure.Usage, "%s holds %s, which is not part of a site", dir, path).
		Advise("name a directory that does not exist yet, or move what is in this one")
}
