package recipe

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
)

// Bounds of a recipe: a vendored chart or binary is far below.
const (
	maxFiles = 50_000
	maxBytes = 4 << 30
)

// copier copies the files of a recipe into the context.
type copier struct {
	from  fs.FS
	to    *os.Root
	files int
	bytes int64
}

// copyFiles copies a whole recipe, files that begin with a dot included. Links are kept when they stay inside; anything else than files, directories
// and links is refused. The files to skip are at its top.
func copyFiles(ctx context.Context, from fs.FS, to *os.Root, skip []string) error {
	c := &copier{from: from, to: to}
	return fs.WalkDir(from, ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return fmt.Errorf("read recipe: %w", err)
		}
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		if slices.Contains(skip, name) {
			if e.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		if c.files++; c.files > maxFiles {
			return fmt.Errorf("copy recipe: more than %d files", maxFiles)
		}
		if err := c.copy(name, e.Type()); err != nil {
			return fmt.Errorf("copy %s: %w", name, err)
		}
		return nil
	})
}

func (c *copier) copy(name string, mode fs.FileMode) error {
	switch {
	case name == ".":
		return nil
	case mode.IsDir():
		return c.to.Mkdir(filepath.FromSlash(name), 0o755)
	case mode&fs.ModeSymlink != 0:
		return c.link(name)
	case mode.IsRegular():
		return c.file(name)
	}
	return fmt.Errorf("a recipe has files, directories and links only, not a %s", mode.Type())
}

func (c *copier) link(name string) error {
	target, err := fs.ReadLink(c.from, name)
	if err != nil {
		return err
	}
	if inside := path.Join(path.Dir(name), filepath.ToSlash(target)); path.IsAbs(target) || !filepath.IsLocal(inside) {
		return fmt.Errorf("the link leads out of the recipe, to %s", target)
	}
	return c.to.Symlink(target, filepath.FromSlash(name))
}

func (c *copier) file(name string) error {
	in, err := c.from.Open(name)
	if err != nil {
		return err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return err
	}
	out, err := c.to.OpenFile(filepath.FromSlash(name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	r := bufio.NewReader(in)
	head, _ := r.Peek(2) // a file may be shorter
	n, err := io.Copy(out, io.LimitReader(r, maxBytes-c.bytes+1))
	if err := errors.Join(err, out.Close()); err != nil {
		return err
	}
	if c.bytes += n; c.bytes > maxBytes {
		return fmt.Errorf("the recipe is larger than %d bytes", int64(maxBytes))
	}
	return c.to.Chmod(filepath.FromSlash(name), fileMode(info.Mode(), head))
}

// fileMode is that of the copy: executable when the file is, or when it is a script. A recipe embedded in a program has lost the bit of its scripts.
func fileMode(m fs.FileMode, head []byte) fs.FileMode {
	if m&0o100 != 0 || bytes.HasPrefix(head, []byte("#!")) {
		return 0o755
	}
	return 0o644
}

// own makes everything in the context readable and writable for its owner, whatever init.sh left.
func own(root *os.Root) error {
	return eachFile(root, func(name string, info fs.FileInfo) error {
		need := fs.FileMode(0o600)
		if info.IsDir() {
			need = 0o700
		}
		if info.Mode()&fs.ModeSymlink != 0 || info.Mode()&need == need {
			return nil
		}
		return root.Chmod(name, info.Mode().Perm()|need)
	})
}

// eachFile visits everything under a root, each directory before what is in it and after its turn, by name.
func eachFile(root *os.Root, visit func(name string, info fs.FileInfo) error) error {
	var walk func(dir string) error
	walk = func(dir string) error {
		entries, err := fs.ReadDir(root.FS(), dir)
		if err != nil {
			return fmt.Errorf("read context: %w", err)
		}
		for _, e := range entries {
			name := path.Join(dir, e.Name())
			info, err := e.Info()
			if err != nil {
				return fmt.Errorf("read context: %w", err)
			}
			if err := visit(name, info); err != nil {
				return err
			}
			if info.IsDir() {
				if err := walk(name); err != nil {
					return err
				}
			}
		}
		return nil
	}
	return walk(".")
}
