package registrydir_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/labring-actions/cluster-image/internal/registrydir"
	"github.com/labring-actions/cluster-image/internal/registrydir/registrydirtest"
)

const v2 = "docker/registry/v2/"

// mapFS is the directory as a file system that a test can break.
func mapFS(t testing.TB, d *registrydir.Dir) fstest.MapFS {
	t.Helper()
	fsys := fstest.MapFS{}
	for path, text := range contents(t, d) {
		fsys[path] = &fstest.MapFile{Data: []byte(text), Mode: 0o644}
	}
	return fsys
}

func TestReadBroken(t *testing.T) {
	t.Parallel()
	s := registrydirtest.NewStore()
	image := s.Image(registrydirtest.OCI, amd64, "layer")
	d := mustNew(t, []registrydir.Image{registrydirtest.As("x:1", image, nil)}, s)
	m, config := image.Manifest.Digest, image.Blobs[0].Digest
	repo := v2 + "repositories/library/x/"
	current := repo + "_manifests/tags/1/current/link"
	revision := repo + "_manifests/revisions/sha256/" + m.Hex + "/link"
	blob := v2 + "blobs/sha256/" + config.Hex[:2] + "/" + config.Hex + "/data"
	put := func(path, text string) func(fstest.MapFS) {
		return func(f fstest.MapFS) { f[path] = &fstest.MapFile{Data: []byte(text)} }
	}
	remove := func(path string) func(fstest.MapFS) { return func(f fstest.MapFS) { delete(f, path) } }
	tests := []struct {
		name, want string
		change     func(fstest.MapFS)
	}{
		{"newline", current + `: holds "` + m.String() + `\n", not a digest`, put(current, m.String()+"\n")},
		{"empty link", current + `: holds "", not a digest`, put(current, "")},
		{"long link", `, not a digest`, put(current, strings.Repeat("a", 1<<20))},
		{"dangling tag", current + ": leads to " + config.String() + ", which is not among the repository's revisions: save the images again", put(current, config.String())},
		{"no current", current + ": is missing: the tag means nothing, save the images again", remove(current)},
		{"no revision", current + ": leads to " + m.String() + ", which is not among", remove(revision)},
		{"other digest", revision + ": holds " + config.String() + ", which is not the digest of its path", put(revision, config.String())},
		{"no blob", blob + ": is missing, but " + repo + "_layers/sha256/" + config.Hex + "/link links it: save the images again", remove(blob)},
		{"empty blob", blob + ": is empty: remove it and save the images again", put(blob, "")},
		{"foreign file", v2 + "x: does not belong in a registry directory: remove it", put(v2+"x", "x")},
		{"foreign file among blobs", v2 + "blobs/x: does not belong", put(v2+"blobs/x", "x")},
		{"part of a blob", blob + ".part: does not belong", put(blob+".part", "x")},
		{"foreign file in a repository", repo + "x: does not belong", put(repo+"x", "x")},
		{"foreign part of a repository", repo + "_x: does not belong", put(repo+"_x/y", "x")},
		{"foreign part of the manifests", repo + "_manifests/x: does not belong", put(repo+"_manifests/x/y", "x")},
		{"foreign part of a tag", repo + "_manifests/tags/1/x: does not belong", put(repo+"_manifests/tags/1/x/y", "x")},
		{"repository name", v2 + `repositories/Library: "Library" is not a repository path`, put(v2+"repositories/Library/_layers/sha256/x", "x")},
		{"nameless repository", v2 + `repositories: "" is not a repository path`, put(v2+"repositories/_layers/sha256/x", "x")},
		{"tag name", repo + `_manifests/tags/-: "-" is not a tag`, put(repo+"_manifests/tags/-/current/link", m.String())},
		{"blob name", v2 + "blobs/sha256/ab/abc: is not the directory of a digest", put(v2+"blobs/sha256/ab/abc/data", "x")},
		{"wrong shard", v2 + "blobs/sha256/zz/" + m.Hex + ": is not the directory of a digest", put(v2+"blobs/sha256/zz/"+m.Hex+"/data", "x")},
		{"link to elsewhere", blob + ": is a symbolic link", func(f fstest.MapFS) {
			f[blob] = &fstest.MapFile{Data: []byte("/etc/passwd"), Mode: fs.ModeSymlink}
		}},
		{"linked directory", v2 + "repositories: is a symbolic link", func(f fstest.MapFS) {
			for path := range f {
				if strings.HasPrefix(path, v2+"repositories") {
					delete(f, path)
				}
			}
			f[v2+"repositories"] = &fstest.MapFile{Data: []byte("blobs"), Mode: fs.ModeSymlink}
		}},
		{"bottomless", "is deeper than a repository can be", put(v2+"repositories/"+strings.Repeat("a/", 300)+"_layers", "x")},
		{"device", blob + ": does not belong", func(f fstest.MapFS) { f[blob].Mode = fs.ModeNamedPipe }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			fsys := mapFS(t, d)
			tt.change(fsys)
			_, err := registrydir.ReadFS(fsys)
			var broken *registrydir.DefectsError
			if !errors.As(err, &broken) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v\nwant %s", err, tt.want)
			}
		})
	}
}

func TestReadListsEveryDefect(t *testing.T) {
	t.Parallel()
	s := registrydirtest.NewStore()
	fsys := mapFS(t, mustNew(t, sample(s), s))
	n := 0
	for path := range fsys {
		if strings.HasSuffix(path, "/current/link") {
			fsys[path] = &fstest.MapFile{Data: []byte("nonsense")}
			n++
		}
	}
	_, err := registrydir.ReadFS(fsys)
	var broken *registrydir.DefectsError
	if !errors.As(err, &broken) || len(broken.Defects) != n {
		t.Errorf("want %d defects, got %v", n, err)
	}
}

func TestReadIgnores(t *testing.T) {
	t.Parallel()
	s := registrydirtest.NewStore()
	d := mustNew(t, sample(s), s)
	fsys := mapFS(t, d)
	for _, path := range []string{
		"README.md",
		v2 + "repositories/library/nginx/_uploads/0c6a/data",
		v2 + "repositories/library/nginx/_uploads/0c6a/startedat",
		v2 + "repositories/only/uploads/_uploads/0c6a/data",
		v2 + "blobs/sha256/ab/ab" + strings.Repeat("0", 62) + "/data",
		v2 + ".cluster-image-partial/1",
	} {
		fsys[path] = &fstest.MapFile{Data: []byte("x")}
	}
	fsys[v2+"repositories/library/nginx/_layers/sha256/"+strings.Repeat("0", 64)] = &fstest.MapFile{Mode: fs.ModeDir | 0o755}
	fsys[v2+"repositories/empty"] = &fstest.MapFile{Mode: fs.ModeDir | 0o755}
	got, err := registrydir.ReadFS(fsys)
	if err != nil {
		t.Fatal(err)
	}
	diffFiles(t, contents(t, got), contents(t, d))
}

func TestReadNoRegistry(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, want string
		fsys       fstest.MapFS
	}{
		{"empty", "docker does not exist", fstest.MapFS{}},
		{"OCI layout", "docker does not exist", fstest.MapFS{"oci-layout": {}, "index.json": {}}},
		{"v1", "docker/registry/v2 does not exist", fstest.MapFS{"docker/registry/v1/x": {}}},
		{"file", "docker is not a directory", fstest.MapFS{"docker": {}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := registrydir.ReadFS(tt.fsys)
			if !errors.Is(err, registrydir.ErrNotRegistry) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
	if _, err := registrydir.Read(filepath.Join(t.TempDir(), "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	link := t.TempDir()
	if err := os.Symlink("/", filepath.Join(link, "docker")); err != nil {
		t.Fatal(err)
	}
	if _, err := registrydir.Read(link); err == nil || !strings.Contains(err.Error(), "docker is a symbolic link") {
		t.Error(err)
	}
}

func TestMerge(t *testing.T) {
	t.Parallel()
	s := registrydirtest.NewStore()
	a, b := s.Image(registrydirtest.OCI, amd64, "base", "a"), s.Image(registrydirtest.OCI, amd64, "base", "b")
	ours := []registrydir.Image{registrydirtest.As("x:1", a, nil), registrydirtest.As("y:1", b, nil)}
	theirs := []registrydir.Image{registrydirtest.As("x:1", a, nil), registrydirtest.As("x:2", b, nil), registrydirtest.As("quay.io/z/z:1", a, nil)}
	d := mustNew(t, ours, s)
	other, err := registrydir.ReadFS(mapFS(t, mustNew(t, theirs, s)))
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Merge(other); err != nil {
		t.Fatal(err)
	}
	want := contents(t, mustNew(t, append(ours, theirs...), s))
	diffFiles(t, contents(t, d), want)
	if err := d.Verify(t.Context(), amd64); err != nil {
		t.Error(err)
	}

	clash := mustNew(t, []registrydir.Image{registrydirtest.As("ghcr.io/library/x:1", b, nil), registrydirtest.As("y:1", a, nil)}, s)
	err = d.Merge(clash)
	var conflict *registrydir.ConflictError
	if !errors.As(err, &conflict) || len(conflict.Conflicts) != 2 || conflict.Conflicts[0].Second != "ghcr.io/library/x:1" {
		t.Errorf("got %v", err)
	}
	diffFiles(t, contents(t, d), want)
}

func FuzzRead(f *testing.F) {
	s := registrydirtest.NewStore()
	image := s.Image(registrydirtest.OCI, amd64, "layer")
	d := mustNew(f, []registrydir.Image{registrydirtest.As("x:1", image, nil)}, s)
	base := mapFS(f, d)
	f.Add(v2+"repositories/library/x/_manifests/tags/1/current/link", []byte(image.Manifest.Digest.String()))
	f.Add(v2+"repositories/library/x/_manifests/tags/2/current/link", []byte("sha512:00"))
	f.Add(v2+"repositories/a/b/_layers/sha256/00/link", []byte{})
	f.Add(v2+"blobs/sha512/aa/aa/data", []byte("x"))
	f.Fuzz(func(t *testing.T, path string, text []byte) {
		if !fs.ValidPath(path) {
			return
		}
		fsys := fstest.MapFS{}
		for p, file := range base {
			if strings.HasPrefix(p, path+"/") || strings.HasPrefix(path, p+"/") {
				return // one name cannot be a file and a directory
			}
			fsys[p] = file
		}
		fsys[path] = &fstest.MapFile{Data: text}
		got, err := registrydir.ReadFS(fsys)
		if err != nil {
			return
		}
		// What is read without an error is a directory that is read again as the same.
		files := contents(t, got)
		again, err := registrydir.ReadFS(mapFS(t, got))
		if err != nil {
			t.Fatal(err)
		}
		diffFiles(t, contents(t, again), files)
		_ = got.Verify(t.Context(), amd64)
		_, _ = got.List()
	})
}

func FuzzManifest(f *testing.F) {
	s := registrydirtest.NewStore()
	image := s.Image(registrydirtest.OCI, amd64, "layer")
	index := s.Index(registrydirtest.Docker, image)
	for _, d := range append(image.Blobs, image.Manifest, *index) {
		b, _ := s.Get(d.Digest)
		f.Add(b)
	}
	f.Add([]byte(`{"schemaVersion":1,"fsLayers":[]}`))
	f.Add([]byte(`{"mediaType":"application/vnd.oci.image.index.v1+json","manifests":null}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		s := registrydirtest.NewStore()
		desc := s.Put("", text)
		d := mustNew(t, []registrydir.Image{registrydirtest.As("x:1", registrydir.Image{Manifest: desc}, nil)}, s)
		_ = d.Verify(t.Context(), amd64)
		_, _ = d.List()
		registrydir.Handler(d).ServeHTTP(discard{}, request(t, "GET", "/v2/library/x/manifests/1"))
	})
}
