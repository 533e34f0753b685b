package assemble

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/labring-actions/cluster-image/internal/disk"
)

// WriteLayout writes an OCI layout directory. Blobs come first and index.json last, so that the directory shows the
// old content or the new, never a mixture; what is there already is not written again, and blobs that nothing names
// any more are removed. A directory that holds something else is refused.
func WriteLayout(ctx context.Context, dir string, x Index, name string) error {
	entrance, err := x.entrance(name)
	if err != nil {
		return err
	}
	if err := claimLayout(dir); err != nil {
		return err
	}
	members := append([]member{textMember(layoutFile, []byte(layoutText))}, x.members()...)
	if err := fillLayout(ctx, dir, append(members, textMember(indexFile, entrance.Bytes))); err != nil {
		return err
	}
	return prune(dir, members)
}

// fillLayout writes what is not there yet, when there is room for all of it.
func fillLayout(ctx context.Context, dir string, members []member) error {
	var missing []member
	var need int64
	for _, m := range members {
		if !m.isAt(m.file(dir)) {
			missing = append(missing, m)
			need += m.desc.Size
		}
	}
	if err := disk.Room(dir, need, outputFlag); err != nil {
		return fmt.Errorf("write layout: %w", err)
	}
	buf := make([]byte, 1<<20)
	for _, m := range missing {
		if err := replaceFile(m.file(dir), m.desc.Size, func(w io.Writer) error { return m.copyTo(ctx, w, buf) }); err != nil {
			return err
		}
	}
	return nil
}

func (m member) file(dir string) string { return filepath.Join(dir, filepath.FromSlash(m.name)) }

// isAt says whether a file holds the member already: a blob by its name and length, another file by its content.
func (m member) isAt(file string) bool {
	info, err := os.Lstat(file)
	if err != nil || !info.Mode().IsRegular() || info.Size() != m.desc.Size {
		return false
	}
	if m.isBlob() {
		return true
	}
	old, err := os.ReadFile(file)
	return err == nil && bytes.Equal(old, readAll(m))
}

func (m member) isBlob() bool { return m.name != indexFile && m.name != layoutFile }

// claimLayout makes sure that the directory is a layout or empty.
func claimLayout(dir string) error {
	names, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(names) == 0 {
		return nil
	}
	if err != nil {
		return fmt.Errorf("write layout: %w", err)
	}
	for _, n := range names {
		if n.Name() == layoutFile || n.Name() == "blobs" {
			return nil
		}
	}
	return fmt.Errorf("write layout: %s holds other files (%s): name an empty or a new directory", dir, names[0].Name())
}

// prune removes blobs that are not among the members.
func prune(dir string, members []member) error {
	keep := map[string]bool{}
	for _, m := range members {
		keep[filepath.Base(m.name)] = true
	}
	blobs := filepath.Join(dir, "blobs", "sha256")
	names, err := os.ReadDir(blobs)
	if err != nil {
		return fmt.Errorf("clear layout: %w", err)
	}
	for _, n := range names {
		if !keep[n.Name()] && n.Type().IsRegular() {
			if err := os.Remove(filepath.Join(blobs, n.Name())); err != nil {
				return fmt.Errorf("clear layout: %w", err)
			}
		}
	}
	return nil
}
