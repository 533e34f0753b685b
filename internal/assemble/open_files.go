package assemble

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
)

// maxMembers bounds how many files an archive may hold.
const maxMembers = 100_000

// dirFiles is a layout in a directory. Nothing outside is opened, whatever links it holds.
type dirFiles string

func (d dirFiles) length(name string) (int64, bool) {
	root, err := os.OpenRoot(string(d))
	if err != nil {
		return 0, false
	}
	defer root.Close()
	info, err := root.Stat(name)
	if err != nil || !info.Mode().IsRegular() {
		return 0, false
	}
	return info.Size(), true
}

func (d dirFiles) open(name string) (io.ReadCloser, error) { return os.OpenInRoot(string(d), name) }

func (d dirFiles) small(name string) ([]byte, error) { return readLimited(d, name) }

// readLimited reads a document.
func readLimited(f files, name string) ([]byte, error) {
	r, err := f.open(name)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	b, err := io.ReadAll(io.LimitReader(r, maxDocument+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	if len(b) > maxDocument {
		return nil, fmt.Errorf("read %s: more than %d bytes", name, maxDocument)
	}
	return b, nil
}

// tarFile knows where in an archive each file lies.
type tarFile struct {
	path  string
	files map[string]place
}

// place is a file's offset and length, or the file that it is a link to.
type place struct {
	offset, size int64
	link         string
}

// openTar goes through the headers of an archive. Contents are not read.
func openTar(name string) (*tarFile, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, plain(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return nil, fmt.Errorf("it is no regular file")
	}
	if err := notCompressed(f); err != nil {
		return nil, err
	}
	a := &tarFile{path: name, files: map[string]place{}}
	r := tar.NewReader(f)
	for range maxMembers {
		h, err := r.Next()
		if err == io.EOF {
			return a, nil
		}
		if err != nil {
			return nil, fmt.Errorf("it is no tar archive, or not a whole one: %w", err)
		}
		offset, err := f.Seek(0, io.SeekCurrent)
		if err != nil {
			return nil, fmt.Errorf("read archive: %w", err)
		}
		if err := a.add(h, offset, info.Size()); err != nil {
			return nil, err
		}
	}
	return nil, fmt.Errorf("it holds more than %d files", maxMembers)
}

// notCompressed looks at the first bytes, since nothing in a compressed archive can be found without reading it all.
func notCompressed(f *os.File) error {
	head := make([]byte, 4)
	if _, err := f.ReadAt(head, 0); err != nil {
		return fmt.Errorf("it is no archive: %w", err)
	}
	for magic, tool := range map[string]string{"\x1f\x8b": "gunzip", "\x28\xb5\x2f\xfd": "zstd -d", "\xfd7zX": "unxz", "BZh": "bunzip2"} {
		if strings.HasPrefix(string(head), magic) {
			return fmt.Errorf("it is compressed: unpack it with %s first", tool)
		}
	}
	return nil
}

// add notes an entry.
func (a *tarFile) add(h *tar.Header, offset, total int64) error {
	name := strings.TrimPrefix(path.Clean("/"+h.Name), "/")
	p := place{offset: offset, size: h.Size}
	switch h.Typeflag {
	case tar.TypeReg:
		if h.Size < 0 || h.Size > total-offset {
			return fmt.Errorf("%w: %s is cut off", ErrCorrupt, h.Name)
		}
	case tar.TypeSymlink:
		p = place{link: strings.TrimPrefix(path.Clean("/"+path.Join(path.Dir(name), h.Linkname)), "/")}
	case tar.TypeLink:
		p = place{link: strings.TrimPrefix(path.Clean("/"+h.Linkname), "/")}
	default:
		return nil
	}
	if _, twice := a.files[name]; twice {
		return fmt.Errorf("%s is twice in the archive", h.Name)
	}
	a.files[name] = p
	return nil
}

// find follows links; docker save links layers that several images share.
func (a *tarFile) find(name string) (place, bool) {
	for range 10 {
		p, ok := a.files[name]
		if !ok || p.link == "" {
			return p, ok
		}
		name = p.link
	}
	return place{}, false
}

func (a *tarFile) length(name string) (int64, bool) {
	p, ok := a.find(name)
	return p.size, ok
}

func (a *tarFile) open(name string) (io.ReadCloser, error) {
	p, ok := a.find(name)
	if !ok {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	f, err := os.Open(a.path)
	if err != nil {
		return nil, err
	}
	return readCloser{io.NewSectionReader(f, p.offset, p.size), f}, nil
}

func (a *tarFile) small(name string) ([]byte, error) {
	if p, ok := a.find(name); ok && p.size > maxDocument {
		return nil, fmt.Errorf("read %s: %d bytes are more than %d", name, p.size, maxDocument)
	}
	b, err := readLimited(a, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s is missing: the archive is not complete", name)
	}
	return b, err
}
