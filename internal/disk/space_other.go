//go:build !unix

package disk

import "errors"

var errNoSpace = errors.New("no space left on device")

func noRoom(err error) bool { return errors.Is(err, errNoSpace) }

func readOnly(error) bool { return false }

func free(string) int64 { return -1 }
