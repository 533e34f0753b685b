//go:build unix

package assemble

import (
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// createPart makes a file that is held as long as it is open. The kernel lets go of it when the process ends, however it ends.
func createPart(dir, name string) (*os.File, error) {
	for {
		f, err := os.CreateTemp(dir, partPrefix(name)+"*"+partSuffix)
		if err != nil {
			return nil, err
		}
		_ = unix.Flock(int(f.Fd()), unix.LOCK_EX) // a file system without locks has no parts removed either
		if _, err := os.Lstat(f.Name()); err == nil {
			return f, nil
		}
		_ = f.Close() // taken for an abandoned one before it was held
	}
}

// clearParts removes what killed runs left of a file: the parts that nobody holds.
func clearParts(dir, name string) {
	for _, part := range parts(dir, name) {
		f, err := os.OpenFile(filepath.Join(dir, part), os.O_RDWR|unix.O_NOFOLLOW, 0)
		if err != nil {
			continue
		}
		if unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) == nil {
			_ = os.Remove(f.Name())
		}
		_ = f.Close()
	}
}
