package assemble_test

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"github.com/labring-actions/cluster-image/internal/assemble"
)

const reference = "docker.io/labring/simple:1.0"

// forms are the ways to write an image, with how many platforms each takes.
var forms = map[string]struct {
	platforms []string
	write     func(t *testing.T, path string, x assemble.Index) error
}{
	"archive": {[]string{amd64, arm64}, func(t *testing.T, p string, x assemble.Index) error {
		return assemble.WriteArchive(t.Context(), p, x, reference)
	}},
	"archive of one": {[]string{arm64}, func(t *testing.T, p string, x assemble.Index) error {
		return assemble.WriteArchive(t.Context(), p, x, reference)
	}},
	"layout": {[]string{amd64, arm64}, func(t *testing.T, p string, x assemble.Index) error {
		return assemble.WriteLayout(t.Context(), p, x, reference)
	}},
	"layout of one": {[]string{arm64}, func(t *testing.T, p string, x assemble.Index) error {
		return assemble.WriteLayout(t.Context(), p, x, reference)
	}},
	"docker-archive": {[]string{arm64}, func(t *testing.T, p string, x assemble.Index) error {
		return assemble.WriteDockerArchive(t.Context(), p, x, reference)
	}},
}

func TestWriteAndOpen(t *testing.T) {
	t.Parallel()
	for name, form := range forms {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := index(t, simple.write(t, t.TempDir()), someRegistry(), form.platforms...)
			out := filepath.Join(t.TempDir(), "sub", "out")
			must(t, form.write(t, out, x))
			got, err := assemble.Open(out)
			must(t, err)
			if got.Name != reference || len(got.Images) != len(x.Images) {
				t.Errorf("name %q, %d images", got.Name, len(got.Images))
			}
			for i, img := range got.Images {
				want := x.Images[i]
				if !img.Platform.Equals(want.Platform) || img.Config.Digest != want.Config.Digest || len(img.Layers) != len(want.Layers) {
					t.Fatalf("image %d: %+v", i, img)
				}
				for n, l := range img.Layers {
					if l.Desc.Digest != want.Layers[n].Desc.Digest || l.Desc.MediaType != want.Layers[n].Desc.MediaType || l.DiffID != want.Layers[n].DiffID {
						t.Errorf("layer %d: %+v", n, l)
					}
				}
				if listing(unpack(t, img)) != listing(unpack(t, want)) {
					t.Error("the content differs")
				}
			}
			// A docker archive has no place for annotations, and an archive of one platform none for those of its index.
			if len(form.platforms) == 2 && got.Digest != x.Digest {
				t.Errorf("digest %s, want %s", got.Digest, x.Digest)
			}
		})
	}
}

func TestArchiveOfOneKeepsTheIndexDigest(t *testing.T) {
	t.Parallel()
	in := input(t, simple.write(t, t.TempDir()), arm64, nil)
	in.Annotations = map[string]string{"org.opencontainers.image.title": "simple"}
	x, err := assemble.NewIndex([]assemble.Image{image(t, in)}, in.Annotations)
	must(t, err)
	out := filepath.Join(t.TempDir(), "x.tar")
	must(t, assemble.WriteArchive(t.Context(), out, x, ""))
	if got, err := assemble.Open(out); err != nil || got.Digest != x.Digest {
		t.Errorf("got %v, %v", got.Digest, err)
	}
}

func TestOutputIsLeftAlone(t *testing.T) {
	t.Parallel()
	for name, form := range forms {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := simple.write(t, t.TempDir())
			x := index(t, dir, someRegistry(), form.platforms...)
			out := filepath.Join(t.TempDir(), "out")
			must(t, form.write(t, out, x))
			before := snapshot(t, out)
			for _, img := range x.Images {
				for i := range img.Layers {
					img.Layers[i].Open = func() (io.ReadCloser, error) { t.Error("a layer was read"); return nil, fs.ErrNotExist }
				}
			}
			must(t, form.write(t, out, x))
			if after := snapshot(t, out); after != before {
				t.Errorf("written again:\n%s\n%s", before, after)
			}
			files{"start.sh": "#!/bin/sh\nother\n"}.write(t, dir)
			must(t, form.write(t, out, index(t, dir, someRegistry(), form.platforms...)))
			if after := snapshot(t, out); after == before {
				t.Error("other content was not written")
			}
			if got, err := assemble.Open(out); err != nil || len(unpack(t, got.Images[0])) == 0 {
				t.Error(err)
			}
		})
	}
}

// snapshot lists the files with length, time and inode-like identity.
func snapshot(t *testing.T, path string) string {
	t.Helper()
	var b strings.Builder
	must(t, filepath.WalkDir(path, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		fmt.Fprintln(&b, p, info.Size(), info.ModTime().UnixNano(), info.Mode())
		return err
	}))
	return b.String()
}

func TestLayoutIsCleared(t *testing.T) {
	t.Parallel()
	dir := simple.write(t, t.TempDir())
	out := filepath.Join(t.TempDir(), "out")
	must(t, assemble.WriteLayout(t.Context(), out, index(t, dir, someRegistry(), amd64, arm64), reference))
	x := index(t, dir, nil, amd64)
	must(t, assemble.WriteLayout(t.Context(), out, x, reference))
	names, err := os.ReadDir(filepath.Join(out, "blobs", "sha256"))
	if must(t, err); len(names) != 3 {
		t.Errorf("%d blobs are left, and 3 are named", len(names))
	}
	other := files{"precious.txt": ""}.write(t, t.TempDir())
	if err := assemble.WriteLayout(t.Context(), other, x, ""); err == nil || !strings.Contains(err.Error(), "precious.txt") {
		t.Errorf("a directory of somebody else was taken: %v", err)
	}
}

func TestArchiveForm(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	two, one := filepath.Join(dir, "two.tar"), filepath.Join(dir, "one.tar")
	ctx := simple.write(t, t.TempDir())
	x := index(t, ctx, someRegistry(), amd64, arm64)
	must(t, assemble.WriteArchive(t.Context(), two, x, reference))
	must(t, assemble.WriteArchive(t.Context(), one, index(t, ctx, nil, arm64), reference))
	for path, wantType := range map[string]string{two: "application/vnd.oci.image.index.v1+json", one: "application/vnd.oci.image.manifest.v1+json"} {
		f, err := os.Open(path)
		must(t, err)
		defer f.Close()
		r := tar.NewReader(f)
		h, err := r.Next()
		must(t, err)
		var m v1.IndexManifest
		must(t, json.NewDecoder(r).Decode(&m))
		if h.Name != "index.json" || len(m.Manifests) != 1 || string(m.Manifests[0].MediaType) != wantType {
			t.Errorf("%s: first file %s: %+v", path, h.Name, m)
		}
		for _, key := range []string{"io.containerd.image.name", "org.opencontainers.image.ref.name"} {
			if m.Manifests[0].Annotations[key] != reference {
				t.Errorf("%s: annotations %v", path, m.Manifests[0].Annotations)
			}
		}
	}
	if err := assemble.WriteDockerArchive(t.Context(), filepath.Join(dir, "d.tar"), x, ""); err == nil || !strings.Contains(err.Error(), "choose one with --platform") {
		t.Errorf("two platforms in one docker archive: %v", err)
	}
}

func TestGoContainerRegistryReads(t *testing.T) {
	t.Parallel()
	ctx := simple.write(t, t.TempDir())
	out := filepath.Join(t.TempDir(), "out")
	must(t, assemble.WriteLayout(t.Context(), out, index(t, ctx, someRegistry(), amd64, arm64), reference))
	x, err := layout.ImageIndexFromPath(out)
	must(t, err)
	must(t, validate.Index(x))
	docker := filepath.Join(t.TempDir(), "d.tar")
	must(t, assemble.WriteDockerArchive(t.Context(), docker, index(t, ctx, someRegistry(), amd64), reference))
	img, err := tarball.ImageFromPath(docker, nil)
	must(t, err)
	must(t, validate.Image(img))
}

func TestUnwritableOutput(t *testing.T) {
	t.Parallel()
	x := index(t, simple.write(t, t.TempDir()), nil, amd64)
	dir := files{"file": ""}.write(t, t.TempDir())
	out := filepath.Join(dir, "file", "x.tar")
	if err := assemble.WriteArchive(t.Context(), out, x, ""); err == nil || !strings.Contains(err.Error(), out) {
		t.Errorf("got %v", err)
	}
}

// writeTar makes an archive of files in the order of the names.
func writeTar(t testing.TB, path string, all map[string]string) {
	t.Helper()
	f, err := os.Create(path)
	must(t, err)
	defer f.Close()
	w := tar.NewWriter(f)
	for _, name := range sortedKeys(all) {
		h := &tar.Header{Name: name, Size: int64(len(all[name])), Mode: 0o644, Typeflag: tar.TypeReg}
		if to, ok := strings.CutPrefix(all[name], "-> "); ok {
			h = &tar.Header{Name: name, Linkname: to, Typeflag: tar.TypeSymlink}
		}
		must(t, w.WriteHeader(h))
		if h.Typeflag == tar.TypeReg {
			_, err := io.WriteString(w, all[name])
			must(t, err)
		}
	}
	must(t, w.Close())
}

func sortedKeys(m map[string]string) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	return sorted(keys)
}

const manifestType = "application/vnd.oci.image.manifest.v1+json"

// entrance is an index.json with one descriptor.
func entrance(mt, content string) string {
	return fmt.Sprintf(`{"schemaVersion":2,"manifests":[{"mediaType":%q,"digest":%q,"size":%d}]}`, mt, digest([]byte(content)), len(content))
}

func blobAt(content string) string { return "blobs/sha256/" + digest([]byte(content)).Hex }

// TestOldDockerSave reads the form of docker save before version 25: directories, and links for layers that repeat.
func TestOldDockerSave(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	must(t, w.WriteHeader(&tar.Header{Name: "a", Mode: 0o644, Typeflag: tar.TypeReg}))
	must(t, w.Close())
	layer := b.String()
	conf := fmt.Sprintf(`{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[%q,%q]}}`, digest([]byte(layer)), digest([]byte(layer)))
	file := filepath.Join(t.TempDir(), "x.tar")
	writeTar(t, file, map[string]string{
		"manifest.json": `[{"Config":"c.json","RepoTags":["nginx:1"],"Layers":["x/layer.tar","y/layer.tar"]}]`,
		"c.json":        conf, "x/layer.tar": layer, "y/layer.tar": "-> ../x/layer.tar", "repositories": "{}",
	})
	x, err := assemble.Open(file)
	must(t, err)
	l := x.Images[0].Layers
	if x.Name != "nginx:1" || len(l) != 2 || l[1].Desc.Digest != digest([]byte(layer)) || l[1].DiffID != l[1].Desc.Digest || l[0].Desc.MediaType != "application/vnd.oci.image.layer.v1.tar" {
		t.Errorf("%+v", x)
	}
	r, err := l[1].Open()
	must(t, err)
	defer r.Close()
	if got, err := io.ReadAll(r); err != nil || string(got) != layer {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

func TestHostileArchives(t *testing.T) {
	t.Parallel()
	conf := `{"architecture":"amd64","os":"linux"}`
	manifest := fmt.Sprintf(`{"config":{"digest":%q,"size":%d},"layers":[{"digest":%q,"size":5}]}`, digest([]byte(conf)), len(conf), digest([]byte("layer")))
	big := fmt.Sprintf(`{"config":{"digest":%q,"size":%d},"layers":[%s{}]}`, digest([]byte(conf)), len(conf), strings.Repeat(`{},`, 2000))
	self := `{"manifests":[{"mediaType":"application/vnd.oci.image.index.v1+json","digest":"` + digest([]byte("x")).String() + `","size":1}]}`
	cases := map[string]struct {
		all  map[string]string
		want string
	}{
		"nothing":       {map[string]string{"a": ""}, "open FILE: it has neither index.json nor manifest.json: it is no image archive and no OCI layout"},
		"no json":       {map[string]string{"index.json": "x"}, "open FILE: read index.json: invalid character 'x' looking for beginning of value"},
		"empty index":   {map[string]string{"index.json": "{}"}, "names 0 images, and one is needed"},
		"slip":          {map[string]string{"index.json": `{"manifests":[{"mediaType":"` + manifestType + `","digest":"sha256:../../../../etc/passwd","size":1}]}`}, "non-hex character in hash"},
		"missing":       {map[string]string{"index.json": entrance(manifestType, manifest)}, "is missing: the archive is not complete"},
		"wrong bytes":   {map[string]string{"index.json": entrance(manifestType, manifest), blobAt(manifest): strings.Repeat("x", len(manifest))}, "content is corrupt"},
		"wrong size":    {map[string]string{"index.json": entrance(manifestType, manifest), blobAt(manifest): manifest + " "}, "content is corrupt"},
		"no layer":      {map[string]string{"index.json": entrance(manifestType, manifest), blobAt(manifest): manifest, blobAt(conf): conf}, "is missing: the archive is not complete"},
		"short layer":   {map[string]string{"index.json": entrance(manifestType, manifest), blobAt(manifest): manifest, blobAt(conf): conf, blobAt("layer"): "lay"}, "has 3 bytes instead of 5"},
		"many layers":   {map[string]string{"index.json": entrance(manifestType, big), blobAt(big): big, blobAt(conf): conf}, "names 2001 layers, and 1024 are the most"},
		"nested":        {map[string]string{"index.json": entrance("application/vnd.oci.image.index.v1+json", self), blobAt(self): self, blobAt("x"): "x"}, "no image manifest"},
		"huge document": {map[string]string{"index.json": strings.Repeat(" ", 5<<20)}, "bytes are more than 4194304"},
		"docker two":    {map[string]string{"manifest.json": `[{},{}]`}, "names 2 images"},
		"docker slip":   {map[string]string{"manifest.json": `[{"Config":"../../etc/passwd","Layers":[]}]`}, "etc/passwd is missing"},
		"docker loop":   {map[string]string{"manifest.json": `[{"Config":"c","Layers":["l"]}]`, "c": conf, "l": "-> m", "m": "-> l"}, "file does not exist"},
		"docker config": {map[string]string{"manifest.json": `[{"Config":"c"}]`, "c": "{}"}, "names no platform"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "x.tar")
			writeTar(t, file, c.all)
			_, err := assemble.Open(file)
			if err == nil || !strings.Contains(strings.ReplaceAll(err.Error(), file, "FILE"), c.want) {
				t.Errorf("got %v\nwant %s", err, c.want)
			}
		})
	}
}

func TestOpenOtherThings(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	files{"short": "x", "gz": gzipTar, "empty/": "", "text": strings.Repeat("text ", 300)}.write(t, dir)
	for name, want := range map[string]string{
		"nothing": "no such file", "short": "it is no archive", "gz": "it is compressed: unpack it with gunzip first", "empty": "it has neither", "text": "it is no tar archive, or not a whole one: archive/tar: invalid tar header",
	} {
		if runtime.GOOS == "windows" {
			continue
		}
		if _, err := assemble.Open(filepath.Join(dir, name)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestLayoutLinksStayInside(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	files{"secret.json": `{"manifests":[]}`, "x/oci-layout": "{}", "x/index.json": "-> ../secret.json"}.write(t, dir)
	if _, err := assemble.Open(filepath.Join(dir, "x")); err == nil || !strings.Contains(err.Error(), "it has neither") {
		t.Errorf("a file outside the layout was read: %v", err)
	}
}

func TestCutOffArchive(t *testing.T) {
	t.Parallel()
	out := filepath.Join(t.TempDir(), "x.tar")
	must(t, assemble.WriteArchive(t.Context(), out, index(t, simple.write(t, t.TempDir()), someRegistry(), amd64), ""))
	b, err := os.ReadFile(out)
	must(t, err)
	for _, n := range []int{len(b) / 2, len(b) - 5000, 700} {
		must(t, os.WriteFile(out, b[:n], 0o644))
		if _, err := assemble.Open(out); err == nil {
			t.Errorf("%d of %d bytes were taken", n, len(b))
		}
	}
	flipped := bytes.Clone(b)
	flipped[len(b)/4] ^= 1
	must(t, os.WriteFile(out, flipped, 0o644))
	x, err := assemble.Open(out)
	must(t, err)
	bad := 0
	for _, l := range x.Images[0].Layers {
		r, err := l.Open()
		must(t, err)
		if _, err := io.Copy(io.Discard, r); err != nil {
			bad++
		}
		must(t, r.Close())
	}
	if bad != 1 {
		t.Errorf("%d layers were reported for one flipped bit", bad)
	}
}

func FuzzOpen(f *testing.F) {
	dir := f.TempDir()
	seed := func(all map[string]string) {
		name := filepath.Join(dir, "seed.tar")
		writeTar(f, name, all)
		b, err := os.ReadFile(name)
		must(f, err)
		f.Add(b)
	}
	conf := `{"architecture":"amd64","os":"linux","rootfs":{"diff_ids":[]}}`
	m := fmt.Sprintf(`{"config":{"digest":%q,"size":%d},"layers":[]}`, digest([]byte(conf)), len(conf))
	seed(map[string]string{"index.json": entrance(manifestType, m), blobAt(m): m, blobAt(conf): conf})
	seed(map[string]string{"manifest.json": `[{"Config":"c","Layers":["l/layer.tar"],"RepoTags":["a:b"]}]`, "c": conf, "l/layer.tar": "-> ../k", "k": "x"})
	f.Fuzz(func(t *testing.T, b []byte) {
		name := filepath.Join(t.TempDir(), "x.tar")
		must(t, os.WriteFile(name, b, 0o644))
		x, err := assemble.Open(name)
		if err != nil {
			return
		}
		for _, img := range x.Images {
			for _, l := range img.Layers {
				if r, err := l.Open(); err == nil {
					_, _ = io.Copy(io.Discard, r)
					_ = r.Close()
				}
			}
		}
	})
}
