package catalog_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/labring-actions/cluster-image/internal/catalog"
	"github.com/labring-actions/cluster-image/internal/recipe"
)

func TestCheckName(t *testing.T) {
	t.Parallel()
	const hint = "; a name has lower-case letters a-z, digits and dashes, and begins and ends with a letter or digit"
	for name, want := range map[string]string{
		"nginx": "", "a": "", "7zip": "", "cert-manager": "", strings.Repeat("a", 63): "",
		"":                      `the name is empty`,
		strings.Repeat("a", 64): `the name is 64 bytes long, at most 63 can be`,
		"..":                    `invalid name "..": character 1 is '.'` + hint,
		"../x":                  `invalid name "../x": character 1 is '.'` + hint,
		"/etc":                  `invalid name "/etc": character 1 is '/'` + hint,
		"a/../../b":             `invalid name "a/../../b": character 2 is '/'` + hint,
		`a\b`:                   `invalid name "a\\b": character 2 is '\\'` + hint,
		"%2e%2e":                `invalid name "%2e%2e": character 1 is '%'` + hint,
		"a\x00b":                `invalid name "a\x00b": character 2 is the invisible U+0000` + hint,
		"--help":                `invalid name "--help": it begins or ends with a dash` + hint,
		"a-":                    `invalid name "a-": it begins or ends with a dash` + hint,
		"nginx ":                `invalid name "nginx ": character 6 is a blank (U+0020)` + hint,
		"ng\u0456nx":            `invalid name "ng\u0456nx": character 3 is 'і' (U+0456, a Cyrillic letter)` + hint,
		"\uff4eginx":            `invalid name "\uff4eginx": character 1 is 'ｎ' (U+FF4E, a full-width form)` + hint,
		"a\u202exnign":          `invalid name "a\u202exnign": character 2 is the invisible U+202E` + hint,
		"ng\u200binx":           `invalid name "ng\u200binx": character 3 is the invisible U+200B` + hint,
		"nginx\n":               `invalid name "nginx\n": character 6 is the invisible U+000A` + hint,
		"\x1b[2J":               `invalid name "\x1b[2J": character 1 is the invisible U+001B` + hint,
		"a\xffb":                `invalid name "a\xffb": character 2 is the byte 0xFF, which is no UTF-8` + hint,
		"$(curl x|sh)":          `invalid name "$(curl x|sh)": character 1 is '$'` + hint,
		"`id`":                  "invalid name \"`id`\": character 1 is '`'" + hint,
		"a;b":                   `invalid name "a;b": character 2 is ';'` + hint,
		"::set-output":          `invalid name "::set-output": character 1 is ':'` + hint,
		"Nginx":                 `invalid name "Nginx": character 1 is 'N'` + hint,
	} {
		compare(t, name, catalog.CheckName(name), want)
	}
}

func TestCheckVersion(t *testing.T) {
	t.Parallel()
	const hint = "; a version has letters A-Z a-z, digits, dots, underscores and dashes, and begins with a letter, digit or underscore"
	for version, want := range map[string]string{
		"1.23.1": "", "v1.0.0-rc.1": "", "latest": "", "_x": "", "RELEASE.2024-01-01T00-00-00Z": "", strings.Repeat("1", 128): "",
		"":                       `the version is empty`,
		strings.Repeat("1", 129): `the version is 129 bytes long, at most 128 can be`,
		".":                      `invalid version ".": it begins with "."` + hint,
		"..":                     `invalid version "..": it begins with "."` + hint,
		"1..2":                   `invalid version "1..2": it has ".." in it; two dots mean the directory above`,
		"v1/../../x":             `invalid version "v1/../../x": character 3 is '/'` + hint,
		"-e":                     `invalid version "-e": it begins with "-"` + hint,
		"1.2.3 ":                 `invalid version "1.2.3 ": character 6 is a blank (U+0020)` + hint,
		"1.29.1+k3s1":            `invalid version "1.29.1+k3s1": character 7 is '+'` + hint,
		"1.2.3\nthanks":          `invalid version "1.2.3\nthanks": character 6 is the invisible U+000A` + hint,
		"1%0A2":                  `invalid version "1%0A2": character 2 is '%'` + hint,
		"１.2":                    `invalid version "\uff11.2": character 1 is '１' (U+FF11, a full-width form)` + hint,
	} {
		compare(t, version, catalog.CheckVersion(version), want)
	}
}

func compare(t *testing.T, input string, err error, want string) {
	t.Helper()
	got := ""
	if err != nil {
		got = err.Error()
		if !errors.Is(err, catalog.ErrInvalidName) {
			t.Errorf("%q: the error is no ErrInvalidName", input)
		}
	}
	if got != want {
		t.Errorf("%q:\n got %s\nwant %s", input, got, want)
	}
}

// FuzzNames holds that what passes is a single name of a file below its directory and cannot be read as an option.
func FuzzNames(f *testing.F) {
	for _, s := range []string{"nginx", "..", "v1.2.3", "-x", "a\x00", "ngіnx", "%2e%2e", "a/b", `a\b`, "1..2", " ", "\u202e"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, err := range []error{catalog.CheckName(s), catalog.CheckVersion(s)} {
			if err != nil {
				if !errors.Is(err, catalog.ErrInvalidName) || strings.ContainsFunc(err.Error(), func(c rune) bool { return c < ' ' || c == 0x202e }) {
					t.Errorf("%q: error %q", s, err)
				}
				continue
			}
			if !filepath.IsLocal(s) || filepath.Base(s) != s || s[0] == '-' || s[0] == '.' || strings.Contains(s, "..") || len(s) > 128 {
				t.Errorf("%q passed", s)
			}
		}
	})
}

func example() *catalog.Catalog {
	m := fstest.MapFS{}
	for _, name := range []string{
		"README.md", "nginx/README.md", "nginx/latest/Kubefile", "nginx/1.20.0/Kubefile", "nginx/1.9.0/Kubefile", "nginx/1.20.0/mirrors.txt", "cert-manager/latest/Kubefile",
		"cert-manager/latest/build_arch", "longhorn/v1.2.0/Kubefile", "longhorn/v1.10.0/Kubefile", "trailing /latest/Kubefile", "empty/README.md", "bitnami-nginx/latest/Kubefile",
	} {
		m[name] = &fstest.MapFile{}
	}
	m["nginx/README.md"].Data = []byte("# nginx\n\nThe web server,\nby Bitnami's chart.\n\n## More\n\ntext\n")
	m["nginx/1.20.0/mirrors.txt"].Data = []byte("docker.io/bitnami=docker.io/bitnamilegacy # moved\n")
	m["cert-manager/latest/build_arch"].Data = []byte("amd64")
	return catalog.Open(m, recipe.Application, "the test's catalogue")
}

func TestFind(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, version, dir string }{
		{"nginx", "1.20.0", "1.20.0"}, {"nginx", "1.23.1", "latest"}, {"nginx", "v1.20.0", "latest"}, {"nginx", "latest", "latest"}, {"longhorn", "v1.2.0", "v1.2.0"},
	} {
		r, err := example().Find(c.name, c.version)
		if err != nil {
			t.Errorf("%s %s: %v", c.name, c.version, err)
			continue
		}
		if r.Dir != c.dir || r.Name != c.name || r.Version != c.version || r.Kind != recipe.Application {
			t.Errorf("%s %s: %s %s from %s", c.name, c.version, r.Name, r.Version, r.Dir)
		}
		if _, err := fs.Stat(r.FS, "Kubefile"); err != nil {
			t.Errorf("%s %s: %v", c.name, c.version, err)
		}
	}
	if r, err := example().Find("nginx", "1.20.0"); err != nil || len(r.Mirrors) != 1 {
		t.Errorf("mirrors %v, %v", r.Mirrors, err)
	}
	if r, err := example().Find("cert-manager", "1"); err != nil || !slices.Equal(r.Platforms, []string{"linux/amd64"}) {
		t.Errorf("platforms %v, %v", r.Platforms, err)
	}
}

func TestFindErrors(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, version, want string }{
		{"ngixn", "1", `"ngixn" is not in the catalogue (the test's catalogue); did you mean nginx?`},
		{"certmanager", "1", `"certmanager" is not in the catalogue (the test's catalogue); did you mean cert-manager?`},
		{"bitnami", "1", `"bitnami" is not in the catalogue (the test's catalogue); did you mean bitnami-nginx?`},
		{"kubernetes", "1", `"kubernetes" is not in the catalogue (the test's catalogue); cluster-image list shows what is`},
		{"longhorn", "1.10.0", `no recipe for longhorn 1.10.0, and longhorn has no latest (the test's catalogue); its versions are v1.10.0, v1.2.0`},
		{"empty", "1", `the recipe of empty (the test's catalogue) has no directory of any version and no latest`},
	} {
		_, err := example().Find(c.name, c.version)
		if err == nil || err.Error() != c.want || !errors.Is(err, catalog.ErrUnknown) {
			t.Errorf("%s %s:\n got %v\nwant %s", c.name, c.version, err, c.want)
		}
	}
	if _, err := example().Find("..", "../x"); !errors.Is(err, catalog.ErrInvalidName) || !strings.Contains(err.Error(), `version "../x"`) || !strings.Contains(err.Error(), `name ".."`) {
		t.Errorf("both faults should be named: %v", err)
	}
}

// untouchable fails the test when a file is looked for.
type untouchable struct{ t *testing.T }

func (u untouchable) Open(name string) (fs.File, error) {
	u.t.Errorf("%s is opened", name)
	return nil, fs.ErrNotExist
}

func TestNamesAreCheckedBeforeFilesAreTouched(t *testing.T) {
	t.Parallel()
	c := catalog.Open(untouchable{t}, recipe.Application, "nothing")
	for _, bad := range []string{"..", "a/b", "-x", "a\x00", ""} {
		if _, err := c.Find(bad, "1"); err == nil {
			t.Errorf("name %q passed", bad)
		}
		if _, err := c.Find("nginx", bad); err == nil {
			t.Errorf("version %q passed", bad)
		}
		if _, err := c.Show(bad); err == nil {
			t.Errorf("show %q passed", bad)
		}
	}
}

func TestList(t *testing.T) {
	t.Parallel()
	for word, want := range map[string][]string{
		"": {"bitnami-nginx", "cert-manager", "empty", "longhorn", "nginx"}, "NGINX": {"bitnami-nginx", "nginx"}, "bitnami's": {"nginx"}, "none": nil,
	} {
		entries, err := example().List(word)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, e := range entries {
			names = append(names, e.Name)
		}
		if !slices.Equal(names, want) {
			t.Errorf("list %q: %v, want %v", word, names, want)
		}
	}
}

func TestShow(t *testing.T) {
	t.Parallel()
	app, err := example().Show("nginx")
	if err != nil {
		t.Fatal(err)
	}
	if app.About != "The web server, by Bitnami's chart." || !slices.Equal(app.Versions, []string{"1.20.0", "1.9.0", "latest"}) {
		t.Errorf("about %q, versions %v", app.About, app.Versions)
	}
	first := app.Recipes[0]
	if !slices.Equal(first.Files, []string{"Kubefile", "mirrors.txt"}) || !slices.Equal(first.Mirrors, []string{"docker.io/bitnami=docker.io/bitnamilegacy  # moved"}) {
		t.Errorf("first recipe %+v", first)
	}
}

func TestLinksOutOfTheCatalogueAreRefused(t *testing.T) {
	t.Parallel()
	top := t.TempDir()
	for _, dir := range []string{"secret/latest", "apps/good/v1"} {
		if err := os.MkdirAll(filepath.Join(top, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for link, target := range map[string]string{"apps/bad": "../secret", "apps/good/v2": "v1", "apps/good/v3": "../../secret/latest", "apps/good/v1/mirrors.txt": "/etc/passwd"} {
		if err := os.Symlink(target, filepath.Join(top, link)); err != nil {
			t.Fatal(err)
		}
	}
	c, err := catalog.OpenDir(filepath.Join(top, "apps"), recipe.Application)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Find("bad", "1"); err == nil || errors.Is(err, catalog.ErrUnknown) {
		t.Errorf("link out of the catalogue: %v", err)
	}
	if _, err := c.Find("good", "v1"); err == nil {
		t.Error("mirrors.txt leads to /etc/passwd and was read")
	}
	if _, err := c.Find("good", "v3"); !errors.Is(err, catalog.ErrUnknown) {
		t.Errorf("version that leads out of the catalogue: %v", err)
	}
}

// TestRecipeIsNamedByItsPlace: what is wrong in a recipe is told of the file that is meant, whatever its directory is called.
func TestRecipeIsNamedByItsPlace(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "mine")
	if err := os.MkdirAll(filepath.Join(dir, "web", "latest"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "web", "latest", "build_arch"), []byte("sparc"), 0o644); err != nil {
		t.Fatal(err)
	}
	onDisk, err := catalog.OpenDir(dir+"/", recipe.Application)
	if err != nil {
		t.Fatal(err)
	}
	for where, c := range map[string]*catalog.Catalog{
		filepath.ToSlash(dir): onDisk,
		"configs":             catalog.Open(os.DirFS(dir), recipe.Config, "the compiled in catalogue"),
	} {
		_, err := c.Find("web", "1")
		if want := "recipe " + where + "/web/latest: build_arch"; err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}
