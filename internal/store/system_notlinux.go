//go:build !linux

package store

import (
	"errors"
	"os"
)

func allocate(*os.File, int64) error { return nil }

func clone(dst, src *os.File) error { return errors.ErrUnsupported }
