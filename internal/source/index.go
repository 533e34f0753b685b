// Package source finds and fetches what a recipe downloads: the chart of an application version in a repository's index, and files with their
// checksums.
package source

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxIndex bounds the index of a chart repository, unpacked, in bytes. The largest public ones have some 30 MB.
const maxIndex = 128 << 20

// Entry is one version of a chart in the index of a repository (Helm's index.yaml, apiVersion v1).
type Entry struct {
	Version    string   `yaml:"version" json:"version"`
	AppVersion string   `yaml:"appVersion" json:"appVersion"`
	URLs       []string `yaml:"urls" json:"urls"`
	Digest     string   `yaml:"digest" json:"digest"`
}

// ErrNoChart means that the index has no chart of that name.
var ErrNoChart = errors.New("no such chart")

// Index fetches the index of a repository and gives the versions of one chart.
func (c *Client) Index(ctx context.Context, repository, chart string) ([]Entry, error) {
	if strings.HasPrefix(repository, "oci://") {
		return nil, fmt.Errorf("%w: %s: a registry has no index of charts: helm pull %s/%s --version takes its chart version", ErrSource, repository, strings.TrimSuffix(repository, "/"), chart)
	}
	b, err := c.IndexFile(ctx, repository)
	if err != nil {
		return nil, err
	}
	entries, err := DecodeIndex(b, chart)
	if err != nil {
		address, _ := indexAddress(repository) // it has been fetched
		return nil, fmt.Errorf("chart index %s: %w", redact(address), err)
	}
	return entries, nil
}

// IndexFile fetches the index of a repository as it is, for [DecodeIndex]: once for all charts of it that somebody asks for.
func (c *Client) IndexFile(ctx context.Context, repository string) ([]byte, error) {
	address, err := indexAddress(repository)
	if err != nil {
		return nil, err
	}
	if _, err := c.address(address); err != nil {
		return nil, fmt.Errorf("fetch chart index: %w", err)
	}
	b, err := do(&c.flights, "index "+address, func() (b []byte, err error) {
		err = c.get(ctx, address, func(body io.Reader) (err error) {
			b, err = readIndex(body)
			return err
		})
		return b, err
	})
	if err != nil {
		return nil, fmt.Errorf("fetch chart index: %w", err)
	}
	return b, nil
}

func indexAddress(repository string) (string, error) {
	u, err := url.Parse(repository)
	if err != nil {
		return "", fmt.Errorf("%w: %q is no address", ErrSource, repository)
	}
	return u.JoinPath("index.yaml").String(), nil
}

func redact(address string) string {
	if u, err := url.Parse(address); err == nil {
		return u.Redacted()
	}
	return address
}

// readIndex reads an index, which a server may have stored packed.
func readIndex(body io.Reader) ([]byte, error) {
	r := bufio.NewReader(body)
	var plain io.Reader = r
	if magic, err := r.Peek(2); err == nil && string(magic) == "\x1f\x8b" {
		gz, err := gzip.NewReader(r)
		if err != nil {
			return nil, err
		}
		plain = gz
	}
	b, err := io.ReadAll(io.LimitReader(plain, maxIndex+1))
	if err != nil {
		return nil, err
	}
	if len(b) > maxIndex {
		return nil, fmt.Errorf("larger than %d bytes", maxIndex)
	}
	return b, nil
}

// DecodeIndex gives the versions of one chart in an index, which may be YAML or JSON. Of YAML as helm writes it only the lines of that chart are
// decoded: the rest of a large index would take most of the time.
func DecodeIndex(b []byte, chart string) ([]Entry, error) {
	if t := bytes.TrimLeft(b, " \t\r\n"); len(t) == 0 || t[0] == '<' {
		return nil, fmt.Errorf("%w: it is no index but a page or nothing", ErrSource)
	}
	if entries, ok := decodeJSON(b, chart); ok {
		return entries, missing(entries, chart, nil)
	}
	s := cut(b, chart)
	if entries := s.decode(chart); entries != nil {
		return entries, nil
	}
	if s.helmStyle && s.lines == nil {
		return nil, missing(nil, chart, s.names)
	}
	var whole struct {
		Entries map[string][]Entry `yaml:"entries"`
	}
	if err := yaml.Unmarshal(b, &whole); err != nil {
		return nil, fmt.Errorf("%w: decode: %s", ErrSource, plainYAML(err))
	}
	return whole.Entries[chart], missing(whole.Entries[chart], chart, slices.Collect(maps.Keys(whole.Entries)))
}

// goType is what the decoder says of the types of this program.
var goType = regexp.MustCompile(` into \S.*`)

// plainYAML is what the decoder says, in one line and of the file alone.
func plainYAML(err error) string {
	var lines []string
	for line := range strings.Lines(err.Error()) {
		lines = append(lines, goType.ReplaceAllString(strings.TrimSpace(line), " here"))
	}
	return strings.Join(lines, " ")
}

// decode reads the lines of a chart; nothing when they can't be understood by themselves.
func (s section) decode(chart string) []Entry {
	var part map[string][]Entry
	if s.lines == nil || yaml.Unmarshal(s.lines, &part) != nil || len(part) != 1 {
		return nil
	}
	return part[chart]
}

func decodeJSON(b []byte, chart string) ([]Entry, bool) {
	var index struct {
		Entries map[string]json.RawMessage `json:"entries"`
	}
	if bytes.TrimLeft(b, " \t\r\n")[0] != '{' || json.Unmarshal(b, &index) != nil {
		return nil, false
	}
	var entries []Entry
	if raw, ok := index.Entries[chart]; ok && json.Unmarshal(raw, &entries) != nil {
		return nil, false
	}
	return entries, true
}

// missing is the error for a chart without versions. It names charts that look like it.
func missing(entries []Entry, chart string, names []string) error {
	if len(entries) > 0 {
		return nil
	}
	if slices.Contains(names, chart) {
		return fmt.Errorf("%w: %q has no version", ErrNoChart, chart)
	}
	var like []string
	for _, name := range names {
		if strings.Contains(name, chart) || strings.Contains(chart, name) {
			like = append(like, name)
		}
	}
	slices.Sort(like)
	if like = slices.Compact(like); len(like) > 0 {
		return fmt.Errorf("%w: %q; there are %s", ErrNoChart, chart, strings.Join(like[:min(len(like), 5)], ", "))
	}
	return fmt.Errorf("%w: %q", ErrNoChart, chart)
}

// section is what [cut] finds: the lines of one chart, its name as the first, and the names of all charts.
type section struct {
	lines []byte
	names []string
	// helmStyle says that every chart's name stands on a line of its own, so that the names are complete.
	helmStyle bool
}

// cut finds one chart in an index in block style without decoding it.
func cut(b []byte, chart string) section {
	s := section{helmStyle: true}
	indent, inside, start, end := -1, false, -1, -1
	for at := 0; at < len(b); {
		line := b[at:]
		if i := bytes.IndexByte(line, '\n'); i >= 0 {
			line = line[:i+1]
		}
		text := bytes.TrimRight(line, " \t\r\n")
		depth := len(text) - len(bytes.TrimLeft(text, " "))
		switch {
		case len(text) == 0 || text[depth] == '#' || text[depth] == '-' && depth > 0:
		case depth == 0:
			inside, end = string(text) == "entries:", closed(start, end, at)
		case inside && (indent < 0 || depth == indent):
			indent, end = depth, closed(start, end, at)
			name, ok := key(string(text[depth:]))
			s.helmStyle = s.helmStyle && ok
			s.names = append(s.names, name)
			if name == chart && start < 0 {
				start = at
			}
		}
		at += len(line)
	}
	if start >= 0 {
		s.lines = b[start:closed(start, end, len(b))]
	}
	s.helmStyle = s.helmStyle && len(s.names) > 0
	return s
}

// closed is where a section that has begun ends, unless it has ended before.
func closed(start, end, at int) int {
	if start >= 0 && end < 0 && at > start {
		return at
	}
	return end
}

// key reads a line that holds a mapping's key and nothing else.
func key(line string) (string, bool) {
	name, ok := strings.CutSuffix(line, ":")
	if len(name) > 1 && (name[0] == '"' || name[0] == '\'') && name[len(name)-1] == name[0] {
		name = name[1 : len(name)-1]
	}
	return name, ok && !strings.ContainsAny(name, "\"'\\{}[]:&*!|> ")
}
