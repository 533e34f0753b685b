package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/labring-actions/cluster-image/internal/progress"
)

// SpaceError means that the store's file system takes no more: it is full, or it is read-only.
type SpaceError struct {
	// Dir is where there is no room.
	Dir string
	// Need and Free are bytes: what the content at hand still needs, and what the file system has. Free is -1 when it
	// cannot be told.
	Need, Free int64
	// Err is what the system said.
	Err error
}

// Error says what is needed, what is there, and what to do.
func (e *SpaceError) Error() string {
	free := "free space unknown"
	if e.Free >= 0 {
		free = progress.Bytes(e.Free) + " free"
	}
	return fmt.Sprintf("%s needs %s more, %s: make room or choose another directory with --cache: %s",
		e.Dir, progress.Bytes(e.Need), free, e.Err)
}

// Unwrap is what the system said.
func (e *SpaceError) Unwrap() error { return e.Err }

// spaceError makes a SpaceError of an error that says so, and leaves every other as it is.
func spaceError(err error, path string, need int64) error {
	var known *SpaceError
	if err == nil || errors.As(err, &known) || !noRoom(err) {
		return err
	}
	return &SpaceError{Dir: path, Need: max(need, 0), Free: freeAt(path), Err: err}
}

// freeAt asks the nearest directory above that exists.
func freeAt(path string) int64 {
	for {
		if _, err := os.Stat(path); err == nil {
			return free(path)
		}
		up := filepath.Dir(path)
		if up == path {
			return -1
		}
		path = up
	}
}

// Room says whether bytes more fit: nil, or a [SpaceError]. Where the free space cannot be told, they do.
func (s *Store) Room(bytes int64) error {
	n := free(s.dir)
	if n < 0 || n >= bytes {
		return nil
	}
	return &SpaceError{Dir: s.dir, Need: bytes, Free: n, Err: errNoSpace}
}
