package source

import (
	"archive/tar"
	"archive/zip"
	"bufio"
	"bytes"
	"compress/bzip2"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// Bounds of one archive: the largest of the catalogue is far below.
const (
	maxEntries  = 200_000
	maxUnpacked = 16 << 30
)

// ErrArchive means that a file is no archive that can be unpacked, or holds what must not be unpacked.
var ErrArchive = errors.New("cannot be unpacked")

// Item is a file, directory or link in an archive or in a git repository.
type Item struct {
	// Path is clean and relative.
	Path string
	// Mode has the type and whether it is executable.
	Mode fs.FileMode
	// Link is where a symbolic link leads, as it says itself; Same is the path of the entry that this is the same file as.
	Link, Same string
	// Content is that of a file, to be read before the visit ends.
	Content io.Reader
}

// Walk visits the entries of an archive in its order: a tar or zip, of which the tar may be packed with gzip, bzip2, zstd or xz. What it is shows in its
// first bytes. Names that lead out of the archive are an error.
func Walk(ctx context.Context, f *os.File, visit func(Item) error) error {
	w := &walk{ctx: ctx, visit: visit}
	r := bufio.NewReaderSize(f, 64<<10)
	magic, _ := r.Peek(8) // a shorter one is no archive
	if isZip(magic) {
		return w.zip(f)
	}
	plain, err := plainReader(r, magic)
	if err != nil {
		return err
	}
	return w.tar(plain)
}

// plainReader unpacks a stream by what its first bytes say.
func plainReader(r *bufio.Reader, magic []byte) (io.Reader, error) {
	switch {
	case bytes.HasPrefix(magic, []byte("\x1f\x8b")):
		gz, err := gzip.NewReader(r)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrArchive, err)
		}
		return gz, nil
	case bytes.HasPrefix(magic, []byte("BZh")):
		return bzip2.NewReader(r), nil
	case bytes.HasPrefix(magic, []byte("\x28\xb5\x2f\xfd")):
		z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrArchive, err)
		}
		return z.IOReadCloser(), nil
	case bytes.HasPrefix(magic, []byte("\xfd7zXZ")):
		return unxz(r)
	}
	return r, nil
}

// maxWindow is how much a packed stream may ask a reader to remember, in bytes.
const maxWindow = 256 << 20

// Program gives the content of a program's file, unpacked where it is packed by itself with gzip, bzip2, zstd or xz. An archive is an error.
func Program(f io.Reader) (io.Reader, error) {
	r := bufio.NewReaderSize(f, 64<<10)
	magic, _ := r.Peek(8) // a shorter one is what it is
	plain, err := plainReader(r, magic)
	if err != nil {
		return nil, err
	}
	inside := bufio.NewReader(io.LimitReader(plain, maxUnpacked))
	const at, tar = 257, "ustar"
	head, err := inside.Peek(at + len(tar))
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%w: %w", ErrArchive, err)
	}
	if isZip(head) || len(head) > at && string(head[at:]) == tar {
		return nil, fmt.Errorf("%w: it is an archive: say with extract which of its files is the program", ErrArchive)
	}
	return inside, nil
}

func isZip(magic []byte) bool { return bytes.HasPrefix(magic, []byte("PK\x03\x04")) }

type walk struct {
	ctx     context.Context
	visit   func(Item) error
	entries int
	bytes   int64
}

// entry visits one entry once it is within bounds.
func (w *walk) entry(name string, e Item) error {
	if err := w.ctx.Err(); err != nil {
		return context.Cause(w.ctx)
	}
	if w.entries++; w.entries > maxEntries {
		return fmt.Errorf("%w: it has more than %d entries", ErrArchive, maxEntries)
	}
	e.Path = path.Clean(strings.TrimSuffix(name, "/"))
	if e.Path == "." {
		return nil
	}
	if path.IsAbs(name) || e.Path == ".." || strings.HasPrefix(e.Path, "../") || strings.ContainsAny(name, "\\\x00") {
		return fmt.Errorf("%w: the entry %q leads out of it", ErrArchive, name)
	}
	if e.Content != nil {
		e.Content = &bounded{w, e.Content}
	}
	return w.visit(e)
}

// bounded counts what all entries together hold.
type bounded struct {
	*walk
	r io.Reader
}

func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if b.bytes += int64(n); b.bytes > maxUnpacked {
		return n, fmt.Errorf("%w: it holds more than %d bytes", ErrArchive, int64(maxUnpacked))
	}
	return n, err
}

func (w *walk) tar(r io.Reader) error {
	t := tar.NewReader(&bounded{w, r}) // what is skipped is unpacked too
	for first := true; ; first = false {
		h, err := t.Next()
		switch {
		case errors.Is(err, io.EOF) && first:
			return fmt.Errorf("%w: it has nothing in it", ErrArchive)
		case errors.Is(err, io.EOF):
			return nil
		case first && (errors.Is(err, tar.ErrHeader) || errors.Is(err, io.ErrUnexpectedEOF)):
			return fmt.Errorf("%w: it is neither a tar nor a zip", ErrArchive)
		case err != nil:
			return fmt.Errorf("%w: %w", ErrArchive, err)
		}
		e := Item{Mode: fs.FileMode(h.Mode & 0o777)}
		switch h.Typeflag {
		case tar.TypeReg:
			e.Content = t
		case tar.TypeDir:
			e.Mode |= fs.ModeDir
		case tar.TypeSymlink:
			e.Mode, e.Link = fs.ModeSymlink, h.Linkname
		case tar.TypeLink:
			e.Same = path.Clean(h.Linkname)
		default:
			continue // a device or the like, which no context has
		}
		if err := w.entry(h.Name, e); err != nil {
			return err
		}
	}
}

func (w *walk) zip(f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("read archive: %w", err)
	}
	z, err := zip.NewReader(f, info.Size())
	if err != nil {
		return fmt.Errorf("%w: %w", ErrArchive, err)
	}
	for _, one := range z.File {
		if err := w.zipped(one); err != nil {
			return err
		}
	}
	return nil
}

// maxLink bounds the target of a link in a zip, in bytes.
const maxLink = 4096

func (w *walk) zipped(f *zip.File) error {
	e := Item{Mode: f.Mode() & (fs.ModeDir | fs.ModeSymlink | 0o777)}
	if e.Mode.IsDir() || strings.HasSuffix(f.Name, "/") {
		e.Mode |= fs.ModeDir
		return w.entry(f.Name, e)
	}
	r, err := f.Open()
	if err != nil {
		return fmt.Errorf("%w: %s: %w", ErrArchive, f.Name, err)
	}
	defer r.Close()
	if e.Mode&fs.ModeSymlink != 0 {
		target, err := io.ReadAll(io.LimitReader(r, maxLink))
		if err != nil {
			return fmt.Errorf("%w: %s: %w", ErrArchive, f.Name, err)
		}
		e.Link = string(target)
		return w.entry(f.Name, e)
	}
	e.Content = r
	return w.entry(f.Name, e)
}
