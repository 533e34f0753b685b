package pipeline

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/labring-actions/cluster-image/internal/discover"
)

// binarySize is the size from which on a file is a program or an archive of something else than text. What charts and manifests need is not in there.
const binarySize = 1 << 20

// fingerprint is the same for two contexts that need the same images: the same files but for registry/ and for large ones, which are hashed by name
// alone unless charts/ holds them; and the same start.
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
	size := info.Size()
	if size >= binarySize && !isChart(path) {
		size = 0
	}
	fmt.Fprintf(w, "%q %d\n", path, size)
	_, err = io.CopyN(w, f, size)
	return err
}

func isChart(path string) bool { return len(path) > 7 && path[:7] == "charts/" }
