package registrydir_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/labring-actions/cluster-image/internal/registrydir"
	"github.com/labring-actions/cluster-image/internal/registrydir/registrydirtest"
)

const amd64 = "linux/amd64"

// sample is images of many forms: two families, an index by tag, an index by digest, a manifest by digest, nested and single names, shared layers.
func sample(s *registrydirtest.Store) []registrydir.Image {
	nginx := s.Image(registrydirtest.Docker, amd64, "base", "nginx")
	nginxArm := s.Image(registrydirtest.Docker, "linux/arm64", "base-arm", "nginx-arm")
	redis := s.Image(registrydirtest.OCI, amd64, "base", "redis")
	pause := s.Image(registrydirtest.OCI, amd64, "pause")
	index := s.Index(registrydirtest.Docker, nginx, nginxArm)
	redisIndex := s.Index(registrydirtest.OCI, redis)
	return []registrydir.Image{
		registrydirtest.As("nginx:1.23", nginx, index),
		registrydirtest.As("nginx@"+index.Digest.String(), nginx, index),
		registrydirtest.As("quay.io/x/redis@"+redis.Manifest.Digest.String(), redis, redisIndex),
		registrydirtest.As("ghcr.io/x/redis/sub:v1@"+redisIndex.Digest.String(), redis, redisIndex),
		registrydirtest.As("registry.k8s.io/pause:3.9", pause, nil),
		registrydirtest.As("registry.k8s.io/pause:3.9.1", pause, nil),
		registrydirtest.As("k8s.gcr.io/pause:3.9", pause, nil),
	}
}

func mustNew(t testing.TB, images []registrydir.Image, content registrydir.Content) *registrydir.Dir {
	t.Helper()
	d, err := registrydir.New(images, content)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// contents is the files of a directory with their bytes.
func contents(t testing.TB, d *registrydir.Dir) map[string]string {
	t.Helper()
	all := map[string]string{}
	for f := range d.Files() {
		all[f.Path] = readFile(t, f)
	}
	return all
}

func readFile(t testing.TB, f registrydir.File) string {
	t.Helper()
	r, err := f.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	if int64(len(b)) != f.Size {
		t.Errorf("%s has %d bytes, its size says %d", f.Path, len(b), f.Size)
	}
	return string(b)
}

// onDisk is the files below a directory with their bytes, the empty _uploads directories of a registry left out.
func onDisk(t testing.TB, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		rel, _ := filepath.Rel(dir, path)
		all[filepath.ToSlash(rel)] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func diffFiles(t testing.TB, got, want map[string]string) {
	t.Helper()
	for path, text := range want {
		if have, ok := got[path]; !ok {
			t.Errorf("%s is missing", path)
		} else if have != text {
			t.Errorf("%s holds %.80q, want %.80q", path, have, text)
		}
	}
	for path := range got {
		if _, ok := want[path]; !ok {
			t.Errorf("%s is one too many", path)
		}
	}
}

func TestFilesAreSortedAndWhole(t *testing.T) {
	t.Parallel()
	s := registrydirtest.NewStore()
	d := mustNew(t, sample(s), s)
	var paths []string
	for f := range d.Files() {
		paths = append(paths, f.Path)
		got := readFile(t, f)
		if f.Blob == (v1.Hash{}) {
			continue
		}
		if h, _, _ := v1.SHA256(strings.NewReader(got)); h != f.Blob {
			t.Errorf("%s holds %s", f.Path, h)
		}
	}
	if !slices.IsSorted(paths) {
		t.Errorf("not sorted: %q", paths)
	}
	if len(slices.Compact(paths)) != len(paths) {
		t.Error("a path comes twice")
	}
	for range d.Files() {
		break // a reader may stop
	}
	if d.Len() != 12 {
		t.Errorf("%d blobs", d.Len())
	}
}

// TestTags holds the rules of what is tagged how.
func TestTags(t *testing.T) {
	t.Parallel()
	s := registrydirtest.NewStore()
	a := s.Image(registrydirtest.OCI, amd64, "a")
	index := s.Index(registrydirtest.OCI, a, s.Image(registrydirtest.OCI, "linux/arm64", "b"))
	child, whole := a.Manifest.Digest, index.Digest
	tests := []struct {
		name      string
		ref       string
		tags      []string
		revisions []v1.Hash
	}{
		{"tag", "x:1", []string{"1"}, []v1.Hash{child}},
		{"latest", "x", []string{"latest"}, []v1.Hash{child}},
		{"digest of the index", "x@" + whole.String(), []string{"latest", "sha256-" + whole.Hex}, []v1.Hash{child, whole}},
		{"digest of the manifest", "x@" + child.String(), []string{"latest", "sha256-" + child.Hex}, []v1.Hash{child}},
		{"tag and digest of the index", "x:1@" + whole.String(), []string{"1"}, []v1.Hash{child, whole}},
		{"tag and digest of the manifest", "x:1@" + child.String(), []string{"1"}, []v1.Hash{child}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := contents(t, mustNew(t, []registrydir.Image{registrydirtest.As(tt.ref, a, index)}, s))
			const repo = "docker/registry/v2/repositories/library/x/_manifests/"
			var tags, revisions []string
			for path, text := range got {
				if tag, ok := strings.CutSuffix(path, "/current/link"); ok {
					tags = append(tags, strings.TrimPrefix(tag, repo+"tags/"))
					if text != child.String() {
						t.Errorf("%s is %s, want the platform's manifest", path, text)
					}
				}
				if strings.HasPrefix(path, repo+"revisions/") {
					revisions = append(revisions, text)
				}
			}
			slices.Sort(tags)
			if !slices.Equal(tags, tt.tags) {
				t.Errorf("tags %q, want %q", tags, tt.tags)
			}
			var want []string
			for _, h := range tt.revisions {
				want = append(want, h.String())
			}
			slices.Sort(revisions)
			slices.Sort(want)
			if !slices.Equal(revisions, want) {
				t.Errorf("revisions %q, want %q", revisions, want)
			}
		})
	}
}

func TestConflicts(t *testing.T) {
	t.Parallel()
	s := registrydirtest.NewStore()
	a, b := s.Image(registrydirtest.OCI, amd64, "a"), s.Image(registrydirtest.OCI, amd64, "b")
	ia, ib := s.Index(registrydirtest.OCI, a), s.Index(registrydirtest.OCI, b)
	aDigest, bDigest := ia.Digest.String(), ib.Digest.String()
	ma, mb := a.Manifest.Digest.String(), b.Manifest.Digest.String()
	const prefix = "different content under one name, since a cluster's registry keeps no hosts and one manifest a tag: "
	tests := []struct {
		name string
		refs map[string]registrydir.Image
		want string
	}{
		{"two hosts", map[string]registrydir.Image{"quay.io/x/y:1": a, "ghcr.io/x/y:1": b},
			"x/y:1: ghcr.io/x/y:1 is " + mb + ", but quay.io/x/y:1 is " + ma + ": use the image of one registry for both, or another tag for one of them"},
		{"two hosts, same content", map[string]registrydir.Image{"quay.io/x/y:1": a, "ghcr.io/x/y:1": a}, ""},
		{"tag and an older digest", map[string]registrydir.Image{"x:1": a, "x:1@" + bDigest: b},
			"library/x:1: docker.io/library/x:1 is " + ma + ", but docker.io/library/x:1@" + bDigest + " is " + mb + ": use the same digest for both, or another tag for one of them"},
		{"tag and its digest", map[string]registrydir.Image{"x:1": a, "x:1@" + aDigest: a}, ""},
		{"fallback is taken", map[string]registrydir.Image{"x": a, "x@" + bDigest: b},
			"library/x:latest: docker.io/library/x:latest is " + ma + ", but docker.io/library/x@" + bDigest + " is " + mb +
				": a node that does not find the digest of docker.io/library/x@" + bDigest + " takes this tag instead; write the tag that belongs to the digest before the @"},
		{"fallback is free", map[string]registrydir.Image{"x:1": a, "x@" + bDigest: b}, ""},
		{"fallback has the content", map[string]registrydir.Image{"x": a, "x@" + aDigest: a}, ""},
		{"digests with tags", map[string]registrydir.Image{"x:1@" + aDigest: a, "x:2@" + bDigest: b}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var images []registrydir.Image
			for ref, image := range tt.refs {
				index := ia
				if image.Manifest.Digest == b.Manifest.Digest {
					index = ib
				}
				images = append(images, registrydirtest.As(ref, image, index))
			}
			_, err := registrydir.New(images, s)
			var conflict *registrydir.ConflictError
			switch {
			case tt.want == "" && err != nil:
				t.Error(err)
			case tt.want == "":
			case !errors.As(err, &conflict):
				t.Errorf("got %v, want a conflict", err)
			case err.Error() != prefix+tt.want:
				t.Errorf("got  %s\nwant %s", err, prefix+tt.want)
			}
		})
	}
}

func TestEveryConflictIsListed(t *testing.T) {
	t.Parallel()
	s := registrydirtest.NewStore()
	a, b := s.Image(registrydirtest.OCI, amd64, "a"), s.Image(registrydirtest.OCI, amd64, "b")
	_, err := registrydir.New([]registrydir.Image{
		registrydirtest.As("quay.io/x/y:1", a, nil), registrydirtest.As("ghcr.io/x/y:1", b, nil),
		registrydirtest.As("quay.io/x/z:1", a, nil), registrydirtest.As("ghcr.io/x/z:1", b, nil),
	}, s)
	var conflict *registrydir.ConflictError
	if !errors.As(err, &conflict) || len(conflict.Conflicts) != 2 || conflict.Conflicts[0].Name != "x/y:1" || conflict.Conflicts[1].Name != "x/z:1" {
		t.Errorf("got %v", err)
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	s := registrydirtest.NewStore()
	a := s.Image(registrydirtest.OCI, amd64, "a")
	other := s.Image(registrydirtest.OCI, amd64, "b")
	change := func(f func(*registrydir.Image)) registrydir.Image {
		i := registrydirtest.As("x:1", a, nil)
		i.Blobs = slices.Clone(i.Blobs)
		f(&i)
		return i
	}
	digest := other.Manifest.Digest.String()
	tests := []struct {
		name  string
		image registrydir.Image
		want  string
	}{
		{"path", change(func(i *registrydir.Image) { i.Ref.Path = "../x" }), "is not a repository path"},
		{"own directory", change(func(i *registrydir.Image) { i.Ref.Path = "x/_layers" }), "is not a repository path"},
		{"tag", change(func(i *registrydir.Image) { i.Ref.Tag = ".." }), `".." is not a tag`},
		{"long tag", change(func(i *registrydir.Image) { i.Ref.Tag = strings.Repeat("a", 129) }), "is not a tag"},
		{"nothing", change(func(i *registrydir.Image) { i.Ref.Tag = "" }), "neither a tag nor a digest"},
		{"blob digest", change(func(i *registrydir.Image) { i.Blobs[0].Digest.Hex = "../../x" }), "is not a digest"},
		{"no digest", change(func(i *registrydir.Image) { i.Manifest = v1.Descriptor{} }), "is not a digest"},
		{"negative size", change(func(i *registrydir.Image) { i.Blobs[0].Size = -1 }), "has the size -1"},
		{"other manifest", change(func(i *registrydir.Image) { i.Ref.Digest = digest }), "was answered with the manifest " + a.Manifest.Digest.String()},
		{"other index", change(func(i *registrydir.Image) { i.Ref.Digest, i.Index = digest, &a.Manifest }), "was answered with the index"},
		{"two sizes", change(func(i *registrydir.Image) { i.Blobs = append(i.Blobs, i.Blobs[0]); i.Blobs[0].Size++ }), "bytes here and"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := registrydir.New([]registrydir.Image{tt.image}, s)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}
