package recipe

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/labring-actions/cluster-image/internal/lock"
	"github.com/labring-actions/cluster-image/internal/recipe/app"
)

// Record gathers what the downloads of one recipe for several platforms took and made. A nil one gathers nothing.
type Record struct {
	mu       sync.Mutex
	releases map[string]string
	inputs   []numbered
	files    map[string]app.Made
}

type numbered struct {
	index int
	lock.Input
}

func (r *Record) resolved(key, tag string) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.releases == nil {
		r.releases = map[string]string{}
	}
	r.releases[key] = tag
}

func (r *Record) took(index int, i lock.Input) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if one := (numbered{index, i}); !slices.Contains(r.inputs, one) {
		r.inputs = append(r.inputs, one)
	}
}

func (r *Record) made(platform string, files app.Made) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.files == nil {
		r.files = map[string]app.Made{}
	}
	r.files[platform] = files
}

// Lock is the lock of what was taken, without its images.
func (r *Record) Lock(name, version string, platforms []string) lock.Lock {
	r.mu.Lock()
	defer r.mu.Unlock()
	l := lock.Lock{Format: lock.Format, Name: name, Version: version, Platforms: platforms, Resolved: r.releases, Values: r.values()}
	slices.SortStableFunc(r.inputs, func(a, b numbered) int {
		return cmp.Or(cmp.Compare(a.index, b.index), cmp.Compare(a.Source, b.Source), cmp.Compare(a.Platform, b.Platform))
	})
	for _, i := range r.inputs {
		if !slices.Contains(l.Inputs, i.Input) {
			l.Inputs = append(l.Inputs, i.Input)
		}
	}
	return l
}

// Values are the SHA-256 of the generated files, by platform.
func (r *Record) Values() map[string]string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.values()
}

func (r *Record) values() map[string]string {
	out := map[string]string{}
	for platform, files := range r.files {
		h := sha256.New()
		for _, name := range slices.Sorted(maps.Keys(files)) {
			fmt.Fprintf(h, "%q %q\n", name, files[name])
		}
		out[platform] = hex.EncodeToString(h.Sum(nil))
	}
	return out
}
