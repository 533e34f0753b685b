//go:build !linux

package site

// swap puts the new directory in the place of the old one, which is afterwards where the new one was.
func swap(fresh, output string) error { return swapInTwo(fresh, output) }
