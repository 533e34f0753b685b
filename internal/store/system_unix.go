//go:build unix

package store

import (
	"errors"
	"io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

func inode(fi fs.FileInfo) uint64 {
	if st, ok := fi.Sys().(*syscall.Stat_t); ok {
		return uint64(st.Ino)
	}
	return 0
}

// tryLock locks the file for this opening of it, against others of this process too; ErrBusy when another has it.
// The lock ends with the opening, so a killed process leaves none.
func tryLock(f *os.File) error { return flock(f, unix.LOCK_EX|unix.LOCK_NB) }

// shareLock waits for the moment that another may need to itself.
func shareLock(f *os.File) error { return flock(f, unix.LOCK_SH) }

// unlock ends the lock before the file is closed: a process that is just being started has the opening, too, until it
// runs a program of its own.
func unlock(f *os.File) { _ = flock(f, unix.LOCK_UN) }

func flock(f *os.File, how int) error {
	for {
		err := unix.Flock(int(f.Fd()), how)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.EWOULDBLOCK):
			return ErrBusy
		case errors.Is(err, unix.ENOTSUP), errors.Is(err, unix.ENOLCK):
			return nil // a file system without locks: the store still works for one process at a time
		}
		return err
	}
}
