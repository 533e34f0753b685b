package lock

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
)

// All reads the locks in a directory, by the names of their files; none where there is no directory.
func All(fsys fs.FS, dir string) ([]Lock, error) {
	files, err := fs.Glob(fsys, path.Join(dir, "*.yaml"))
	if err != nil {
		return nil, fmt.Errorf("list locks: %w", err)
	}
	var out []Lock
	for _, file := range files {
		b, err := fs.ReadFile(fsys, file)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read lock: %w", err)
		}
		l, err := Decode(b)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		out = append(out, l)
	}
	return out, nil
}
