package site

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"maps"
	"slices"
	"strings"
)

//go:embed templates/*.html
var templateFiles embed.FS

// view is what a template sees.
type view struct {
	Catalogue
	Language string
	// Root is the way up to the site's root, Base to that of the language, Other the same page in the other language.
	Root, Base, Other string
	// Title is the page's own.
	Title string
	// Categories and Platforms are those of all applications.
	Categories []category
	Platforms  []string
	// App is nil on the list.
	App *App
}

// category is one with the number of its applications.
type category struct {
	Key   string
	Count int
}

// render adds the pages of one language to the files.
func render(files map[string][]byte, c Catalogue, language string) error {
	w, err := loadWords(language)
	if err != nil {
		return err
	}
	pages, err := parse(functions(w, c.Registry))
	if err != nil {
		return fmt.Errorf("read templates: %w", err)
	}
	v := view{Catalogue: c, Language: language, Categories: categories(c.Apps), Platforms: platforms(c.Apps), Title: w["title"]}
	if err := v.page(files, pages, "index.html"); err != nil {
		return err
	}
	for i := range c.Apps {
		v.App, v.Title = &c.Apps[i], c.Apps[i].Name
		if err := v.page(files, pages, "app/"+v.App.Name+".html"); err != nil {
			return err
		}
	}
	return nil
}

// page renders one page; the path is that of the site's first language.
func (v view) page(files map[string][]byte, pages *template.Template, path string) error {
	up := strings.Repeat("../", strings.Count(path, "/"))
	own, other := path, "zh/"+path
	v.Root, v.Base = up, up
	if v.Language == "zh" {
		own, other = other, own
		v.Root = "../" + up
	}
	v.Other = v.Root + other
	name := "list.html"
	if v.App != nil {
		name = "app.html"
	}
	var b bytes.Buffer
	if err := pages.ExecuteTemplate(&b, name, v); err != nil {
		return fmt.Errorf("write page %s: %w", own, err)
	}
	files[own] = b.Bytes()
	return nil
}

// parse reads the templates.
func parse(functions template.FuncMap) (*template.Template, error) {
	pages := template.New("site").Funcs(functions)
	entries, err := templateFiles.ReadDir("templates")
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		text, err := templateFiles.ReadFile("templates/" + e.Name())
		if err != nil {
			return nil, err
		}
		if _, err := pages.New(e.Name()).Parse(tidy(string(text))); err != nil {
			return nil, err
		}
	}
	return pages, nil
}

// tidy takes the margins out of a template, and the line breaks after actions that stand alone.
func tidy(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		b.WriteString(line)
		if line != "" && !(strings.HasPrefix(line, "{{") && strings.HasSuffix(line, "}}")) {
			b.WriteByte('\n')
		}
	}
	return b.String()
}

func categories(apps []App) []category {
	count := map[string]int{}
	for _, a := range apps {
		for _, c := range a.Categories {
			count[c]++
		}
	}
	var out []category
	for _, key := range slices.Sorted(maps.Keys(count)) {
		out = append(out, category{key, count[key]})
	}
	return out
}

func platforms(apps []App) []string {
	seen := map[string]bool{}
	for _, a := range apps {
		for _, p := range a.Platforms {
			seen[p] = true
		}
	}
	return slices.Sorted(maps.Keys(seen))
}
