package source

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/labring-actions/cluster-image/internal/reference"
	"github.com/labring-actions/cluster-image/internal/registry"
)

// chartMedia is the media type of a chart's archive in a registry.
const chartMedia = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"

// maxChart bounds a chart, in bytes.
const maxChart = 256 << 20

// PackedChart parts the address of a chart in a registry, as indexes write it, from the version behind its colon; without one it has the version given.
func PackedChart(address, version string) (chart, itsVersion string) {
	if i := strings.LastIndexByte(address, ':'); i > strings.LastIndexByte(address, '/') {
		return address[:i], address[i+1:]
	}
	return address, version
}

// Pull fetches a chart from a registry, named as oci://REGISTRY/PATH, to a file. A chart's version with a + is a tag with _.
func (c *Client) Pull(ctx context.Context, chart, version, to string) (Got, error) {
	if c.Registry == nil {
		return Got{}, fmt.Errorf("%w: %s: charts of registries are not fetched here", ErrSource, chart)
	}
	tag := strings.ReplaceAll(version, "+", "_")
	ref, err := reference.Parse(strings.TrimPrefix(chart, "oci://") + ":" + tag)
	if err != nil {
		return Got{}, fmt.Errorf("%w: %s: %w", ErrSource, chart, err)
	}
	var failed error
	missing := true
	for _, source := range c.ImageMirrors.Sources(ref) {
		got, err := c.pull(ctx, source, tag, to)
		if err == nil {
			return got, nil
		}
		missing = missing && errors.Is(err, registry.ErrNotFound)
		failed = errors.Join(failed, err)
	}
	if missing {
		if versions, err := c.ChartVersions(ctx, chart); err == nil {
			return Got{}, fmt.Errorf("chart %s: %w", chart, noVersion(versions, version))
		}
	}
	return Got{}, fmt.Errorf("%w: chart %s:%s: %w", ErrSource, chart, version, failed)
}

// PackedVersion gives the version to pull of a chart in a registry: the one that is asked for, or the newest in a semver range.
func (c *Client) PackedVersion(ctx context.Context, chart, version string) (string, error) {
	if !isRange(version) {
		return version, nil
	}
	versions, err := c.ChartVersions(ctx, chart)
	if err != nil {
		return "", err
	}
	if i := NewestIn(versions, version); i >= 0 {
		return versions[i], nil
	}
	return "", fmt.Errorf("chart %s: %w", chart, noVersion(versions, version))
}

// isRange tells a range, such as ^1.2 or 1.2.x, from what can be a tag.
func isRange(version string) bool {
	return strings.ContainsAny(version, "^~<>=*|, ") || slices.ContainsFunc(strings.Split(version, "."), func(part string) bool { return part == "x" || part == "X" })
}

func (c *Client) pull(ctx context.Context, ref reference.Reference, tag, to string) (Got, error) {
	m, err := c.Registry.Manifest(ctx, ref, tag)
	if err != nil {
		return Got{}, err
	}
	var manifest v1.Manifest
	if err := json.Unmarshal(m.Bytes, &manifest); err != nil {
		return Got{}, fmt.Errorf("%w: manifest of %s: %w", ErrSource, ref, err)
	}
	for _, l := range manifest.Layers {
		if string(l.MediaType) == chartMedia {
			return c.pullBlob(ctx, ref, l, to)
		}
	}
	return Got{}, fmt.Errorf("%w: %s is no Helm chart: none of its layers is %s", ErrSource, ref, chartMedia)
}

func (c *Client) pullBlob(ctx context.Context, ref reference.Reference, l v1.Descriptor, to string) (Got, error) {
	if l.Size > maxChart {
		return Got{}, fmt.Errorf("%w: %s has %d bytes, and a chart at most %d", ErrSource, ref, l.Size, maxChart)
	}
	f := File{URL: ref.String(), Max: maxChart}
	if c.Cache != nil {
		if got, err := c.fromCache(l.Digest.Hex, f, to); err == nil {
			return got, nil
		}
	}
	b, err := c.Registry.ReadBlob(ctx, ref, l, maxChart)
	if err != nil {
		return Got{}, err
	}
	var got Got
	err = place(to, 0o644, func(tmp *os.File) (err error) {
		if got, err = receive(strings.NewReader(string(b)), f, tmp); err != nil {
			return err
		}
		return c.keep(got, tmp)
	})
	return got, err
}

// ChartVersions gives the versions of a chart in a registry, named as oci://REGISTRY/PATH. In a tag a + is written as _.
func (c *Client) ChartVersions(ctx context.Context, chart string) ([]string, error) {
	if c.Registry == nil {
		return nil, fmt.Errorf("%w: %s: charts of registries are not looked for here", ErrSource, chart)
	}
	ref, err := reference.Parse(strings.TrimPrefix(chart, "oci://"))
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrSource, chart, err)
	}
	var failed error
	for _, source := range c.ImageMirrors.Sources(ref) {
		tags, err := c.Registry.Tags(ctx, source)
		if err != nil {
			failed = errors.Join(failed, err)
			continue
		}
		for i := range tags {
			tags[i] = strings.ReplaceAll(tags[i], "_", "+")
		}
		return tags, nil
	}
	return nil, fmt.Errorf("%w: versions of %s: %w", ErrSource, chart, failed)
}

// Cached gives a file that the cache has, to a path; an error when it has not.
func (c *Client) Cached(sum, to string) (Got, error) {
	if c.Cache == nil {
		return Got{}, errors.New("there is no cache")
	}
	return c.fromCache(sum, File{}, to)
}

// Text fetches a small file.
func (c *Client) Text(ctx context.Context, address string, max int64) ([]byte, error) {
	return do(&c.flights, "text "+address, func() (b []byte, err error) {
		err = c.get(ctx, address, func(body io.Reader) (err error) {
			b, err = io.ReadAll(io.LimitReader(body, max+1))
			if err == nil && int64(len(b)) > max {
				err = fmt.Errorf("more than %d bytes", max)
			}
			return err
		})
		return b, err
	})
}
