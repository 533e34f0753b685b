package helm

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"helm.sh/helm/v4/pkg/chart/loader/archive"
)

// maxName bounds the name of an entry.
const maxName = 1024

// untar reads a packed chart. What no chart packed by helm holds is refused: links, devices, names that lead out, the same name twice.
func untar(r io.Reader, b *budget) ([]*archive.BufferedFile, error) {
	unzipped, err := gzip.NewReader(r)
	if err != nil {
		return nil, fmt.Errorf("it is not a gzipped archive: %w", err)
	}
	defer func() { _ = unzipped.Close() }()
	var files []*archive.BufferedFile
	seen := map[string]bool{}
	// Headers and padding count as well, so the whole stream has a limit of its own.
	for tr := tar.NewReader(io.LimitReader(unzipped, b.all.ChartSize*2)); ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return files, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read the archive: %w", err)
		}
		name, err := entryName(h)
		if err != nil {
			return nil, err
		}
		if name == "" {
			continue
		}
		if seen[name] {
			return nil, fmt.Errorf("the archive holds %q twice", name)
		}
		seen[name] = true
		data, err := b.read(name, tr)
		if err != nil {
			return nil, err
		}
		files = append(files, &archive.BufferedFile{Name: name, ModTime: h.ModTime, Data: data})
	}
}

// entryName is the name within the chart; empty for what holds no file.
func entryName(h *tar.Header) (string, error) {
	switch h.Typeflag {
	case tar.TypeReg:
	case tar.TypeDir, tar.TypeXGlobalHeader, tar.TypeXHeader:
		return "", checkName(h.Name)
	case tar.TypeSymlink, tar.TypeLink:
		return "", fmt.Errorf("the archive holds the link %q to %q: repack the chart with helm package", h.Name, h.Linkname)
	default:
		return "", fmt.Errorf("the archive holds %q, which is no regular file (type %q)", h.Name, h.Typeflag)
	}
	if err := checkName(h.Name); err != nil {
		return "", err
	}
	_, name, ok := strings.Cut(strings.ReplaceAll(h.Name, `\`, "/"), "/")
	if name = path.Clean(name); !ok || name == "." {
		return "", fmt.Errorf("the archive holds %q outside of the chart's directory", h.Name)
	}
	return name, nil
}

func checkName(name string) error {
	slashed := strings.ReplaceAll(name, `\`, "/")
	switch {
	case len(name) > maxName:
		return fmt.Errorf("the archive holds a name of %d characters", len(name))
	case strings.HasPrefix(slashed, "/"), strings.Contains("/"+slashed+"/", "/../"), strings.ContainsRune(name, 0):
		return fmt.Errorf("the archive holds %q, which leads out of the chart", name)
	case len(slashed) > 1 && slashed[1] == ':':
		return fmt.Errorf("the archive holds %q, which leads out of the chart", name)
	}
	return nil
}

// unpack puts the files of packed subcharts in the place of their archives.
func unpack(files []*archive.BufferedFile, b *budget, depth int) ([]*archive.BufferedFile, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("archives are nested deeper than %d", maxDepth)
	}
	out := make([]*archive.BufferedFile, 0, len(files))
	for _, f := range files {
		if !packedSubchart(f.Name) {
			out = append(out, f)
			continue
		}
		inner, err := untar(bytes.NewReader(f.Data), b)
		if err == nil {
			inner, err = unpack(inner, b, depth+1)
		}
		if err != nil {
			return nil, fmt.Errorf("subchart %s: %w", f.Name, err)
		}
		// The directory keeps the archive's name, without the ending that would make helm unpack it.
		dir := strings.TrimSuffix(f.Name, ".tgz")
		for _, i := range inner {
			out = append(out, &archive.BufferedFile{Name: dir + "/" + i.Name, ModTime: i.ModTime, Data: i.Data})
		}
	}
	return out, nil
}

// packedSubchart says whether helm would unpack the file: charts/<name>.tgz, not hidden, at the end of any number of subchart directories.
func packedSubchart(name string) bool {
	dir, base := path.Split(name)
	return strings.HasSuffix(base, ".tgz") && strings.IndexAny(base, "_.") != 0 && (dir == "charts/" || strings.HasSuffix(dir, "/charts/") && strings.HasPrefix(dir, "charts/"))
}
