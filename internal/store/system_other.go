//go:build !unix

package store

import (
	"errors"
	"io/fs"
	"os"
)

var errNoSpace = errors.New("no space left on device")

func noRoom(err error) bool { return errors.Is(err, errNoSpace) }

func free(string) int64 { return -1 }

func inode(fs.FileInfo) uint64 { return 0 }

// Without file locks a store serves one process at a time.
func tryLock(*os.File) error { return nil }

func shareLock(*os.File) error { return nil }
