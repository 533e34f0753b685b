package cluster_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/labring-actions/cluster-image/internal/cluster"
	"github.com/labring-actions/cluster-image/internal/reference"
	"github.com/labring-actions/cluster-image/internal/registrydir"
	"github.com/labring-actions/cluster-image/internal/registrydir/registrydirtest"
)

const amd64, arm64 = "linux/amd64", "linux/arm64"

// set is images for two platforms, wanted in every way that there is.
type set struct {
	store  *registrydirtest.Store
	images map[string][]registrydir.Image
	wants  []cluster.Want
}

func newSet() *set {
	return &set{store: registrydirtest.NewStore(), images: map[string][]registrydir.Image{}}
}

// add makes a two-platform image and wants it under references in which INDEX, AMD and ARM stand for its digests.
func (s *set) add(f registrydirtest.Family, text string, refs ...string) {
	amd, arm := s.store.Image(f, amd64, "base amd64", text), s.store.Image(f, arm64, "base arm64", text)
	index := s.store.Index(f, amd, arm)
	digests := strings.NewReplacer("INDEX", index.Digest.String(), "AMD", amd.Manifest.Digest.String(), "ARM", arm.Manifest.Digest.String())
	for _, ref := range refs {
		want := cluster.Want{Content: map[string]cluster.Content{}}
		for platform, image := range map[string]registrydir.Image{amd64: amd, arm64: arm} {
			if platform == amd64 && strings.Contains(ref, "ARM") || platform == arm64 && strings.Contains(ref, "AMD") {
				continue
			}
			i := registrydirtest.As(digests.Replace(ref), image, index)
			want.Need = i.Ref
			want.Content[platform] = cluster.Content{Manifest: image.Manifest.Digest, Config: image.Blobs[0].Digest}
			s.images[platform] = append(s.images[platform], i)
		}
		s.wants = append(s.wants, want)
	}
}

func sample() *set {
	s := newSet()
	s.add(registrydirtest.Docker, "nginx", "nginx:1.23", "docker.io/library/nginx:1.23@INDEX")
	s.add(registrydirtest.OCI, "redis", "quay.io/x/redis@INDEX", "ghcr.io/x/redis:7")
	s.add(registrydirtest.OCI, "pause", "registry.k8s.io/pause@AMD", "registry.k8s.io/pause@ARM")
	s.add(registrydirtest.OCI, "tool", "quay.io/x/y/tool:v1@AMD", "quay.io/x/y/tool:v1@ARM", "tool")
	return s
}

func (s *set) dirs(t testing.TB) map[string]*registrydir.Dir {
	t.Helper()
	dirs := map[string]*registrydir.Dir{}
	for platform, images := range s.images {
		d, err := registrydir.New(images, s.store)
		if err != nil {
			t.Fatal(err)
		}
		dirs[platform] = d
	}
	return dirs
}

func TestProve(t *testing.T) {
	t.Parallel()
	s := sample()
	report, err := cluster.Prove(t.Context(), s.dirs(t), s.wants)
	if err != nil {
		t.Fatal(err)
	}
	if got := report.Copied[amd64]; got.Repositories != 5 || got.Tags != 8 || len(got.Failed) > 0 {
		t.Errorf("copied %+v", got)
	}
	asked := map[string]string{}
	for _, r := range report.Results {
		if r.Answer.Platform != r.Platform || r.Answer.Manifest != r.Want.Manifest {
			t.Errorf("%s: %+v", r, r.Answer)
		}
		name, _, _ := strings.Cut(r.Need.String(), "@")
		asked[name] = strings.Join(r.Answer.Asked, " ")
	}
	if len(report.Results) != 14 {
		t.Errorf("%d results", len(report.Results))
	}
	// An index never travels, so the tag before the @ answers; a manifest does, by its sha256- tag.
	if got := asked["quay.io/x/redis"]; !strings.HasSuffix(got, " x/redis:latest") {
		t.Errorf("redis: %s", got)
	}
	if got := asked["registry.k8s.io/pause"]; strings.Contains(got, " ") {
		t.Errorf("pause: %s", got)
	}
}

// TestProveFails breaks one thing and reads what the error says of it.
func TestProveFails(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change func(s *set, dirs map[string]*registrydir.Dir)
		want   []string
	}{
		{"an image is not there", func(s *set, _ map[string]*registrydir.Dir) {
			ref, _ := reference.Parse("quay.io/x/missing:1")
			zero := cluster.Content{}
			s.wants = append(s.wants, cluster.Want{Need: ref, Content: map[string]cluster.Content{amd64: zero, arm64: zero}})
		}, []string{
			"linux/amd64 quay.io/x/missing:1: asked for x/missing:1: x/missing/manifests/1: not found",
			"linux/arm64 quay.io/x/missing:1: asked for x/missing:1: x/missing/manifests/1: not found",
		}},
		{"the other platform's directory", func(s *set, dirs map[string]*registrydir.Dir) { dirs[arm64] = dirs[amd64] }, []string{
			"linux/arm64 docker.io/library/nginx:1.23: asked for library/nginx:1.23: got sha256:",
			"linux/arm64 ghcr.io/x/redis:7: asked for x/redis:7: got sha256:",
		}},
		{"a blob has rotted", func(s *set, _ map[string]*registrydir.Dir) {
			s.store.Set(s.images[amd64][0].Blobs[2].Digest, []byte("NGINX"))
		}, []string{
			"linux/amd64 library/nginx:1.23: not copied: ",
			"linux/amd64 docker.io/library/nginx:1.23: asked for library/nginx:1.23: library/nginx/manifests/1.23: not found",
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := sample()
			dirs := s.dirs(t)
			tt.change(s, dirs)
			report, err := cluster.Prove(t.Context(), dirs, s.wants)
			var failed *cluster.ProofError
			if !errors.As(err, &failed) {
				t.Fatalf("got %v", err)
			}
			for _, line := range tt.want {
				if !strings.Contains(err.Error(), line) {
					t.Errorf("%s\nlacks %s", err, line)
				}
			}
			if len(report.Results) == 0 {
				t.Error("no report")
			}
		})
	}
}

// TestRevisionsDoNotTravel takes the tags away that stand for digests: the need cannot be met, though the directory has the content.
func TestRevisionsDoNotTravel(t *testing.T) {
	t.Parallel()
	s := newSet()
	s.add(registrydirtest.OCI, "x", "x@AMD", "x:1")
	fsys := fstest.MapFS{}
	for f := range s.dirs(t)[amd64].Files() {
		if strings.Contains(f.Path, "/tags/latest/") || strings.Contains(f.Path, "/tags/sha256-") || strings.Contains(f.Path, "/tags/1/") {
			continue
		}
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		b, _ := io.ReadAll(r)
		fsys[f.Path] = &fstest.MapFile{Data: b}
	}
	d, err := registrydir.ReadFS(fsys)
	if err != nil {
		t.Fatal(err)
	}
	_, err = cluster.Prove(t.Context(), map[string]*registrydir.Dir{amd64: d}, s.wants)
	if err == nil || !strings.Contains(err.Error(), "linux/amd64: copy tags: library/x has no tag, and `sealos registry sync` stops at such a repository") {
		t.Errorf("got %v", err)
	}
}

// TestTaggedIndex copies the platform's image of a tag that is an index.
func TestTaggedIndex(t *testing.T) {
	t.Parallel()
	store := registrydirtest.NewStore()
	a := store.Image(registrydirtest.OCI, amd64, "a")
	index := store.Index(registrydirtest.OCI, store.Image(registrydirtest.OCI, arm64, "b"), a)
	d, err := registrydir.New([]registrydir.Image{
		registrydirtest.As("x:1", registrydir.Image{Manifest: *index}, nil), registrydirtest.As("x:amd64", a, nil),
	}, store)
	if err != nil {
		t.Fatal(err)
	}
	need, _ := reference.Parse("x:1")
	want := []cluster.Want{{Need: need, Content: map[string]cluster.Content{
		amd64: {Manifest: a.Manifest.Digest}, arm64: {Manifest: a.Manifest.Digest},
	}}}
	if _, err := cluster.Prove(t.Context(), map[string]*registrydir.Dir{amd64: d}, want); err != nil {
		t.Error(err)
	}
	if _, err := cluster.Prove(t.Context(), map[string]*registrydir.Dir{arm64: d}, want); err == nil {
		t.Error("an image of another platform was taken")
	}
}

// TestManyRepositories has more than sealos asks a catalog for.
func TestManyRepositories(t *testing.T) {
	t.Parallel()
	s := newSet()
	amd := s.store.Image(registrydirtest.OCI, amd64, "x")
	for i := range 1030 {
		s.images[amd64] = append(s.images[amd64], registrydirtest.As(fmt.Sprintf("quay.io/x/n%04d:1", i), amd, nil))
	}
	report, err := cluster.Prove(t.Context(), s.dirs(t), nil)
	if err == nil || !strings.Contains(err.Error(), "linux/amd64: `sealos registry sync` takes 1024 repositories, 6 more stay behind") {
		t.Errorf("got %v", err)
	}
	if got := report.Copied[amd64]; got.Tags != 1024 || got.Left != 6 {
		t.Errorf("copied %+v", got)
	}
}

func TestProveStops(t *testing.T) {
	t.Parallel()
	s := sample()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := cluster.Prove(ctx, s.dirs(t), s.wants); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	address, stop, err := cluster.Serve(cluster.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	if _, err := cluster.Sync(t.Context(), cluster.NewClient(address), cluster.NewRegistry(), "a/b/c/d/e"); err == nil {
		t.Error("a platform of five parts was taken")
	}
}
