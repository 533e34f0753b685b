package store_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/labring-actions/cluster-image/internal/layer"
	"github.com/labring-actions/cluster-image/internal/store"
)

func TestResume(t *testing.T) {
	t.Parallel()
	const size = 20 << 20
	b := content(size)
	cases := map[string]func(*store.Ingest) int64{
		"in order": func(i *store.Ingest) int64 { n, _ := i.Write(b[:7<<20]); return int64(n) },
		"anywhere": func(i *store.Ingest) int64 {
			i.WriteAt(b[12<<20:15<<20], 12<<20)
			i.WriteAt(b[:1<<20], 0)
			return 4 << 20
		},
		"nothing": func(*store.Ingest) int64 { return 0 },
		"in order, without the layer": func(i *store.Ingest) int64 {
			i.SkipLayer()
			n, _ := i.Write(b[:7<<20])
			return int64(n)
		},
		"anywhere, without the layer": func(i *store.Ingest) int64 {
			i.SkipLayer()
			i.WriteAt(b[12<<20:15<<20], 12<<20)
			i.WriteAt(b[:1<<20], 0)
			return 4 << 20
		},
	}
	for name, write := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t, t.TempDir())
			d := describe(b)
			i, err := s.Ingest(d)
			if err != nil {
				t.Fatal(err)
			}
			have := write(i)
			if err := i.Close(); err != nil {
				t.Fatal(err)
			}
			s = open(t, s.Dir())
			if i, err = s.Ingest(d); err != nil || i.Have() != have {
				t.Fatalf("%d bytes of %d left, %v", i.Have(), have, err)
			}
			complete(t, s, i, b)
		})
	}
}

// complete writes what is missing, the last piece first, and looks at blob and layer.
func complete(t *testing.T, s *store.Store, i *store.Ingest, b []byte) {
	t.Helper()
	missing := i.Missing()
	for n := len(missing) - 1; n >= 0; n-- {
		if _, err := i.WriteAt(b[missing[n].From:missing[n].To], missing[n].From); err != nil {
			t.Fatal(err)
		}
	}
	if err := i.Commit(); err != nil {
		t.Fatal(err)
	}
	d := describe(b)
	got, ok := s.Layer(d.Digest)
	h := layer.NewHasher(d.Digest, d.Size)
	h.Write(b)
	if want, _ := h.Facts(); !ok || got != want {
		t.Errorf("layer %v, want %v", got, want)
	}
}

func TestTornState(t *testing.T) {
	t.Parallel()
	b := content(9 << 20)
	d := describe(b)
	spoil := map[string]func(state, part string) error{
		"no state":        func(state, _ string) error { return os.Remove(state) },
		"empty state":     func(state, _ string) error { return os.Truncate(state, 0) },
		"half a state":    func(state, _ string) error { return os.Truncate(state, 100) },
		"not a state":     func(state, _ string) error { return os.WriteFile(state, []byte(`{"size":-1}`), 0o644) },
		"shorter part":    func(_, part string) error { return os.Truncate(part, 1<<20) },
		"longer part":     func(_, part string) error { return os.Truncate(part, 10<<20) },
		"no part":         func(_, part string) error { return os.Remove(part) },
		"impossible span": func(state, _ string) error { return replace(state, `"from":`, `"from":-`) },
	}
	for name, f := range spoil {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t, t.TempDir())
			i, err := s.Ingest(d)
			if err != nil {
				t.Fatal(err)
			}
			i.Write(b[:5<<20])
			i.Close()
			stem := filepath.Join(s.Dir(), "ingest", d.Digest.Hex)
			if err := f(stem+".state", stem+".part"); err != nil {
				t.Fatal(err)
			}
			if i, err = s.Ingest(d); err != nil {
				t.Fatal(err)
			}
			complete(t, s, i, b)
		})
	}
}

func replace(file, old, new string) error {
	b, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	return os.WriteFile(file, []byte(strings.ReplaceAll(strings.ToLower(string(b)), old, new)), 0o644)
}

func TestOneWriterAtATime(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	a, b := open(t, dir), open(t, dir)
	blob := content(1000)
	d := describe(blob)
	i, err := a.Ingest(d)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Ingest(d); !errors.Is(err, store.ErrBusy) {
		t.Errorf("a second writer: %v", err)
	}
	i.Write(blob[:400])
	i.Close()
	j, err := b.Ingest(d)
	if err != nil || j.Have() != 400 {
		t.Fatalf("taken over with %d bytes: %v", j.Have(), err)
	}
	j.Write(blob[400:])
	if err := j.Commit(); err != nil {
		t.Fatal(err)
	}
	if _, ok := a.Has(d.Digest); !ok {
		t.Error("the first store does not see the blob")
	}
	if _, err := a.Ingest(d); !errors.Is(err, store.ErrExists) {
		t.Errorf("got %v", err)
	}
}

func TestManyWritersOfOneBlob(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	b := content(16 << 20)
	i, err := s.Ingest(describe(b))
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	const writers, piece = 8, 100_000
	for w := range writers {
		go func() {
			var err error
			for at := w * piece; at < len(b) && err == nil; at += writers * piece {
				_, err = i.WriteAt(b[at:min(at+piece, len(b))], int64(at))
			}
			done <- err
		}()
	}
	for range writers {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	complete(t, s, i, b)
}

func TestWrongBytesNeverGetTheName(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	b := content(1000)
	d := describe(b)
	i, err := s.Ingest(d)
	if err != nil {
		t.Fatal(err)
	}
	wrong := bytes.Clone(b)
	wrong[500] ^= 1
	i.Write(wrong)
	if err := i.Commit(); !errors.Is(err, store.ErrCorrupt) {
		t.Errorf("got %v", err)
	}
	if _, ok := s.Has(d.Digest); ok {
		t.Error("the store has the blob")
	}
	if i, err = s.Ingest(d); err != nil || i.Have() != 0 {
		t.Errorf("wrong bytes were kept: %v", err)
	}
	if err := i.Commit(); !errors.Is(err, store.ErrIncomplete) {
		t.Errorf("got %v", err)
	}
	if _, err := i.Write(content(1001)); !errors.Is(err, store.ErrLength) {
		t.Errorf("got %v", err)
	}
	i.Close()
}
