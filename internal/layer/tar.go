package layer

import (
	"cmp"
	"fmt"
	"io"
	"io/fs"
	"slices"
)

// Entry is one file, directory or symbolic link of a layer. Owner and group are always 0.
type Entry struct {
	// Path is relative to the root of the image, with slashes, without a slash at its end.
	Path string
	// Mode holds the permission bits and the type: regular (none), fs.ModeDir or fs.ModeSymlink.
	Mode fs.FileMode
	// Size is the length of a regular file in bytes.
	Size int64
	// Link is the target of a symbolic link.
	Link string
	// ModTime is in seconds since 1970.
	ModTime int64
	// Open gives the content of a regular file. Exactly Size bytes have to come.
	Open func() (io.ReadCloser, error)
}

// Sort brings entries into the order that layers have: by path, a directory before what it holds.
func Sort(entries []Entry) {
	slices.SortFunc(entries, func(a, b Entry) int {
		if c := ComparePaths(a.Path, b.Path); c != 0 {
			return c
		}
		return cmp.Compare(a.Link, b.Link)
	})
}

// ComparePaths compares element by element, so that a directory is followed by what it holds: a, a/b, a-b.
func ComparePaths(a, b string) int {
	for i := range min(len(a), len(b)) {
		switch {
		case a[i] == b[i]:
		case a[i] == '/':
			return -1
		case b[i] == '/':
			return 1
		default:
			return cmp.Compare(a[i], b[i])
		}
	}
	return cmp.Compare(len(a), len(b))
}

// tarStream is a tar of known length that opens its files one after the other while it is read.
type tarStream struct {
	entries []Entry
	size    int64
	next    int           // entry whose header comes next
	head    []byte        // header, padding or end mark that is left to give out
	file    io.ReadCloser // content that is being read
	left    int64         // bytes of it that are still due
}

// newTar checks and sorts the entries and adds up the length of the tar.
func newTar(entries []Entry) (*tarStream, error) {
	entries = slices.Clone(entries)
	Sort(entries)
	t := &tarStream{entries: entries, size: 2 * tarBlock}
	for i, e := range entries {
		if i > 0 && entries[i-1].Path == e.Path {
			return nil, fmt.Errorf("path %s is twice in one layer", e.Path)
		}
		h, err := e.header()
		if err != nil {
			return nil, err
		}
		t.size += int64(len(h)) + e.Size + padding(e.Size)
	}
	return t, nil
}

// Read gives the next bytes of the tar.
func (t *tarStream) Read(p []byte) (int, error) {
	for {
		switch {
		case len(t.head) > 0:
			n := copy(p, t.head)
			t.head = t.head[n:]
			return n, nil
		case t.file != nil:
			n, err := t.content(p)
			if n > 0 || err != nil {
				return n, err
			}
		case t.next > len(t.entries):
			return 0, io.EOF
		default:
			if err := t.advance(); err != nil {
				return 0, err
			}
		}
	}
}

// content reads on in the open file and closes it where it ends.
func (t *tarStream) content(p []byte) (int, error) {
	e := t.entries[t.next-1]
	if t.left > 0 {
		n, err := t.file.Read(p[:min(int64(len(p)), t.left)])
		t.left -= int64(n)
		if err == io.EOF && t.left > 0 {
			err = fmt.Errorf("read %s: %w: %d of %d bytes are missing", e.Path, ErrLength, t.left, e.Size)
		}
		if err == io.EOF {
			err = nil
		}
		return n, err
	}
	if err := ended(t.file, e.Path, e.Size); err != nil {
		return 0, err
	}
	err := t.file.Close()
	t.file, t.head = nil, zeros[:padding(e.Size)]
	return 0, err
}

// advance goes to the next entry, or to the two zero blocks at the end.
func (t *tarStream) advance() error {
	t.next++
	if t.next > len(t.entries) {
		t.head = zeros[:]
		return nil
	}
	e := t.entries[t.next-1]
	h, err := e.header()
	if err != nil {
		return err
	}
	t.head = h
	if e.kind() != '0' {
		return nil
	}
	if t.file, err = e.Open(); err != nil {
		return err
	}
	t.left = e.Size
	return nil
}

// Close closes the file that is open.
func (t *tarStream) Close() error {
	t.next, t.head = len(t.entries)+1, nil
	if t.file == nil {
		return nil
	}
	f := t.file
	t.file = nil
	return f.Close()
}

// zeros are padding and end mark; nobody writes to them.
var zeros [2 * tarBlock]byte

// ended reads what follows the last byte that is due: the end of the content, or its source's verdict about it.
func ended(r io.Reader, path string, size int64) error {
	var one [1]byte
	switch n, err := io.ReadFull(r, one[:]); {
	case n > 0:
		return fmt.Errorf("read %s: %w: more than %d bytes", path, ErrLength, size)
	case err == io.EOF:
		return nil
	default:
		return err
	}
}
