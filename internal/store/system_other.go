//go:build !unix

package store

import (
	"io/fs"
	"os"
)

func inode(fs.FileInfo) uint64 { return 0 }

// Without file locks a store serves one process at a time.
func tryLock(*os.File) error { return nil }

func shareLock(*os.File) error { return nil }

func unlock(*os.File) {}
