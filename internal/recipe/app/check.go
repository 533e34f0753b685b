package app

import (
	"fmt"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"
)

var (
	hexDigest    = regexp.MustCompile(`^[0-9a-f]{64}$`)
	variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	wordName     = regexp.MustCompile(`^[a-z][a-z0-9-]*$`)
	versionText  = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$`)
	gitHubName   = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+$`)
)

// Architectures are the words of the platforms that recipes are built for.
func Architectures() []string { return []string{"amd64", "arm64"} }

// platforms are the words of those that the recipe is built for.
func (a *App) platforms() []string {
	if len(a.Platforms.Only) > 0 {
		return a.Platforms.Only
	}
	return Architectures()
}

// checker gathers what is wrong in a decoded recipe.
type checker struct {
	app    *App
	faults Faults
}

func check(a *App) Faults {
	c := &checker{app: a}
	c.head()
	c.version()
	c.resolve()
	for i := range a.Sources {
		c.source(i)
	}
	c.places()
	for i := range a.Edits {
		c.edit(&a.Edits[i])
	}
	c.images()
	c.variables()
	c.steps()
	return c.faults
}

func (c *checker) fault(line int, format string, args ...any) {
	c.faults = append(c.faults, Fault{Line: line, Message: fmt.Sprintf(format, args...)})
}

func (c *checker) head() {
	a := c.app
	if d := strings.TrimSpace(a.Description); d == "" || strings.Contains(d, "\n") {
		c.fault(a.At.Of("description"), "description is one line, neither less nor more")
	}
	if u, err := url.Parse(a.Home); err != nil || u.Scheme != "https" || u.Host == "" {
		c.fault(a.At.Of("home"), "home must be an https URL, not %q", a.Home)
	}
	if n := len(a.Categories); n < 1 || n > 3 {
		c.fault(a.At.Of("categories"), "categories has %d words: one to three are wanted of %s", n, strings.Join(Categories(), ", "))
	}
	for _, word := range a.Categories {
		if !contains(Categories(), word) {
			c.fault(a.At.Of("categories"), "there is no category %q%s", word, meant(word, Categories()))
		}
	}
	c.platforms()
	c.labels()
	c.requires()
	for _, u := range a.Unchecked {
		c.local(u.At.Of("path"), "path", u.Path)
	}
	for _, f := range []struct{ key, path string }{{"init", a.Init}, {"kubefile", a.Kubefile}} {
		if f.path != "" {
			c.local(a.At.Of(f.key), f.key, f.path)
		}
	}
}

var labelName = regexp.MustCompile(`^[a-z0-9]+([._-][A-Za-z0-9]+)*$`)

func (c *checker) labels() {
	for _, l := range c.app.Labels {
		if !labelName.MatchString(l.Key) {
			c.fault(l.Line, "%q cannot be a label: it is as org.example.word", l.Key)
		}
		if strings.ContainsAny(l.Value, "\n\x00") {
			c.fault(l.Line, "the label %s has several lines", l.Key)
		}
		c.known(l.Line, l.Value, 0)
	}
}

func (c *checker) platforms() {
	p := c.app.Platforms
	for i, arch := range p.Only {
		if !contains(Architectures(), arch) {
			c.fault(p.At.Line, "there is no platform %q%s", arch, meant(arch, Architectures()))
		}
		if slices.Contains(p.Only[:i], arch) {
			c.fault(p.At.Line, "platforms has %s twice", arch)
		}
	}
	if n := len(p.Only); n > 0 && n < len(Architectures()) && p.Reason == "" {
		c.fault(p.At.Line, "platforms leaves one out and does not say why: write platforms: {only: [%s], reason: …}", strings.Join(p.Only, ", "))
	}
}

func (c *checker) constraint(line int, what, text string) {
	if text == "" {
		return
	}
	if _, err := semver.NewConstraint(text); err != nil {
		c.fault(line, "%s is no semver range: %q; the form is \">=1.2 <2\"", what, text)
	}
}

func (c *checker) version() {
	v := c.app.Version
	c.constraint(v.At.Of("range"), "range", v.Range)
	if v.Range != "" && len(v.Only) > 0 {
		c.fault(v.At.Of("only"), "only names the versions, so that range has no meaning beside it")
	}
	for _, one := range append(slices.Clone(v.Only), v.Example) {
		if !versionText.MatchString(one) || strings.Contains(one, "..") {
			c.fault(v.At.Of("only"), "%q cannot be a version: it has to be the tag of an image", one)
		} else if written := v.Write(one); written != one {
			c.fault(v.At.Of("example"), "%s is written %s where v is %s", one, written, v.V)
		}
	}
	if err := v.Serves(v.Example); err != nil && len(c.faults) == 0 {
		c.fault(v.At.Of("example"), "example %s: %v", v.Example, err)
	}
	for _, tag := range v.Moving {
		if !versionText.MatchString(tag) {
			c.fault(v.At.Of("moving"), "%q cannot be a tag", tag)
		}
	}
	c.releases(v)
}

func (c *checker) releases(v Version) {
	if v.TagPrefix != "" && !strings.HasPrefix(v.Releases, "github:") {
		c.fault(v.At.Of("tag-prefix"), "tag-prefix is of releases on GitHub: add releases: github:OWNER/NAME")
	}
	name, isGitHub := strings.CutPrefix(v.Releases, "github:")
	address, isURL := strings.CutPrefix(v.Releases, "url:")
	switch {
	case v.Releases == "", v.Releases == "none", isGitHub && gitHubName.MatchString(name):
	case isURL:
		c.address(v.At.Of("releases"), "releases", address)
	default:
		c.fault(v.At.Of("releases"), "releases is %q: it is github:OWNER/NAME, url:https://… or none", v.Releases)
	}
}

func (c *checker) resolve() {
	for _, r := range c.app.Resolve {
		if !wordName.MatchString(r.Key) || contains(fixedPlaceholders(), r.Key) {
			c.fault(r.Line, "resolve cannot define {%s}: a name has lower-case letters, digits and dashes, and is not one of %s", r.Key, strings.Join(fixedPlaceholders(), ", "))
		}
		if !gitHubName.MatchString(r.Value.GitHub) {
			c.fault(r.Value.At.Of("github"), "github is %q: it is OWNER/NAME", r.Value.GitHub)
		}
		c.constraint(r.Value.At.Of("range"), "range", r.Value.Range)
	}
}

// local refuses a path that is not one inside the context.
func (c *checker) local(line int, key, p string) {
	if p == "" || path.IsAbs(p) || strings.Contains(p, `\`) || path.Clean(p) != strings.TrimSuffix(p, "/") || p == ".." || strings.HasPrefix(p, "../") {
		c.fault(line, "%s is %q: it must be a relative path inside the context, written plainly", key, p)
	}
}

// address refuses what is not a URL once its placeholders are filled in.
func (c *checker) address(line int, key, text string) {
	filled := replaceEach(text, func(string) string { return "1" })
	u, err := url.Parse(filled)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		c.fault(line, "%s is %q: it must be an https URL", key, text)
	case u.User != nil:
		c.fault(line, "%s has a user name or password in it: what is secret is not in a recipe", key)
	}
}

// known refuses placeholders that nothing fills in.
func (c *checker) known(line int, text string, sources int, more ...string) {
	known := append(c.app.known(sources), more...)
	for _, name := range placeholders(text) {
		switch {
		case contains(known, name):
		case contains(c.app.known(len(c.app.Sources)), name):
			c.fault(line, "{%s} is not known yet: sources are downloaded in the order of the file, and the one that it is of does not stand before this", name)
		default:
			c.fault(line, "there is no placeholder {%s}%s; the text itself is written \\{%s}", name, meant(name, known), name)
		}
	}
}

func (c *checker) images() {
	for _, i := range c.app.Images.Ignore {
		c.known(i.At.Line, i.Image, len(c.app.Sources))
		if strings.Contains(strings.TrimSuffix(i.Image, "*"), "*") {
			c.fault(i.At.Of("image"), "ignore is %q: a * stands at the end, for any tag", i.Image)
		}
	}
	for _, m := range c.app.Images.FetchFrom {
		for _, p := range []string{m.Prefix, m.From} {
			if p == "" || strings.Contains(p, "://") || strings.ContainsAny(p, " =#") || !strings.Contains(strings.SplitN(p, "/", 2)[0], ".") {
				c.fault(m.At.Line, "fetch-from has %q: it is the beginning of image names with the registry in front, such as docker.io/bitnami", p)
			}
		}
	}
}

// The least and the most characters of a generated value, and how many it has when nothing is said.
const (
	minGenerated     = 12
	maxGenerated     = 64
	defaultGenerated = 36
)

func (c *checker) generated(v Pair[Variable]) {
	switch n := v.Value.Length; {
	case !v.Value.At.Has("length"):
	case v.Value.Generate == "":
		c.fault(v.Value.At.Of("length"), "%s is not generated, so that it has no length", v.Key)
	case n < minGenerated || n > maxGenerated:
		c.fault(v.Value.At.Of("length"), "%s has %d characters: a generated value has %d to %d", v.Key, n, minGenerated, maxGenerated)
	}
}

// reserved are variables that mean something already.
func reserved() []string {
	return []string{"PATH", "HOME", "PWD", "SHELL", "IFS", "BASH_ENV", "ENV", "uninstall", "LD_PRELOAD", "LD_LIBRARY_PATH", "UID", "REPLY", "TMPDIR", "work", "arguments", "classes"}
}

// releaseOf is the release that brings a variable itself; empty when there is none.
func (a *App) releaseOf(variable string) string {
	for i := range a.Start {
		if contains(a.Start[i].ReleaseVariables(), variable) {
			return a.Start[i].Helm
		}
	}
	return ""
}

func (c *checker) variables() {
	for _, v := range c.app.Variables {
		switch {
		case !variableName.MatchString(v.Key):
			c.fault(v.Line, "%q cannot be a variable: it has letters, digits and _", v.Key)
		case contains(reserved(), v.Key):
			c.fault(v.Line, "the variable %s means something else already", v.Key)
		case c.app.releaseOf(v.Key) != "":
			c.fault(v.Line, "%s is a variable of the release %s already, and its default is what the step says", v.Key, c.app.releaseOf(v.Key))
		case v.Value.Required && (v.Value.Default != nil || v.Value.Generate != ""):
			c.fault(v.Line, "%s is required, so that it has no default and is not generated", v.Key)
		case v.Value.Generate != "" && v.Value.Default != nil:
			c.fault(v.Line, "%s is generated, so that it has no default", v.Key)
		case v.Value.Default == nil && !v.Value.Required && v.Value.Generate == "":
			c.fault(v.Line, "%s has none of default, required and generate: write default: \"\" where it may be left out", v.Key)
		}
		c.generated(v)
		if d := v.Value.Default; d != nil && strings.ContainsAny(d.Text, "\n\x00") {
			c.fault(v.Line, "the default of %s has several lines: a variable of an image has one", v.Key)
		}
		if strings.Contains(strings.ToLower(v.Key), "password") && v.Value.Default != nil && v.Value.Default.Text != "" {
			c.fault(v.Line, "%s has a default, which everybody knows: write generate: password, or required: true", v.Key)
		}
	}
}
