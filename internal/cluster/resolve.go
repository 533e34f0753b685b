package cluster

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/labring-actions/cluster-image/internal/reference"
)

// Answer is what a node gets for an image.
type Answer struct {
	// Asked is what the registry was asked for, in order: x/y@sha256:…, x/y:z.
	Asked []string
	// Manifest and Config are what the last question was answered with.
	Manifest, Config v1.Hash
	// Platform is what the config says; empty for what is no container image.
	Platform string
}

// Resolve asks a cluster's registry as image-cri-shim does: the host is dropped (Docker Hub's short names are under library/ already); by the digest
// where there is one; if that is not there, by the text before the @, so by the tag or else by latest. All blobs of what is found must be there.
func Resolve(ctx context.Context, c *Client, need reference.Reference, platform string) (Answer, error) {
	var a Answer
	p, err := v1.ParsePlatform(platform)
	if err != nil {
		return a, fmt.Errorf("resolve %s: %w", need, err)
	}
	m, err := a.ask(ctx, c, need, *p)
	if err != nil {
		return a, err
	}
	a.Manifest, a.Config = m.digest, m.Config.Digest
	return a, a.pull(ctx, c, need.Path, m)
}

func (a *Answer) ask(ctx context.Context, c *Client, need reference.Reference, p v1.Platform) (manifest, error) {
	var failed error
	if need.Digest != "" {
		a.Asked = append(a.Asked, need.Path+"@"+need.Digest)
		m, err := c.image(ctx, need.Path, need.Digest, p)
		if err == nil || ctx.Err() != nil {
			return m, err
		}
		failed = err
	}
	a.Asked = append(a.Asked, need.Path+":"+need.FallbackTag())
	m, err := c.image(ctx, need.Path, need.FallbackTag(), p)
	if err != nil && failed != nil {
		return m, fmt.Errorf("%w, %w", failed, err)
	}
	return m, err
}

// pull looks at every blob of the manifest and reads the config.
func (a *Answer) pull(ctx context.Context, c *Client, name string, m manifest) error {
	for _, b := range m.Layers {
		resp, err := c.do(ctx, http.MethodHead, name+"/blobs/"+b.Digest.String(), "")
		if err != nil {
			return fmt.Errorf("layer: %w", err)
		}
		_ = resp.Body.Close()
	}
	b, _, err := c.get(ctx, name+"/blobs/"+m.Config.Digest.String(), "", maxKept)
	if err != nil {
		return fmt.Errorf("config: %w", err)
	}
	var config struct{ OS, Architecture, Variant string }
	if json.Unmarshal(b, &config) == nil && config.Architecture != "" {
		a.Platform = v1.Platform{OS: config.OS, Architecture: config.Architecture, Variant: config.Variant}.String()
	}
	return nil
}
