package assemble

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/labring-actions/cluster-image/internal/layer"
	"github.com/labring-actions/cluster-image/internal/registrydir"
)

// group is blobs that share a layer.
type group []registrydir.File

// owners says which repository has a blob; empty when several do.
type owners map[v1.Hash]string

// note takes in whose a link is and where it leads.
func (o owners) note(f registrydir.File) {
	if f.Target == (v1.Hash{}) {
		return
	}
	if owner, known := o[f.Target]; known && owner != f.Repository {
		f.Repository = ""
	}
	o[f.Target] = f.Repository
}

// divide puts blobs that one repository alone has into the same group, since they change together, and those that several
// have anywhere. Which group that is follows from the name of the repository or from the digest, not from what else
// there is: when one image changes, nearly all groups stay what they are.
func (o owners) divide(blobs []registrydir.File) []group {
	var all [layer.MaxGroups]group
	for _, f := range blobs {
		name := o[f.Blob]
		if name == "" {
			name = f.Blob.String()
		}
		at := sha256.Sum256([]byte(name))[0] % layer.MaxGroups
		all[at] = append(all[at], f)
	}
	var used []group
	for _, g := range all {
		if len(g) > 0 {
			used = append(used, g)
		}
	}
	return used
}

// groupLayer makes the layer of a group. Its facts follow from its blobs, so that they are remembered as a blob's are.
func (in Input) groupLayer(ctx context.Context, g group) (Layer, error) {
	facts, err := in.groupFacts(ctx, g)
	if err != nil {
		return Layer{}, err
	}
	open := func() (io.ReadCloser, error) { return layer.NewStored(g.entries()) }
	l := newLayer(facts, v1.Hash{}, open)
	for _, f := range g {
		l.Blobs = append(l.Blobs, f.Blob)
	}
	if in.RegistryHashes {
		l.Open = open
	}
	return l, nil
}

func (in Input) groupFacts(ctx context.Context, g group) (layer.Facts, error) {
	key := g.key()
	if in.Memory != nil {
		if facts, ok := in.Memory.Layer(key); ok {
			return facts, nil
		}
	}
	facts, err := layer.StoredFacts(ctx, g.entries())
	if err != nil {
		return layer.Facts{}, fmt.Errorf("read registry directory: %w", err)
	}
	if in.Memory == nil {
		return facts, nil
	}
	return facts, in.Memory.Remember(key, facts)
}

func (g group) entries() []layer.Entry {
	var out []layer.Entry
	for _, f := range g {
		out = append(out, restEntry(f))
	}
	return out
}

// key stands for what the layer holds.
func (g group) key() v1.Hash {
	var b strings.Builder
	b.WriteString("layer of blobs")
	for _, f := range g {
		fmt.Fprintf(&b, " %s %d", f.Blob, f.Size)
	}
	return digestOf([]byte(b.String()))
}
