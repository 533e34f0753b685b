package pipeline

import (
	"context"
	"fmt"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/labring-actions/cluster-image/internal/source"
	"github.com/labring-actions/cluster-image/internal/store"
)

// SourceOptions say how declarative recipes reach what they download.
type SourceOptions struct {
	// Mirrors say where addresses are fetched instead.
	Mirrors source.Mirrors
	// PlainHTTP are hosts, with their port if any, that may be asked without TLS.
	PlainHTTP []string
	// Tokens are sent to the hosts that they are for.
	Tokens map[string]string
}

// newSources makes the client that all downloads of declarative recipes go through.
func (e *Engine) newSources() *source.Client {
	return &source.Client{
		Mirrors: e.Source.Mirrors, PlainHTTP: e.Source.PlainHTTP, Tokens: e.Source.Tokens,
		Registry: e.client, ImageMirrors: e.Mirrors, Cache: downloads{e.store},
	}
}

// Sources is the client that downloads of declarative recipes go through.
func (e *Engine) Sources() *source.Client { return e.sources }

// downloads keeps what was downloaded in the content store.
type downloads struct{ store *store.Store }

func (d downloads) Open(sum string) (io.ReadCloser, error) {
	digest := v1.Hash{Algorithm: "sha256", Hex: sum}
	if _, ok := d.store.Has(digest); !ok {
		return nil, fmt.Errorf("download sha256:%s: %w", sum, store.ErrNotFound)
	}
	return d.store.Open(digest)
}

func (d downloads) Keep(sum string, _ int64, file io.Reader) error {
	if _, ok := d.store.Has(v1.Hash{Algorithm: "sha256", Hex: sum}); ok {
		return nil
	}
	_, _, err := d.store.Add(context.Background(), file)
	return err
}
