package demo

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"embed"
	"fmt"
	"io/fs"

	"github.com/klauspost/compress/gzip"
)

//go:embed upstream
var upstreamFiles embed.FS

// packChart makes the .tgz of the demo's chart, the way that helm package lays it out.
func packChart() ([]byte, error) {
	var out bytes.Buffer
	gz := gzip.NewWriter(&out)
	w := tar.NewWriter(gz)
	err := fs.WalkDir(upstreamFiles, "upstream/hello", func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		return addFile(w, path)
	})
	if err != nil {
		return nil, fmt.Errorf("pack chart: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("pack chart: %w", err)
	}
	if err := gz.Close(); err != nil {
		return nil, fmt.Errorf("pack chart: %w", err)
	}
	return out.Bytes(), nil
}

func addFile(w *tar.Writer, path string) error {
	b, err := upstreamFiles.ReadFile(path)
	if err != nil {
		return err
	}
	name := path[len("upstream/"):]
	if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(b)), Format: tar.FormatUSTAR}); err != nil {
		return err
	}
	_, err = w.Write(b)
	return err
}

// chartIndex is the index.yaml of the demo's chart repository. It lists two charts of application version 1.0.0: the newer one counts, by semver.
func chartIndex(chart []byte) string {
	const entry = `  - apiVersion: v2
    name: hello
    version: %s
    appVersion: 1.0.0
    digest: %x
    urls: [hello-%[1]s.tgz]
`
	sum := sha256.Sum256(chart)
	return "apiVersion: v1\nentries:\n  hello:\n" + fmt.Sprintf(entry, "0.4.2", sum) + fmt.Sprintf(entry, "0.4.1", sum)
}
