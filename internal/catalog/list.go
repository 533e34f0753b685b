package catalog

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"

	"github.com/labring-actions/cluster-image/internal/recipe"
)

// maxReadme bounds what is read of a README, in bytes.
const maxReadme = 256 << 10

// Entry is one application in a listing.
type Entry struct {
	Name string `json:"name"`
	// Versions are the directories there are, the newest first; latest, which serves any version, is at the end.
	Versions []string `json:"versions"`
	// About is the description of app.yaml, or the first paragraph of the README in one line; empty without both.
	About string `json:"about,omitempty"`
}

// List gives the applications whose name or first paragraph has the word in it, whatever its case; the empty word gives all.
func (c *Catalog) List(word string) ([]Entry, error) {
	names, err := c.names()
	if err != nil {
		return nil, err
	}
	word = strings.ToLower(word)
	out := []Entry{}
	for _, name := range names {
		e, err := c.entry(name)
		if err != nil {
			return nil, err
		}
		if strings.Contains(strings.ToLower(e.Name+"\n"+e.About), word) {
			out = append(out, e)
		}
	}
	return out, nil
}

func (c *Catalog) entry(name string) (Entry, error) {
	versions, err := c.versions(name)
	if err != nil {
		return Entry{}, err
	}
	readme, err := c.readme(name)
	if err != nil {
		return Entry{}, err
	}
	about := paragraph(readme)
	if described := c.description(name, versions); described != "" {
		about = described
	}
	return Entry{Name: name, Versions: versions, About: about}, nil
}

// description is what the app.yaml of latest, or else of the newest version, says the application is; empty when there is none that can be read.
func (c *Catalog) description(name string, versions []string) string {
	dirs := slices.Clone(versions)
	slices.Reverse(dirs)
	if len(dirs) > 0 && dirs[0] != latest {
		slices.Reverse(dirs)
	}
	for _, dir := range dirs {
		if !c.isDeclarative(name, dir) {
			continue
		}
		if r, err := c.load(name, dir, dir); err == nil {
			return strings.TrimSpace(r.App.Description)
		}
	}
	return ""
}

// App is what the catalogue knows of one application.
type App struct {
	Entry
	Origin  string          `json:"origin"`
	Recipes []RecipeSummary `json:"recipes"`
	// Readme is the whole text of the README; empty without one.
	Readme string `json:"readme,omitempty"`
}

// RecipeSummary is one directory of an application.
type RecipeSummary struct {
	Dir string `json:"dir"`
	// Platforms are those that the recipe is limited to; empty when it serves any.
	Platforms []string `json:"platforms,omitempty"`
	Files     []string `json:"files"`
	// Mirrors are written as in mirrors.txt, with their reasons.
	Mirrors []string `json:"mirrors,omitempty"`
}

// Show gives what there is of one application.
func (c *Catalog) Show(name string) (App, error) {
	if err := CheckName(name); err != nil {
		return App{}, err
	}
	e, err := c.entry(name)
	if err != nil {
		return App{}, err
	}
	app := App{Entry: e, Origin: c.origin}
	if app.Readme, err = c.readme(name); err != nil {
		return App{}, err
	}
	for _, dir := range e.Versions {
		r, err := c.load(name, dir, dir)
		if err != nil {
			return App{}, err
		}
		s, err := summary(r)
		if err != nil {
			return App{}, err
		}
		app.Recipes = append(app.Recipes, s)
	}
	return app, nil
}

func summary(r recipe.Recipe) (RecipeSummary, error) {
	s := RecipeSummary{Dir: r.Dir, Platforms: r.Platforms}
	for _, m := range r.Mirrors {
		s.Mirrors = append(s.Mirrors, m.Prefix+"="+m.Target+"  # "+m.Reason)
	}
	err := fs.WalkDir(r.FS, ".", func(path string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			s.Files = append(s.Files, path)
		}
		return err
	})
	if err != nil {
		return RecipeSummary{}, fmt.Errorf("list recipe %s: %w", r, err)
	}
	return s, nil
}

// readme is the text of an application's README.md; empty without one.
func (c *Catalog) readme(name string) (string, error) {
	f, err := c.fsys.Open(name + "/README.md")
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read README of %s: %w", name, err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxReadme))
	if err != nil {
		return "", fmt.Errorf("read README of %s: %w", name, err)
	}
	return string(b), nil
}

// paragraph is the first run of lines that is neither a heading nor empty, joined.
func paragraph(text string) string {
	var words []string
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		heading := strings.HasPrefix(line, "#")
		if (line == "" || heading) && len(words) > 0 {
			break
		}
		if line != "" && !heading {
			words = append(words, line)
		}
	}
	return strings.Join(words, " ")
}
