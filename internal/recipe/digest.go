package recipe

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"

	"go.yaml.in/yaml/v3"

	"github.com/labring-actions/cluster-image/internal/recipe/app"
)

// Digest is the SHA-256 in hexadecimal of what an image can be made of: the files that the recipe brings into the context, and what its app.yaml says,
// whatever its comments and layout. Comments of its script don't count either: another digest means another image, as a rule.
func (r Recipe) Digest() (string, error) {
	h := sha256.New()
	files, err := r.Vendored()
	if err != nil {
		return "", err
	}
	for _, name := range files {
		if err := r.hashFile(h, name); err != nil {
			return "", fmt.Errorf("read recipe %s: %w", r, err)
		}
	}
	if r.App != nil {
		if err := r.hashApp(h); err != nil {
			return "", fmt.Errorf("read recipe %s: %w", r, err)
		}
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

func (r Recipe) hashFile(h hash.Hash, name string) error {
	info, err := fs.Lstat(r.FS, name)
	if err != nil {
		return err
	}
	if info.Mode()&fs.ModeSymlink != 0 {
		target, err := fs.ReadLink(r.FS, name)
		fmt.Fprintf(h, "%q -> %q\n", name, target)
		return err
	}
	f, err := r.FS.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	fmt.Fprintf(h, "%q %v\n", name, info.Mode()&0o100 != 0)
	var n int64
	if name == r.script() {
		n, err = copyCommands(h, f)
	} else {
		n, err = io.Copy(h, f)
	}
	fmt.Fprintf(h, "\n%d\n", n)
	return err
}

// copyCommands leaves out the lines that are empty or a comment.
func copyCommands(w io.Writer, r io.Reader) (n int64, err error) {
	in := bufio.NewReader(r)
	for err == nil {
		var line []byte
		if line, err = in.ReadBytes('\n'); len(bytes.TrimSpace(line)) > 0 && bytes.TrimSpace(line)[0] != '#' {
			w.Write(line)
			n += int64(len(line))
		}
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return n, err
}

func (r Recipe) hashApp(h hash.Hash) error {
	b, err := fs.ReadFile(r.FS, app.File)
	if err != nil {
		return err
	}
	var said map[string]any
	if err := yaml.Unmarshal(b, &said); err != nil {
		return err
	}
	canonical, err := yaml.Marshal(said)
	if err != nil {
		return err
	}
	fmt.Fprintf(h, "%q\n%s", app.File, canonical)
	return nil
}
