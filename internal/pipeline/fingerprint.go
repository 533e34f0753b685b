package pipeline

import (
	"crypto/sha256"
	"debug/elf"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/labring-actions/cluster-image/internal/discover"
)

// binarySize is the size in bytes from which on a file is taken for an archive or a program. What an application needs is not said in there.
const binarySize = 1 << 20

// fingerprint is the same for two contexts that need the same images: the same files but for registry/, and for programs and large files
// outside charts/, of which the name counts alone; and the same start.
func fingerprint(dir string, start discover.Start) (string, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return "", fmt.Errorf("open context: %w", err)
	}
	defer root.Close()
	h := sha256.New()
	if err := json.NewEncoder(h).Encode(start); err != nil {
		return "", fmt.Errorf("hash start command: %w", err)
	}
	err = fs.WalkDir(root.FS(), ".", func(path string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case path == "registry" && e.IsDir():
			return fs.SkipDir
		case !e.Type().IsRegular():
			return nil
		}
		return addFile(h, root, path)
	})
	if err != nil {
		return "", fmt.Errorf("read context %s: %w", dir, err)
	}
	return string(h.Sum(nil)), nil
}

func addFile(w io.Writer, root *os.Root, path string) error {
	f, err := root.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	head := make([]byte, len(elf.ELFMAG))
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return err
	}
	size := info.Size()
	if !strings.HasPrefix(path, "charts/") && (size >= binarySize || string(head) == elf.ELFMAG) {
		size, n = 0, 0
	}
	fmt.Fprintf(w, "%q %d\n%s", path, size, head[:n])
	_, err = io.CopyN(w, f, max(0, size-int64(n)))
	return err
}
