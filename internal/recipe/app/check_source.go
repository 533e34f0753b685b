package app

import (
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// everySource are the keys that any source may have.
func everySource() []string { return []string{"name", "when"} }

// sourceKeys are the keys that a kind of source may have beside those.
func sourceKeys(s *Source) []string {
	sums := []string{"sha256", "sha256-url"}
	switch s.Kind() {
	case KindChart:
		switch {
		case s.IsIndexed():
			return append(sums, "chart", "repo", "version", "app-version", "to")
		case s.IsOCI():
			return []string{"chart", "version", "to", "sha256"}
		}
		return append(sums, "chart", "to")
	case KindManifest:
		return append(sums, "manifest", "to", "arch")
	case KindArchive:
		return append(sums, "archive", "strip", "pick", "arch")
	case KindGit:
		return []string{"git", "ref", "pick"}
	case KindBinary:
		return append(sums, "binary", "extract", "to", "arch", "mode")
	case KindFile:
		return append(sums, "file", "to", "arch", "mode")
	case KindImages:
		return append(sums, "images", "about", "arch")
	}
	return nil
}

func (c *checker) source(i int) {
	s := &c.app.Sources[i]
	kinds := s.kinds()
	if len(kinds) != 1 {
		c.fault(s.At.Line, "a source is exactly one of chart, manifest, archive, git, binary, file and images, and this has %d of them", len(kinds))
		return
	}
	allowed := append(sourceKeys(s), everySource()...)
	for key, line := range s.At.keys {
		if !contains(allowed, key) {
			c.fault(line, "a source of this kind (%s) has no %s%s", kinds[0], key, meant(key, allowed))
		}
	}
	c.constraint(s.At.Of("when"), "when", s.When)
	c.sourceTexts(i, s)
	switch kinds[0] {
	case KindChart:
		c.chart(s)
	case KindArchive, KindGit:
		c.picks(s)
	case KindBinary, KindFile, KindManifest:
		c.download(s)
	case KindImages:
		c.imageList(i, s)
	}
}

// sourceTexts checks what all texts of a source have in common: placeholders and addresses.
func (c *checker) sourceTexts(i int, s *Source) {
	for _, t := range []struct{ key, text string }{
		{"chart", s.Chart}, {"repo", s.Repo}, {"version", s.Version}, {"app-version", s.AppVersion}, {"manifest", s.Manifest}, {"archive", s.Archive},
		{"git", s.Git}, {"ref", s.Ref}, {"binary", s.Binary}, {"file", s.File}, {"images", s.Images.URL}, {"extract", s.Extract.Path}, {"to", s.To},
		{"sha256-url", s.SHA256URL},
	} {
		c.known(s.At.Of(t.key), t.text, i)
		c.noBraces(s.At.Of(t.key), t.text, i)
	}
	for _, p := range append(slices.Clone(s.Pick), s.Extract.Files...) {
		for _, text := range []string{p.Key, p.Value} {
			c.known(p.Line, text, i)
			c.noBraces(p.Line, text, i)
		}
	}
	for _, t := range []struct{ key, address string }{{"repo", s.Repo}, {string(s.Kind()), s.URL()}, {"git", s.Git}, {"sha256-url", s.SHA256URL}} {
		if t.address != "" {
			c.address(s.At.Of(t.key), t.key, t.address)
		}
	}
	if s.To != "" {
		c.local(s.At.Of("to"), "to", filledPath(s.To))
		if contains(ownFiles(), s.To) {
			c.fault(s.At.Of("to"), "to is %q, which is made of the recipe, or says how it is built", s.To)
		}
	}
	if s.Name != "" && !wordName.MatchString(s.Name) {
		c.fault(s.At.Of("name"), "the name %q has more than lower-case letters, digits and dashes", s.Name)
	}
	for _, a := range s.Arch {
		if !contains(Architectures(), a.Key) {
			c.fault(a.Line, "there is no platform %q%s", a.Key, meant(a.Key, Architectures()))
		}
	}
	for arch := range s.SHA256.Of {
		if arch != "" && !contains(Architectures(), arch) {
			c.fault(s.SHA256.Line, "there is no platform %q%s", arch, meant(arch, Architectures()))
		}
	}
	for _, arch := range c.app.platforms() {
		if len(s.SHA256.Of) > 0 && s.SHA256.For(arch) == "" {
			c.fault(s.SHA256.Line, "sha256 has none for %s, which the recipe can be built for: a download of which nobody knows what it is", arch)
		}
	}
	if s.SHA256URL != "" && len(s.SHA256.Of) > 0 {
		c.fault(s.At.Of("sha256-url"), "there is both sha256 and sha256-url: one is enough")
	}
}

// inBraces is what looks like a placeholder and is none.
var inBraces = regexp.MustCompile(`\$?\{+[^{}]*\}+`)

// noBraces refuses what was meant to be a placeholder, such as {ARCH} or ${version}, in texts that have no braces of their own.
func (c *checker) noBraces(line int, text string, sources int) {
	rest := placeholder.ReplaceAllStringFunc(text, func(found string) string {
		if found[0] == '$' || strings.HasPrefix(found, "{{") {
			return found
		}
		return ""
	})
	for _, found := range inBraces.FindAllString(rest, -1) {
		word := strings.ToLower(strings.Trim(found, "${} "))
		c.fault(line, "%s is no placeholder%s", found, meant(strings.ReplaceAll(word, "_", "-"), c.app.known(sources)))
	}
}

func (c *checker) chart(s *Source) {
	switch {
	case s.IsIndexed():
		if s.Repo == "" {
			c.fault(s.At.Line, "the chart %s lacks repo, the https URL of its repository", s.Chart)
		}
		if (s.Version == "") == (s.AppVersion == "") {
			c.fault(s.At.Line, "the chart %s needs one of version (the chart's own) and app-version (the application's)", s.Chart)
		}
	case s.IsOCI():
		if s.Version == "" {
			c.fault(s.At.Line, "the chart %s lacks version", s.Chart)
		}
	case s.To == "" || strings.HasSuffix(s.To, "/"):
		c.fault(s.At.Line, "a chart by URL lacks to: charts/NAME")
	}
	if to := filledPath(s.Places()[0]); to == "charts" || strings.HasPrefix(to, "charts/") && strings.Count(to, "/") > 1 {
		c.fault(s.At.Of("to"), "a chart goes to charts/NAME, not to %s: what lies there is taken for charts", s.To)
	}
	if strings.Contains(s.Chart, " ") {
		c.fault(s.At.Of("chart"), "%q is no chart", s.Chart)
	}
}

func (c *checker) picks(s *Source) {
	if len(s.Pick) == 0 {
		c.fault(s.At.Line, "a source of this kind (%s) lacks pick: {PATH INSIDE: PATH IN THE CONTEXT}", s.Kind())
	}
	for _, p := range s.Pick {
		c.local(p.Line, "pick", filledPath(p.Value))
		if inside := filledPath(p.Key); inside != "." {
			c.local(p.Line, "pick", inside)
		}
		if _, err := path.Match(filledPath(p.Key), ""); err != nil {
			c.fault(p.Line, "%q is no pattern", p.Key)
		}
	}
	if s.Kind() == KindGit && s.Ref == "" {
		c.fault(s.At.Line, "a git source lacks ref: a tag, a branch or a commit")
	}
}

func filledPath(p string) string { return replaceEach(p, func(string) string { return "x" }) }

func (c *checker) download(s *Source) {
	for _, f := range s.Extract.Files {
		c.inside(f.Line, f.Key)
		c.local(f.Line, "extract", filledPath(f.Value))
	}
	if s.Extract.Path != "" {
		c.inside(s.At.Of("extract"), s.Extract.Path)
	}
	if len(s.Extract.Files) > 0 && s.To != "" {
		c.fault(s.At.Of("to"), "extract says where each file goes, so that to has no meaning")
	}
	if s.Mode != "" {
		if n, err := strconv.ParseUint(s.Mode, 8, 16); err != nil || n > 0o777 {
			c.fault(s.At.Of("mode"), "mode is %q: it has three octal digits, such as \"0755\"", s.Mode)
		}
	}
	if s.Kind() == KindFile && s.To == "" {
		c.fault(s.At.Line, "a file lacks to: its path in the context")
	}
}

// inside refuses what is not the path of one program in an archive.
func (c *checker) inside(line int, p string) {
	c.local(line, "extract", filledPath(p))
	if isPattern(p) {
		c.fault(line, "extract is %q: it is the path of one program; what a pattern matches is taken with archive and pick", p)
	}
}

func (c *checker) imageList(i int, s *Source) {
	l := s.Images
	if s.About == "" && len(l.List) > 0 {
		c.fault(s.At.Line, "images that are listed need about: why they cannot be found")
	}
	if l.URL != "" && l.File != "" {
		c.fault(l.At.Line, "images come from a url or from a file, not from both")
	}
	if l.File != "" {
		c.local(l.At.Of("file"), "file", filledPath(l.File))
		c.known(l.At.Of("file"), l.File, i)
		if l.Path == "" && l.Match == "" {
			c.fault(l.At.Line, "images of a file need path (of YAML) or match (a regular expression)")
		}
	}
	if l.Path != "" && l.Match != "" {
		c.fault(l.At.Line, "images are found by path or by match, not by both")
	}
	if l.Path != "" {
		if _, err := ParsePath(l.Path); err != nil {
			c.fault(l.At.Of("path"), "path: %v", err)
		}
	}
	if l.Match != "" {
		if re, err := regexp.Compile(l.Match); err != nil || re.NumSubexp() != 1 {
			c.fault(l.At.Of("match"), "match is %q: it must be a regular expression with one group", l.Match)
		}
	}
	c.known(l.At.Of("join"), l.Join, i, "value")
	if l.Join != "" && !Uses(l.Join, "value") {
		c.fault(l.At.Of("join"), "join lacks {value}, which stands for what was found")
	}
	for _, image := range l.List {
		c.known(l.At.Line, image, i)
	}
}

// places refuses two sources that are the same thing to placeholders or lie in the same place.
func (c *checker) places() {
	ids, places := map[string]int{}, map[string]int{}
	for i := range c.app.Sources {
		s := &c.app.Sources[i]
		if id := s.ID(); id != "" && s.When == "" {
			if first, twice := ids[id]; twice {
				c.fault(s.At.Line, "two sources are called %s, the first in line %d: give one another name", id, first)
			}
			ids[id] = s.At.Line
		}
		for _, to := range s.Places() {
			if first, twice := places[to]; twice && s.When == "" {
				c.fault(s.At.Line, "%s is written twice, first by the source in line %d", to, first)
			}
			if s.When == "" {
				places[to] = s.At.Line
			}
		}
	}
}

// Places are the paths in the context that a source writes, with their placeholders.
func (s *Source) Places() []string {
	switch s.Kind() {
	case KindChart:
		return []string{s.place("charts/", path.Base(s.Chart))}
	case KindManifest:
		return []string{s.place("manifests/", lastElement(s.Manifest))}
	case KindFile:
		return []string{s.place("", lastElement(s.File))}
	case KindBinary:
		return s.binaryPlaces()
	case KindArchive, KindGit:
		var out []string
		for _, p := range s.Pick {
			if !isPattern(p.Key) {
				out = append(out, strings.TrimSuffix(p.Value, "/"))
			}
		}
		return out
	}
	return nil
}

func (s *Source) binaryPlaces() []string {
	if len(s.Extract.Files) > 0 {
		var out []string
		for _, f := range s.Extract.Files {
			out = append(out, f.Value)
		}
		return out
	}
	if s.Extract.Path != "" {
		return []string{s.place("opt/", path.Base(s.Extract.Path))}
	}
	name := lastElement(s.Binary)
	for _, packed := range []string{".gz", ".bz2", ".zst", ".xz"} {
		name = strings.TrimSuffix(name, packed)
	}
	return []string{s.place("opt/", name)}
}

// place is where a file or chart goes: to the path that is given, below it where that ends with a slash, or else to the directory of its kind.
func (s *Source) place(dir, base string) string {
	switch {
	case strings.HasSuffix(s.To, "/"):
		return s.To + base
	case s.To != "":
		return s.To
	}
	return dir + base
}

// lastElement is the file name in a URL.
func lastElement(address string) string {
	address, _, _ = strings.Cut(address, "?")
	return path.Base(address)
}

// isPattern says whether a path stands for all that match it.
func isPattern(p string) bool { return strings.ContainsAny(p, "*?[") }

// Writes are the paths in the context that a source writes, those that its patterns write below included.
func (s *Source) Writes() []string {
	out := s.Places()
	for _, p := range s.Pick {
		if isPattern(p.Key) {
			out = append(out, strings.TrimSuffix(p.Value, "/"))
		}
	}
	return out
}

// isValues says whether a path in charts/ is a file of values and no chart.
func isValues(p string) bool { return strings.HasSuffix(p, ".yaml") || strings.HasSuffix(p, ".yml") }

// Charts are the charts that the context will have: those of the sources, and those that the directory brings.
func (a *App) Charts(vendored []string) []string {
	out := slices.Clone(vendored)
	for i := range a.Sources {
		for _, to := range a.Sources[i].Writes() {
			if path.Dir(to) == "charts" && !isValues(to) && !contains(out, to) {
				out = append(out, to)
			}
		}
	}
	return out
}
