package app

import (
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Scope is what the placeholders of a recipe stand for in one build.
type Scope struct {
	// Name and Version are the application's, Arch is the platform's word, such as arm64.
	Name, Version, Arch string
	// Words are the versions of charts and releases that are known, by the name of their placeholder.
	Words map[string]string
	// Symbolic leaves placeholders as they are that Words does not have. A plan is made so, since nothing is asked for it.
	Symbolic bool
}

var errUnknown = errors.New("it is not known here")

// Lookup gives what a placeholder stands for.
func (s Scope) Lookup(name string) (string, error) {
	switch name {
	case "name":
		return s.Name, nil
	case "version":
		return s.Version, nil
	case "version-bare":
		return bareVersion(s.Version), nil
	case "version-v":
		return "v" + bareVersion(s.Version), nil
	case "arch":
		return s.Arch, nil
	case "major", "minor", "patch":
		return s.number(name)
	}
	if word, ok := s.Words[name]; ok {
		return word, nil
	}
	if key, ok := strings.CutSuffix(name, "-bare"); ok {
		if word, ok := s.Words[key]; ok {
			return bareVersion(word), nil
		}
	}
	if s.Symbolic {
		return "{" + name + "}", nil
	}
	return "", errUnknown
}

func (s Scope) number(name string) (string, error) {
	v, err := parse(s.Version)
	if err != nil {
		return "", fmt.Errorf("%s is no semver version", s.Version)
	}
	numbers := map[string]uint64{"major": v.Major(), "minor": v.Minor(), "patch": v.Patch()}
	return strconv.FormatUint(numbers[name], 10), nil
}

// with is the scope in which {arch} is the word of one source.
func (s Scope) with(arch Map[string]) Scope {
	if word, ok := arch.Get(s.Arch); ok {
		s.Arch = word
	}
	return s
}

// covers says whether something with this range is there in this version.
func (s Scope) covers(constraint string) (bool, error) {
	if constraint == "" {
		return true, nil
	}
	return InRange(s.Version, constraint)
}

// expander fills in placeholders and keeps the first error.
type expander struct {
	scope Scope
	err   error
}

func (e *expander) text(s string) string {
	out, err := Expand(s, e.scope.Lookup)
	if err != nil && e.err == nil {
		e.err = err
	}
	return out
}

func (e *expander) texts(list []string) []string {
	var out []string
	for _, s := range list {
		out = append(out, e.text(s))
	}
	return out
}

func (e *expander) pairs(m Map[string]) Map[string] {
	var out Map[string]
	for _, p := range m {
		out = append(out, Pair[string]{e.text(p.Key), e.text(p.Value), p.Line})
	}
	return out
}

// node gives a copy of a YAML value with its placeholders filled in.
func (e *expander) node(n *yaml.Node) *yaml.Node {
	if n == nil {
		return nil
	}
	out := *n
	if n.Kind == yaml.ScalarNode {
		if out.Value = e.text(n.Value); out.Value != n.Value && n.Style == 0 {
			out.Tag = "!!str"
		}
	}
	out.Content = nil
	for _, c := range n.Content {
		out.Content = append(out.Content, e.node(c))
	}
	return &out
}

// Fetch is a source with everything filled in for one version and platform.
type Fetch struct {
	Source
	// Kind is the source's; Index is its number in the recipe.
	Kind  Kind
	Index int
	// Address is the one URL that is downloaded; empty when there is none.
	Address string
	// Sum is the checksum that the recipe gives, in hexadecimal; empty when it gives none.
	Sum string
	// Perm is the mode of the file.
	Perm fs.FileMode
	// PerPlatform says that {arch} has a part in it, so that another platform gets something else.
	PerPlatform bool
}

// Fetches says whether a source is used in this version.
func (a *App) Fetches(i int, s Scope) (bool, error) {
	ok, err := s.covers(a.Sources[i].When)
	if err != nil {
		return false, Fault{Line: a.Sources[i].At.Of("when"), Message: err.Error()}
	}
	return ok, nil
}

// Fetch fills a source in.
func (a *App) Fetch(i int, s Scope) (Fetch, error) {
	src := a.Sources[i]
	e := &expander{scope: s.with(src.Arch)}
	f := Fetch{Source: src, Kind: src.Kind(), Index: i, Sum: src.SHA256.For(s.Arch), Perm: permissions(src), PerPlatform: src.perPlatform()}
	for _, field := range []*string{
		&f.Chart, &f.Repo, &f.Source.Version, &f.AppVersion, &f.Manifest, &f.Archive, &f.Git, &f.Ref, &f.Binary, &f.File, &f.Images.URL, &f.Images.File,
		&f.Extract.Path, &f.To, &f.SHA256URL,
	} {
		*field = e.text(*field)
	}
	f.Pick, f.Extract.Files, f.Images.List = e.pairs(src.Pick), e.pairs(src.Extract.Files), e.texts(src.Images.List)
	f.Images.Join = e.text(strings.ReplaceAll(src.Images.Join, "{value}", `\{value}`))
	f.Address = f.URL()
	if f.Name = src.ID(); f.To == "" || strings.HasSuffix(f.To, "/") {
		if places := f.Places(); len(places) == 1 {
			f.To = places[0]
		}
	}
	if e.err != nil {
		return f, Fault{Line: src.At.Line, Message: e.err.Error()}
	}
	return f, nil
}

// Error makes a fault an error of its own.
func (f Fault) Error() string { return f.String() }

func permissions(s Source) fs.FileMode {
	if n, err := strconv.ParseUint(s.Mode, 8, 16); err == nil && s.Mode != "" {
		return fs.FileMode(n)
	}
	if s.Kind() == KindBinary {
		return 0o755
	}
	return 0o644
}

func (s *Source) perPlatform() bool {
	texts := append([]string{s.URL(), s.Extract.Path, s.SHA256URL, s.Images.Join}, s.Images.List...)
	for _, p := range append(append(Map[string]{}, s.Pick...), s.Extract.Files...) {
		texts = append(texts, p.Key)
	}
	for _, t := range texts {
		if Uses(t, "arch") {
			return true
		}
	}
	return len(s.SHA256.Of) > 1
}

// Files are what an archive or a repository gives: path inside, path in the context. Of a single download it is empty.
func (f Fetch) Files() Map[string] {
	switch {
	case len(f.Pick) > 0:
		return f.Pick
	case len(f.Extract.Files) > 0:
		return f.Extract.Files
	case f.Extract.Path != "":
		return Map[string]{{Key: f.Extract.Path, Value: f.To}}
	}
	return nil
}

// ListFile is the file in images/shim that an images source fills.
func (f Fetch) ListFile() string {
	if f.Source.Name != "" {
		return "images/shim/" + f.Source.Name
	}
	return fmt.Sprintf("images/shim/images-%d", f.Index+1)
}
