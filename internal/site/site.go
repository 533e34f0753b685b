// Package site writes the catalogue as a static site: a page that lists and searches all applications, and a page of each, in English and Chinese.
//
// The pages load nothing from elsewhere and work from a directory of files as well as from a server. The same catalogue gives the same bytes.
package site

import (
	"bytes"
	"cmp"
	"embed"
	"encoding/json"
	"fmt"
	"slices"
)

//go:embed assets
var assetFiles embed.FS

// Options say what to write and where.
type Options struct {
	Catalogue Catalogue
	// Output is the directory. It is made, or takes the place of what an earlier run wrote there; a directory with anything else in it is refused.
	Output string
	// Extra are more files, by their path in the site.
	Extra map[string][]byte
}

// Summary is what was written.
type Summary struct {
	Output string `json:"output"`
	Apps   int    `json:"apps"`
	Files  int    `json:"files"`
	Bytes  int64  `json:"bytes"`
}

// Write writes the site. It appears whole or not at all.
func Write(o Options) (Summary, error) {
	_, o.Catalogue.Schema = o.Extra[SchemaFile]
	files, err := Files(o.Catalogue)
	if err != nil {
		return Summary{}, err
	}
	for path, content := range o.Extra {
		files[path] = content
	}
	if err := replace(o.Output, files); err != nil {
		return Summary{}, err
	}
	s := Summary{Output: o.Output, Apps: len(o.Catalogue.Apps), Files: len(files)}
	for _, content := range files {
		s.Bytes += int64(len(content))
	}
	return s, nil
}

// Files are the contents of the site by path.
func Files(c Catalogue) (map[string][]byte, error) {
	c.Apps = slices.Clone(c.Apps)
	slices.SortFunc(c.Apps, func(a, b App) int { return cmp.Compare(a.Name, b.Name) })
	files, err := assets()
	if err != nil {
		return nil, err
	}
	data, err := json.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("write catalogue.json: %w", err)
	}
	files["catalogue.json"] = append(data, '\n')
	files["assets/inside.js"] = inside(c.Apps)
	for _, language := range languages() {
		if err := render(files, c, language); err != nil {
			return nil, err
		}
	}
	return files, nil
}

// assets are the files that are the same for every catalogue.
func assets() (map[string][]byte, error) {
	entries, err := assetFiles.ReadDir("assets")
	if err != nil {
		return nil, fmt.Errorf("read assets: %w", err)
	}
	files := map[string][]byte{}
	for _, e := range entries {
		content, err := assetFiles.ReadFile("assets/" + e.Name())
		if err != nil {
			return nil, fmt.Errorf("read assets: %w", err)
		}
		files["assets/"+e.Name()] = content
	}
	return files, nil
}

// inside is a script with the images of each application, so that a search finds what an image holds. A script, since a page that is opened as a file
// may not fetch data.
func inside(apps []App) []byte {
	images := map[string][]string{}
	for _, a := range apps {
		if refs := references(a.Versions); len(refs) > 0 {
			images[a.Name] = refs
		}
	}
	var b bytes.Buffer
	b.WriteString("window.inside = ")
	_ = json.NewEncoder(&b).Encode(images) // strings always encode
	return b.Bytes()
}

// references are the images of the newest version that has any recorded.
func references(versions []Version) []string {
	for _, v := range versions {
		var refs []string
		for _, i := range v.Images {
			refs = append(refs, i.Ref)
		}
		if len(refs) > 0 {
			return refs
		}
	}
	return nil
}
