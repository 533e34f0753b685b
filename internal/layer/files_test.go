package layer_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/labring-actions/cluster-image/internal/layer"
)

func file(path, content string) layer.Entry {
	return layer.Entry{Path: path, Mode: 0o644, Size: int64(len(content)), Open: func() (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader(content)), nil
	}}
}

// sample has what headers differ by: long, longer and non-ASCII names, links, directories, executables, times.
func sample() []layer.Entry {
	long := "repositories/" + strings.Repeat("team/", 20) + "app/_manifests/tags/" + strings.Repeat("v", 120) + "/current/link"
	script := file("opt/run.sh", "#!/bin/sh\n")
	script.Mode, script.ModTime = 0o755, 1700000000
	return []layer.Entry{
		script,
		file("registry/link", "sha256:0000"),
		file("registry/blobs/sha256/"+strings.Repeat("0", 64)+"/"+strings.Repeat("1", 40)+"/data", "x"),
		file(long, "long"),
		file("manifests/größe.yaml", "kind: Pod\n"),
		file("a-b", ""),
		file("a/b", string(pattern(100_000))),
		{Path: "a", Mode: fs.ModeDir | 0o755},
		{Path: "bin/tool", Mode: fs.ModeSymlink | 0o777, Link: "../opt/run.sh"},
		{Path: "bin/far", Mode: fs.ModeSymlink | 0o777, Link: strings.Repeat("../opt/", 30) + "run.sh"},
	}
}

func TestFilesGolden(t *testing.T) {
	t.Parallel()
	stored, err := layer.StoredFacts(t.Context(), sample())
	if err != nil {
		t.Fatal(err)
	}
	if got := stored.Digest.Hex; got != "8827e7af5e9b0691df72971dc7ffcf30b117d7e9bb21cc439ded310879e43e18" {
		t.Errorf("stored layer changed: %s", got)
	}
	packed, err := layer.WriteCompressed(t.Context(), io.Discard, sample())
	if err != nil {
		t.Fatal(err)
	}
	if tar, err := layer.DiffID(t.Context(), sample()); err != nil || tar != stored.DiffID {
		t.Errorf("tar %s, %v", tar, err)
	}
	if packed.DiffID != stored.DiffID {
		t.Errorf("the same files make two tars: %s, %s", packed.DiffID, stored.DiffID)
	}
	// Changes with the version of klauspost/compress that go.mod pins, and then every image changes once.
	if got := packed.Digest.Hex; got != "35bf0757528a1d0f395a6fef7a19e3bfe96c8da3cb939f83a7f773141f5f6ea5" {
		t.Errorf("compressed layer changed: %s", got)
	}
}

func TestCompressionIsThatOfGoMod(t *testing.T) {
	t.Parallel()
	mod, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	name, _, _ := strings.Cut(layer.Compression, " level ")
	if !strings.Contains(string(mod), "\t"+name+"\n") {
		t.Errorf("go.mod does not require %s: remembered layers would be wrong", name)
	}
}

func TestFilesReadBack(t *testing.T) {
	t.Parallel()
	r, err := layer.NewStored(sample())
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	z, err := gzip.NewReader(r)
	if err != nil {
		t.Fatal(err)
	}
	tr := tar.NewReader(z)
	var names []string
	for {
		h, err := tr.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, strings.TrimSuffix(h.Name, "/"))
		i := slices.IndexFunc(sample(), func(e layer.Entry) bool { return e.Path == strings.TrimSuffix(h.Name, "/") })
		if i < 0 {
			t.Fatalf("%s came from nowhere", h.Name)
		}
		e := sample()[i]
		if h.FileInfo().Mode() != e.Mode || h.Linkname != e.Link || h.Size != e.Size || h.ModTime.Unix() != e.ModTime || h.Uid != 0 {
			t.Errorf("%s: header %+v, entry %+v", h.Name, h, e)
		}
	}
	if len(names) != len(sample()) || names[0] != "a" || names[1] != "a/b" || names[2] != "a-b" {
		t.Errorf("entries %q", names)
	}
}

func TestFilesDoNotDependOnReads(t *testing.T) {
	t.Parallel()
	var want bytes.Buffer
	if _, err := layer.WriteCompressed(t.Context(), &want, sample()); err != nil {
		t.Fatal(err)
	}
	slow := sample()
	slices.Reverse(slow)
	for i, e := range slow {
		if e.Open == nil {
			continue
		}
		slow[i].Open = func() (io.ReadCloser, error) {
			r, err := e.Open()
			return io.NopCloser(iotest.OneByteReader(r)), err
		}
	}
	var got bytes.Buffer
	if _, err := layer.WriteCompressed(t.Context(), &got, slow); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Bytes(), want.Bytes()) {
		t.Error("the order of entries or the size of reads shows in the layer")
	}
}

func TestBadEntries(t *testing.T) {
	t.Parallel()
	cases := map[string][]layer.Entry{
		"absolute":   {file("/etc/passwd", "")},
		"climbing":   {file("../x", "")},
		"root":       {{Path: ".", Mode: fs.ModeDir}},
		"latin1":     {file("gr\xf6\xdfe", "")},
		"device":     {{Path: "dev", Mode: fs.ModeDevice}},
		"twice":      {file("a", "1"), file("a", "2")},
		"time":       {{Path: "a", Mode: fs.ModeDir, ModTime: -1}},
		"dir length": {{Path: "a", Mode: fs.ModeDir, Size: 1}},
	}
	for name, entries := range cases {
		if _, err := layer.StoredFacts(t.Context(), entries); err == nil {
			t.Errorf("%s was taken", name)
		}
		if _, err := layer.NewStored(entries); err == nil {
			t.Errorf("%s was taken as stream", name)
		}
	}
}

func TestFileThatChanges(t *testing.T) {
	t.Parallel()
	short, grown := file("a", "content"), file("a", "content")
	short.Size, grown.Size = 9, 3
	for _, e := range []layer.Entry{short, grown} {
		if _, err := layer.WriteCompressed(t.Context(), io.Discard, []layer.Entry{e}); !errors.Is(err, layer.ErrLength) {
			t.Errorf("size %d: %v", e.Size, err)
		}
	}
}

func TestCancelledLayer(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := layer.StoredFacts(ctx, sample()); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
