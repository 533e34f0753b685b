//go:build !unix

package registrydir

import "context"

// lock does nothing where directories cannot be locked.
func lock(context.Context, string) (unlock func(), err error) {
	return func() {}, nil
}
