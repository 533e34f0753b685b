package recipe_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"debug/elf"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"

	"github.com/labring-actions/cluster-image/internal/recipe"
)

// linked is an archive with a program for arm64, links to it, and a directory.
func linked(t *testing.T) []byte {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, h := range []tar.Header{
		{Name: "./p-1/bin/real", Mode: 0o644},
		{Name: "./p-1/bin/soft", Typeflag: tar.TypeSymlink, Linkname: "real"},
		{Name: "./p-1/bin/hard", Typeflag: tar.TypeLink, Linkname: "./p-1/bin/real"},
		{Name: "./p-1/bin/far", Typeflag: tar.TypeSymlink, Linkname: "../sbin/further"},
		{Name: "./p-1/sbin/further", Typeflag: tar.TypeSymlink, Linkname: "../bin/hard"},
		{Name: "./p-1/bin/out", Typeflag: tar.TypeSymlink, Linkname: "../../x"},
		{Name: "./p-1/bin/round", Typeflag: tar.TypeSymlink, Linkname: "round"},
		{Name: "./p-1/bin/gone", Typeflag: tar.TypeSymlink, Linkname: "nothing"},
		{Name: "./p-1/deploy/a.yaml", Mode: 0o644},
		{Name: "./p-1/deploy/b.yaml", Mode: 0o644},
		{Name: "./p-1/current", Typeflag: tar.TypeSymlink, Linkname: "deploy"},
	} {
		content := []byte("kind: X\n")
		if strings.HasSuffix(h.Name, "real") {
			content = program(elf.EM_AARCH64)
		}
		if h.Typeflag == 0 {
			h.Size = int64(len(content))
		}
		err := w.WriteHeader(&h)
		if h.Typeflag == 0 {
			_, werr := w.Write(content)
			err = errors.Join(err, werr)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestLinksInArchives holds that a link which the recipe names gives what it leads to, and that an entry goes wherever a pick wants it.
func TestLinksInArchives(t *testing.T) {
	t.Parallel()
	u := newUpstream(t)
	u.serve("/p-arm64.tar", linked(t))
	for text, want := range map[string]string{
		`{binary: "SERVER/p-{arch}.tar", extract: p-1/bin/real, to: opt/p}`:                                                   "opt/p*",
		`{binary: "SERVER/p-{arch}.tar", extract: p-1/bin/soft, to: opt/p}`:                                                   "opt/p*",
		`{binary: "SERVER/p-{arch}.tar", extract: p-1/bin/hard, to: opt/p}`:                                                   "opt/p*",
		`{binary: "SERVER/p-{arch}.tar", extract: p-1/bin/far, to: opt/p}`:                                                    "opt/p*",
		`{binary: "SERVER/p-{arch}.tar", extract: {p-1/bin/hard: opt/a, p-1/bin/real: opt/b, p-1/bin/soft: opt/c}}`:           "opt/a* opt/b* opt/c*",
		`{archive: "SERVER/p-{arch}.tar", strip: 1, pick: {current: manifests}}`:                                              "manifests/a.yaml manifests/b.yaml",
		`{archive: "SERVER/p-{arch}.tar", strip: 1, pick: {deploy: manifests/all, deploy/a.yaml: manifests/a.yaml}}`:          "manifests/a.yaml manifests/all/a.yaml manifests/all/b.yaml",
		`{archive: "SERVER/p-{arch}.tar", strip: 1, pick: {deploy/a.yaml: manifests/a.yaml, "deploy/*.yaml": manifests/all}}`: "manifests/a.yaml manifests/all/a.yaml manifests/all/b.yaml",
		`{archive: "SERVER/p-{arch}.tar", strip: 1, pick: {bin/out: etc/x}}`:                                                  "!the link p-1/bin/out leads out of it, to ../../x",
		`{archive: "SERVER/p-{arch}.tar", strip: 1, pick: {bin/round: etc/x}}`:                                                "!the links from bin/round lead nowhere",
		`{archive: "SERVER/p-{arch}.tar", strip: 1, pick: {bin/gone: etc/x}}`:                                                 "!has no bin/nothing",
		`{archive: "SERVER/p-{arch}.tar", strip: 7, pick: {bin/gone: etc/x}}`:                                                 "!has nothing that is left once 7 directories are stripped",
	} {
		dest, err := carry(t, u.declare(t, "1.2.3", "sources:\n  - "+text+"\n"+apply, nil), "linux/arm64", recipe.Options{})
		if message, wrong := strings.CutPrefix(want, "!"); wrong {
			if err == nil || !strings.Contains(err.Error(), message) {
				t.Errorf("%s: error %v, want %q in it", text, err, message)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := tree(t, dest); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

// TestPrograms holds that a program which is packed by itself is unpacked by what it is, whatever its address says, and that an archive is none.
func TestPrograms(t *testing.T) {
	t.Parallel()
	u := newUpstream(t)
	arm := program(elf.EM_AARCH64)
	var byXZ, byZstd bytes.Buffer
	x, err := xz.NewWriter(&byXZ)
	if err != nil {
		t.Fatal(err)
	}
	_, err = x.Write(arm)
	z, zerr := zstd.NewWriter(&byZstd)
	if err := errors.Join(err, x.Close(), zerr); err != nil {
		t.Fatal(err)
	}
	_, err = z.Write(arm)
	if err := errors.Join(err, z.Close()); err != nil {
		t.Fatal(err)
	}
	u.serve("/arm64.gz", gzipped(t, arm))
	u.serve("/arm64.xz", byXZ.Bytes())
	u.serve("/arm64.zst", byZstd.Bytes())
	u.serve("/arm64", arm)
	for _, address := range []string{"{arch}", "{arch}.gz", "{arch}.gz?raw=true", "{arch}.xz", "{arch}.zst"} {
		dest, err := carry(t, u.declare(t, "1.2.3", "sources:\n  - binary: SERVER/"+address+"\n"+apply, nil), "linux/arm64", recipe.Options{})
		if err != nil {
			t.Errorf("%s: %v", address, err)
			continue
		}
		if got := tree(t, dest); got != "opt/arm64*" || read(t, filepath.Join(dest, "opt/arm64")) != string(arm) {
			t.Errorf("%s: %s", address, got)
		}
	}
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, err = w.Write(linked(t))
	if err := errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	u.serve("/arm64.tgz", packed.Bytes())
	_, err = carry(t, u.declare(t, "1.2.3", "sources:\n  - {binary: \"SERVER/{arch}.tgz\", to: opt/p}\n"+apply, nil), "linux/arm64", recipe.Options{})
	if want := "/arm64.tgz: cannot be unpacked: it is an archive: say with extract which of its files is the program"; err == nil || !strings.HasSuffix(err.Error(), want) {
		t.Errorf("error %v, want %s", err, want)
	}
}
