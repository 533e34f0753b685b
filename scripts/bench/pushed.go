package main

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// checkPushed reads a cluster image back from the registry, and compares the registry directory in each platform's image with what must be in it.
func checkPushed(ctx context.Context, host, version string, want func(arch string) content, all []string) error {
	r := newRemote(host)
	defer r.close()
	repository := application + "/app"
	b, err := r.manifest(ctx, repository, version)
	if err != nil {
		return err
	}
	var index v1.IndexManifest
	if err := json.Unmarshal(b, &index); err != nil {
		return fmt.Errorf("read index: %w", err)
	}
	found := map[string]bool{}
	for _, m := range index.Manifests {
		if m.Platform == nil {
			return fmt.Errorf("manifest %s is for no platform", m.Digest)
		}
		got, err := pushedContent(ctx, r, repository, m.Digest)
		if err != nil {
			return fmt.Errorf("image for %s: %w", m.Platform.Architecture, err)
		}
		if err := want(m.Platform.Architecture).lacks(got); err != nil {
			return fmt.Errorf("registry directory for %s: %w", m.Platform.Architecture, err)
		}
		found[m.Platform.Architecture] = true
	}
	for _, arch := range all {
		if !found[arch] {
			return fmt.Errorf("no image for %s", arch)
		}
	}
	return nil
}

// pushedContent hashes the blobs of the registry directory in an image.
func pushedContent(ctx context.Context, r *remote, repository string, d v1.Hash) (content, error) {
	b, err := r.manifest(ctx, repository, d.String())
	if err != nil {
		return nil, err
	}
	m, err := v1.ParseManifest(strings.NewReader(string(b)))
	if err != nil {
		return nil, fmt.Errorf("read manifest: %w", err)
	}
	out := content{}
	for _, l := range m.Layers {
		blob, err := r.blob(ctx, repository, l.Digest.String())
		if err != nil {
			return nil, err
		}
		err = errors.Join(readLayer(blob, out), blob.Close())
		if err != nil {
			return nil, fmt.Errorf("read layer %s: %w", l.Digest, err)
		}
	}
	return out, nil
}

func readLayer(blob io.Reader, out content) error {
	gz, err := gzip.NewReader(blob)
	if err != nil {
		return err
	}
	t := tar.NewReader(gz)
	for {
		h, err := t.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		digest, ok := blobOf(h.Name)
		if !ok || h.Typeflag != tar.TypeReg {
			continue
		}
		sum := sha256.New()
		n, err := io.Copy(sum, t)
		if err != nil {
			return err
		}
		if got := fmt.Sprintf("sha256:%x", sum.Sum(nil)); got != digest {
			return fmt.Errorf("blob %s has the bytes of %s", digest, got)
		}
		out[digest] = n
	}
}

// blobOf says which blob a file of a cluster image is.
func blobOf(name string) (digest string, ok bool) {
	rest, ok := strings.CutPrefix(path.Clean("/"+name), "/registry/"+registryRoot+"/blobs/sha256/")
	parts := strings.Split(rest, "/")
	if !ok || len(parts) != 3 || parts[2] != "data" {
		return "", false
	}
	return "sha256:" + parts[1], true
}
