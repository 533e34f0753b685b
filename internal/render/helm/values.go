package helm

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path"
	"strings"

	loader "helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/strvals"

	"github.com/labring-actions/cluster-image/internal/render"
)

// maxValues bounds a values file and a file named by --set-file.
const maxValues = 16 << 20

// merge builds the values of a set in the order that helm has: files, JSON, plain, strings, files' contents, literals.
func merge(root *os.Root, v render.Values, hint string) (map[string]any, error) {
	files := v.Files
	if v.WithHint && hint != "" {
		files = append([]render.File{{Path: hint}}, files...)
	}
	base := map[string]any{}
	for _, f := range files {
		m, err := valuesFile(root, f)
		if err != nil {
			return nil, err
		}
		base = loader.MergeMaps(base, m)
	}
	for _, s := range v.SetJSON {
		if err := setJSON(s, base); err != nil {
			return nil, fmt.Errorf("--set-json %s: %w", s, err)
		}
	}
	return base, setAll(root, v, base)
}

func setAll(root *os.Root, v render.Values, base map[string]any) error {
	reader := func(name []rune) (any, error) {
		text, err := readFile(root, path.Join(v.Dir, string(name)))
		return string(text), err
	}
	for _, group := range []struct {
		flag string
		args []string
		into func(string) error
	}{
		{"--set", v.Set, func(s string) error { return strvals.ParseInto(s, base) }},
		{"--set-string", v.SetString, func(s string) error { return strvals.ParseIntoString(s, base) }},
		{"--set-file", v.SetFile, func(s string) error { return strvals.ParseIntoFile(s, base, reader) }},
		{"--set-literal", v.SetLiteral, func(s string) error { return strvals.ParseLiteralInto(s, base) }},
	} {
		for _, s := range group.args {
			if err := group.into(s); err != nil {
				return fmt.Errorf("%s %s: %w", group.flag, s, err)
			}
		}
	}
	return nil
}

func setJSON(s string, base map[string]any) error {
	if !strings.HasPrefix(strings.TrimSpace(s), "{") {
		return strvals.ParseJSON(s, base)
	}
	var m map[string]any
	if err := json.Unmarshal([]byte(s), &m); err != nil {
		return err
	}
	for k, v := range loader.MergeMaps(base, m) {
		base[k] = v
	}
	return nil
}

func valuesFile(root *os.Root, f render.File) (map[string]any, error) {
	name, text := f.Path, []byte(f.Text)
	if name != "" {
		var err error
		if text, err = readFile(root, name); err != nil {
			return nil, err
		}
	} else {
		name = "the values that the script writes"
	}
	m, err := loader.LoadValues(bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return m, nil
}

func readFile(root *os.Root, name string) ([]byte, error) {
	f, err := root.Open(name)
	if err != nil {
		return nil, inside(name, err)
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is not a regular file", name)
	case info.Size() > maxValues:
		return nil, fmt.Errorf("%s has %d bytes, at most %d are read", name, info.Size(), maxValues)
	}
	return io.ReadAll(io.LimitReader(f, maxValues))
}
