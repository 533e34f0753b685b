package main

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// disk writes a made-up result of a tool.
type disk struct {
	t     *testing.T
	place func(hex string) string
	want  content
}

func (d *disk) blob(b []byte, counts bool) v1.Hash {
	d.t.Helper()
	h := v1.Hash{Algorithm: "sha256", Hex: fmt.Sprintf("%x", sha256.Sum256(b))}
	d.file(d.place(h.Hex), b)
	if counts {
		d.want[h.String()] = int64(len(b))
	}
	return h
}

func (d *disk) file(path string, b []byte) {
	d.t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		d.t.Fatal(err)
	}
	if err := os.WriteFile(path, b, 0o644); err != nil {
		d.t.Fatal(err)
	}
}

func (d *disk) json(v any, counts bool) v1.Hash {
	b, _ := json.Marshal(v)
	return d.blob(b, counts)
}

func (d *disk) manifest(layer string) v1.Hash {
	return d.json(v1.Manifest{Config: v1.Descriptor{Digest: d.blob([]byte("{}"), true)}, Layers: []v1.Descriptor{{Digest: d.blob([]byte(layer), true)}}}, true)
}

var one = []imageSpec{{repository: "a/b", tag: "v1", layers: map[string][]layerSpec{"amd64": {}, "arm64": {}}}}

func layout(t *testing.T) (string, *disk) {
	dir := t.TempDir()
	d := &disk{t, func(hex string) string { return filepath.Join(dir, "blobs/sha256", hex) }, content{}}
	children := v1.IndexManifest{Manifests: []v1.Descriptor{{Digest: d.manifest("x")}, {Digest: d.manifest("y")}}}
	top, _ := json.Marshal(v1.IndexManifest{Manifests: []v1.Descriptor{{Digest: d.json(children, false)}}})
	d.file(filepath.Join(dir, "index.json"), top)
	return dir, d
}

func registryDirs(t *testing.T) (string, *disk) {
	dir := t.TempDir()
	d := &disk{t: t, want: content{}}
	for _, arch := range platforms() {
		root := filepath.Join(dir, "linux-"+arch, registryRoot)
		d.place = func(hex string) string { return filepath.Join(root, "blobs/sha256", hex[:2], hex, "data") }
		m := d.manifest(arch)
		d.file(filepath.Join(root, "repositories/a/b/_manifests/tags/v1/current/link"), []byte(m.String()))
	}
	return dir, d
}

func TestReadSaved(t *testing.T) {
	t.Parallel()
	for name, make := range map[string]func(*testing.T) (string, *disk){"layout": layout, "registry directories": registryDirs} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, d := make(t)
			d.blob([]byte("nobody names this"), false)
			got, err := readSaved(dir, one)
			if err != nil {
				t.Fatal(err)
			}
			if err := d.want.differs(got); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestReadSavedFindsDamage(t *testing.T) {
	t.Parallel()
	for name, make := range map[string]func(*testing.T) (string, *disk){"layout": layout, "registry directories": registryDirs} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, d := make(t)
			victim := d.place(fmt.Sprintf("%x", sha256.Sum256([]byte("{}"))))
			d.file(victim, []byte("[]"))
			if _, err := readSaved(dir, one); err == nil || !strings.Contains(err.Error(), "has the bytes of") {
				t.Errorf("flipped bytes: %v", err)
			}
			if err := os.Remove(victim); err != nil {
				t.Fatal(err)
			}
			if _, err := readSaved(dir, one); err == nil {
				t.Error("a missing blob was not missed")
			}
		})
	}
	if _, err := readSaved(t.TempDir(), one); err == nil {
		t.Error("nothing was taken for something")
	}
}

func TestContentDiffers(t *testing.T) {
	t.Parallel()
	a, b := content{"x": 1, "y": 2}, content{"y": 2, "z": 4}
	if err := a.differs(b); err == nil || err.Error() != "another content: 1 missing (x), 1 too many (z)" {
		t.Error(err)
	}
	if err := a.lacks(content{"x": 1, "y": 2, "z": 4}); err != nil {
		t.Error(err)
	}
	if err := a.lacks(b); err == nil {
		t.Error("x is not missed")
	}
	if err := a.differs(content{"x": 1, "y": 2}); err != nil {
		t.Error(err)
	}
}

func TestBlobOf(t *testing.T) {
	t.Parallel()
	hex := strings.Repeat("a", 64)
	for name, want := range map[string]string{
		"registry/" + registryRoot + "/blobs/sha256/aa/" + hex + "/data":   "sha256:" + hex,
		"./registry/" + registryRoot + "/blobs/sha256/aa/" + hex + "/data": "sha256:" + hex,
		"registry/" + registryRoot + "/blobs/sha256/aa/" + hex:             "",
		"opt/data": "",
	} {
		if got, ok := blobOf(name); got != want || ok != (want != "") {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestRetireLeavesEmptyFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "a/b")
	(&disk{t: t}).file(path, make([]byte, 100_000))
	if err := os.Chmod(path, 0o444); err != nil {
		t.Fatal(err)
	}
	retire(dir)
	if info, err := os.Stat(path); err != nil || info.Size() != 0 {
		t.Errorf("%v, %v", info, err)
	}
	if n := diskUsage(dir); n != 0 {
		t.Errorf("%d bytes of disk", n)
	}
}
