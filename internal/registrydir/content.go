package registrydir

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Content is where a directory's blobs are. The program's content store is one, and so is a registry directory that was read.
type Content interface {
	// Open gives a blob's bytes. Where the reader seeks as well, parts of a blob are served without reading the rest.
	Open(digest v1.Hash) (io.ReadCloser, error)
	// Export makes the blob appear as the file dst, which does not exist, by a link or a copy.
	Export(digest v1.Hash, dst string) error
}

// opener opens a file by its path below the registry directory.
type opener func(name string) (fs.File, error)

// Open implements [Content].
func (open opener) Open(digest v1.Hash) (io.ReadCloser, error) {
	return open(Root + "/" + blobPath(digest))
}

// Export implements [Content] by a copy: what the directory's owner changes later must not change elsewhere.
func (open opener) Export(digest v1.Hash, dst string) error {
	src, err := open.Open(digest)
	if err != nil {
		return err
	}
	defer src.Close()
	f, err := os.OpenFile(dst, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, src)
	return errors.Join(err, f.Close())
}

// openIn opens files below a directory of the machine. The directory is opened anew each time, so that nothing need be closed.
func openIn(path string) opener {
	return func(name string) (fs.File, error) {
		root, err := os.OpenRoot(path)
		if err != nil {
			return nil, err
		}
		defer root.Close()
		return root.Open(name)
	}
}

// readAll reads a blob of the directory that is at most limit bytes long.
func (d *Dir) readAll(h v1.Hash, limit int64) ([]byte, error) {
	b, ok := d.blobs[h]
	switch {
	case !ok:
		return nil, fmt.Errorf("the blob %s is missing: %w", h, fs.ErrNotExist)
	case b.size > limit:
		return nil, fmt.Errorf("%s has %d bytes, more than the %d that it may have", h, b.size, limit)
	}
	r, err := b.from.Open(h)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	got, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", h, err)
	}
	if int64(len(got)) != b.size {
		return nil, fmt.Errorf("%s has %d bytes where %d are right", h, len(got), b.size)
	}
	return got, nil
}
