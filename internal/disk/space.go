// Package disk says how much room there is where something is written, and says it when there is none.
package disk

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/labring-actions/cluster-image/internal/progress"
)

// SpaceError means that a file system takes no more: it is full, or it is read-only.
type SpaceError struct {
	// Dir is where there is no room.
	Dir string
	// Need and Free are bytes: what the content at hand still needs, 0 when that is not known, and what the file system
	// has, -1 when it cannot be told.
	Need, Free int64
	// Flag is the one that chooses another directory, empty when there is none.
	Flag string
	// Err is what the system said.
	Err error
}

// Error says what is needed, what is there, and what to do.
func (e *SpaceError) Error() string {
	if readOnly(e.Err) {
		return fmt.Sprintf("%s cannot be written to: choose another directory%s: %s", e.Dir, e.with(), e.Err)
	}
	return fmt.Sprintf("%s %s, %s: make room or choose another directory%s: %s", e.Dir, e.need(), e.free(), e.with(), e.Err)
}

func (e *SpaceError) need() string {
	if e.Need <= 0 {
		return "takes no more"
	}
	return "needs " + progress.Bytes(e.Need) + " more"
}

func (e *SpaceError) free() string {
	if e.Free < 0 {
		return "free space unknown"
	}
	return progress.Bytes(e.Free) + " free"
}

func (e *SpaceError) with() string {
	if e.Flag == "" {
		return ""
	}
	return " with " + e.Flag
}

// Unwrap is what the system said.
func (e *SpaceError) Unwrap() error { return e.Err }

// Explain makes a [SpaceError] of an error that says that there is no room, and leaves every other as it is. Need is
// how many more bytes were to be written to dir.
func Explain(err error, dir string, need int64, flag string) error {
	var known *SpaceError
	if err == nil || errors.As(err, &known) || !noRoom(err) {
		return err
	}
	return &SpaceError{Dir: dir, Need: max(need, 0), Free: Free(dir), Flag: flag, Err: err}
}

// ExplainAnywhere is [Explain] for an error that names a file itself.
func ExplainAnywhere(err error) error {
	var file *fs.PathError
	var link *os.LinkError
	switch {
	case errors.As(err, &file) && filepath.IsAbs(file.Path):
		return Explain(err, filepath.Dir(file.Path), 0, "")
	case errors.As(err, &link) && filepath.IsAbs(link.New):
		return Explain(err, filepath.Dir(link.New), 0, "")
	}
	return err
}

// Room says whether so many bytes more fit into dir: nil, or a [SpaceError]. Where the free space cannot be told, they do.
func Room(dir string, need int64, flag string) error {
	if n := Free(dir); n >= 0 && n < need {
		return &SpaceError{Dir: dir, Need: need, Free: n, Flag: flag, Err: errNoSpace}
	}
	return nil
}

// Free is the number of bytes that an ordinary user may still write to the directory, or to the nearest one above it
// that exists; -1 when it cannot be told.
func Free(dir string) int64 {
	for {
		if _, err := os.Stat(dir); err == nil {
			return free(dir)
		}
		up := filepath.Dir(dir)
		if up == dir {
			return -1
		}
		dir = up
	}
}
