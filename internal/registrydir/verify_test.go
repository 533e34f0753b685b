package registrydir_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/labring-actions/cluster-image/internal/registrydir"
	"github.com/labring-actions/cluster-image/internal/registrydir/registrydirtest"
)

// defectsOf is the lines that Verify lists.
func defectsOf(t *testing.T, err error) []string {
	t.Helper()
	if err == nil {
		return nil
	}
	var list *registrydir.DefectsError
	if !errors.As(err, &list) {
		t.Fatal(err)
	}
	var lines []string
	for _, d := range list.Defects {
		lines = append(lines, d.String())
	}
	return lines
}

func TestVerify(t *testing.T) {
	t.Parallel()
	one := func(image registrydir.Image) []registrydir.Image {
		return []registrydir.Image{registrydirtest.As("x:1", image, nil)}
	}
	raw := func(s *registrydirtest.Store, text string) []registrydir.Image {
		return one(registrydir.Image{Manifest: s.Put("", []byte(text))})
	}
	path := func(h v1.Hash) string { return v2 + "blobs/sha256/" + h.Hex[:2] + "/" + h.Hex + "/data: " }
	tests := []struct {
		name     string
		platform string
		build    func(s *registrydirtest.Store) ([]registrydir.Image, []string)
	}{
		{"right", amd64, func(s *registrydirtest.Store) ([]registrydir.Image, []string) { return sample(s), nil }},
		{"any platform", "", func(s *registrydirtest.Store) ([]registrydir.Image, []string) { return sample(s), nil }},
		{"other platform", "linux/arm64", func(s *registrydirtest.Store) ([]registrydir.Image, []string) {
			return one(s.Image(registrydirtest.OCI, amd64, "a")), []string{"library/x:1: is an image for linux/amd64, not for linux/arm64"}
		}},
		{"variant not asked for", "linux/arm64", func(s *registrydirtest.Store) ([]registrydir.Image, []string) {
			return one(s.Image(registrydirtest.OCI, "linux/arm64/v8", "a")), nil
		}},
		{"other variant", "linux/arm/v7", func(s *registrydirtest.Store) ([]registrydir.Image, []string) {
			return one(s.Image(registrydirtest.OCI, "linux/arm/v6", "a")), []string{"library/x:1: is an image for linux/arm/v6, not for linux/arm/v7"}
		}},
		{"no platform to speak of", amd64, func(s *registrydirtest.Store) ([]registrydir.Image, []string) {
			f := registrydirtest.OCI
			f.Config = "application/vnd.cncf.helm.config.v1+json"
			return one(s.Image(f, "linux/arm64", "chart")), nil
		}},
		{"changed and cut-off blobs", amd64, func(s *registrydirtest.Store) ([]registrydir.Image, []string) {
			image := s.Image(registrydirtest.OCI, amd64, "a", "long layer", "gone")
			s.Set(image.Blobs[1].Digest, []byte("b"))
			s.Set(image.Blobs[2].Digest, []byte("long"))
			return one(image), []string{
				path(image.Blobs[1].Digest) + "holds the content of sha256:3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d: remove it and save the images again",
				path(image.Blobs[2].Digest) + "has 4 bytes where 10 are right: remove it and save the images again",
			}
		}},
		{"incomplete", amd64, func(s *registrydirtest.Store) ([]registrydir.Image, []string) {
			image := s.Image(registrydirtest.OCI, amd64, "a", "b")
			where := "library/x@" + image.Manifest.Digest.String() + ": "
			lost := image.Blobs[1].Digest
			other := s.Image(registrydirtest.OCI, amd64, "a")
			shared := image
			image.Blobs = image.Blobs[:1]
			return append(one(image), registrydirtest.As("y:1", other, nil)), []string{
				where + lost.String() + " is not linked under _layers, so a registry does not give it out: save the images again",
				where + shared.Blobs[2].Digest.String() + " is missing: save the images again",
			}
		}},
		{"size in the manifest", amd64, func(s *registrydirtest.Store) ([]registrydir.Image, []string) {
			image := s.Image(registrydirtest.OCI, amd64, "a")
			b, _ := s.Get(image.Manifest.Digest)
			image.Manifest = s.Put("", []byte(strings.Replace(string(b), `"size":1,`, `"size":2,`, 1)))
			return one(image), []string{"library/x@" + image.Manifest.Digest.String() + ": " + image.Blobs[1].Digest.String() + " has 2 bytes in the one place and 1 in the other"}
		}},
		{"not JSON", amd64, func(s *registrydirtest.Store) ([]registrydir.Image, []string) {
			i := raw(s, "<html>")
			return i, []string{"library/x@" + i[0].Manifest.Digest.String() + ": is not a manifest: invalid character '<' looking for beginning of value"}
		}},
		{"schema 1", amd64, func(s *registrydirtest.Store) ([]registrydir.Image, []string) {
			i := raw(s, `{"schemaVersion":1}`)
			return i, []string{"library/x@" + i[0].Manifest.Digest.String() + ": is a manifest of schema 1, which registries and runtimes have given up: push the image anew"}
		}},
		{"two-faced", amd64, func(s *registrydirtest.Store) ([]registrydir.Image, []string) {
			i := raw(s, `{"schemaVersion":2,"layers":[],"manifests":[]}`)
			return i, []string{"library/x@" + i[0].Manifest.Digest.String() + ": is both an image and an index"}
		}},
		{"huge manifest", amd64, func(s *registrydirtest.Store) ([]registrydir.Image, []string) {
			i := raw(s, strings.Repeat(" ", 4<<20+1))
			return i, []string{"library/x@" + i[0].Manifest.Digest.String() + fmt.Sprintf(": %s has 4194305 bytes, more than the 4194304 that it may have", i[0].Manifest.Digest)}
		}},
		{"nothing of an index", amd64, func(s *registrydirtest.Store) ([]registrydir.Image, []string) {
			index := s.Index(registrydirtest.OCI, s.Image(registrydirtest.OCI, amd64, "a"))
			return one(registrydir.Image{Manifest: *index}), []string{
				"library/x:1: is an index without an image for linux/amd64 here",
				"library/x@" + index.Digest.String() + ": is an index of 1 manifests, none of which is here",
			}
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := registrydirtest.NewStore()
			images, want := tt.build(s)
			got := defectsOf(t, mustNew(t, images, s).Verify(t.Context(), tt.platform))
			counts := map[string]int{}
			for _, line := range want {
				counts[line]++
			}
			for _, line := range got {
				counts[line]--
			}
			for line, n := range counts {
				if n != 0 {
					t.Errorf("%+d times: %s", -n, line)
				}
			}
		})
	}
}

// TestVerifyTaggedIndex takes a directory where the tag is an index with one of its images, as `sealos registry save --all` may leave it.
func TestVerifyTaggedIndex(t *testing.T) {
	t.Parallel()
	s := registrydirtest.NewStore()
	a, b := s.Image(registrydirtest.OCI, amd64, "a"), s.Image(registrydirtest.OCI, "linux/arm64", "b")
	index := s.Index(registrydirtest.OCI, a, b)
	d := mustNew(t, []registrydir.Image{registrydirtest.As("x:1", registrydir.Image{Manifest: *index}, nil), registrydirtest.As("x:a", a, nil)}, s)
	if err := d.Verify(t.Context(), amd64); err != nil {
		t.Error(err)
	}
	if got := defectsOf(t, d.Verify(t.Context(), "linux/arm64")); len(got) != 2 {
		t.Errorf("got %q", got)
	}
}

func TestVerifyNeedsTags(t *testing.T) {
	t.Parallel()
	s := registrydirtest.NewStore()
	fsys := mapFS(t, mustNew(t, []registrydir.Image{registrydirtest.As("x:1", s.Image(registrydirtest.OCI, amd64, "a"), nil)}, s))
	for path := range fsys {
		if strings.Contains(path, "/tags/") {
			delete(fsys, path)
		}
	}
	d, err := registrydir.ReadFS(fsys)
	if err != nil {
		t.Fatal(err)
	}
	got := defectsOf(t, d.Verify(t.Context(), amd64))
	if len(got) != 1 || got[0] != "library/x: has no tag: `sealos registry sync` copies tags only and stops at such a repository" {
		t.Errorf("got %q", got)
	}
}

// TestVerifyNeedsImages takes what is left of a run that was killed while it wrote blobs, or of a copy that forgot the rest.
func TestVerifyNeedsImages(t *testing.T) {
	t.Parallel()
	s := registrydirtest.NewStore()
	fsys := mapFS(t, mustNew(t, sample(s), s))
	blobs := 0
	for path := range fsys {
		if strings.Contains(path, "/repositories/") {
			delete(fsys, path)
		} else {
			blobs++
		}
	}
	d, err := registrydir.ReadFS(fsys)
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("%srepositories: holds no image, though there are %d blobs: save the images again", v2, blobs)
	if got := defectsOf(t, d.Verify(t.Context(), amd64)); len(got) != 1 || got[0] != want {
		t.Errorf("got %q, want %s", got, want)
	}
	if err := mustNew(t, nil, s).Verify(t.Context(), amd64); err != nil {
		t.Errorf("a directory of an application without images: %v", err)
	}
}

func TestVerifyStops(t *testing.T) {
	t.Parallel()
	s := registrydirtest.NewStore()
	d := mustNew(t, sample(s), s)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := d.Verify(ctx, amd64); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if err := d.Verify(t.Context(), "a/b/c/d/e"); err == nil {
		t.Error("a platform of five parts was taken")
	}
}

func TestList(t *testing.T) {
	t.Parallel()
	s := registrydirtest.NewStore()
	a := s.Image(registrydirtest.Docker, amd64, "a", "bb")
	index := s.Index(registrydirtest.Docker, a)
	d := mustNew(t, []registrydir.Image{
		registrydirtest.As("x:1@"+index.Digest.String(), a, index),
		registrydirtest.As("quay.io/b/b:2", s.Image(registrydirtest.OCI, "linux/arm64/v8", "c"), nil),
	}, s)
	got, err := d.List()
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, e := range got {
		lines = append(lines, fmt.Sprint(e.Repository, " ", e.Tag, " ", e.MediaType, " ", e.Platform))
	}
	want := []string{
		"b/b 2 " + string(types.OCIManifestSchema1) + " linux/arm64/v8",
		"library/x 1 " + string(types.DockerManifestSchema2) + " linux/amd64",
		"library/x  " + string(types.DockerManifestList) + " ",
	}
	if strings.Join(lines, "\n") != strings.Join(want, "\n") {
		t.Errorf("got %q\nwant %q", lines, want)
	}
	size := a.Manifest.Size
	for _, b := range a.Blobs {
		size += b.Size
	}
	if got[1].Size != size || got[1].Digest != a.Manifest.Digest {
		t.Errorf("got %+v, want the size %d", got[1], size)
	}
}
