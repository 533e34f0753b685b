package site

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// swapInTwo is for file systems that can't exchange two directories: for a moment there is none.
func swapInTwo(fresh, output string) error {
	aside := fresh + ".old"
	if err := os.Rename(output, aside); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("put site in place: %w", err)
	}
	if err := rename(fresh, output); err != nil {
		return errors.Join(err, os.Rename(aside, output))
	}
	return os.RemoveAll(aside)
}

func rename(from, to string) error {
	if err := os.Rename(from, to); err != nil {
		return fmt.Errorf("put site in place: %w", err)
	}
	return nil
}
