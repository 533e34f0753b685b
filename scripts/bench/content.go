package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// content is what a tool has to bring: the digests of platform manifests, configurations and layers, each with its size in bytes. Indexes are not in
// it, since a registry directory for one platform has none.
type content map[string]int64

func (c content) bytes() (n int64) {
	for _, size := range c {
		n += size
	}
	return n
}

func (c content) add(o content) { maps.Copy(c, o) }

// minus is what is in c and not in o.
func (c content) minus(o content) content {
	out := content{}
	for d, size := range c {
		if _, ok := o[d]; !ok {
			out[d] = size
		}
	}
	return out
}

// differs says how got is another content than c; nil when it is the same.
func (c content) differs(got content) error {
	missing, more := c.minus(got), got.minus(c)
	if len(missing)+len(more) == 0 {
		return nil
	}
	return fmt.Errorf("another content: %d missing (%s), %d too many (%s)", len(missing), missing.some(), len(more), more.some())
}

// lacks says what of c is not in got; nil when all is.
func (c content) lacks(got content) error {
	if missing := c.minus(got); len(missing) > 0 {
		return fmt.Errorf("%d of %d missing: %s", len(missing), len(c), missing.some())
	}
	return nil
}

// some are the first digests, for an error.
func (c content) some() string {
	names := slices.Sorted(maps.Keys(c))
	return strings.Join(names[:min(len(names), 3)], " ")
}
