package site

import (
	"errors"
	"fmt"
	"io/fs"

	"golang.org/x/sys/unix"
)

// swap puts the new directory in the place of the old one, which is afterwards where the new one was. At no time is there none.
func swap(fresh, output string) error {
	err := unix.Renameat2(unix.AT_FDCWD, fresh, unix.AT_FDCWD, output, unix.RENAME_EXCHANGE)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return rename(fresh, output)
	case errors.Is(err, unix.EINVAL), errors.Is(err, unix.ENOSYS):
		return swapInTwo(fresh, output)
	case err != nil:
		return fmt.Errorf("put site in place: %w", err)
	}
	return nil
}
