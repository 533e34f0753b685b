package site

import (
	"cmp"
	"html/template"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/labring-actions/cluster-image/internal/profile"
	"github.com/labring-actions/cluster-image/internal/progress"
)

// functions are what the templates call.
func functions(w words, registry string) template.FuncMap {
	image := func(app, version string) string { return strings.TrimSuffix(registry, "/") + "/" + app + ":" + version }
	return template.FuncMap{
		"t": w.say, "n": w.count, "category": w.category,
		"about": w.about, "notes": notes,
		"kind": func(s profile.Source) (string, error) { return w.say("kind-" + s.Kind) },
		"size": progress.Bytes, "short": shortDigest, "host": host, "breakable": breakable, "linkable": linkable, "monogram": monogram,
		"day":      func(t time.Time) string { return t.UTC().Format(time.DateOnly) },
		"stamp":    func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
		"join":     func(words []string) string { return strings.Join(words, ", ") },
		"words":    func(words []string) string { return strings.Join(words, " ") },
		"image":    image,
		"featured": featured,
		"newest":   newest,
		"locked":   locked,
		"tell":     tell,
		"names":    versionNames,
		"columns":  columns,
		"command":  func(id, text string) command { return command{id, text} },
		"run": func(a App, version string) string {
			return "sealos run " + image(a.Name, version) + demanded(a.Variables)
		},
		"uninstall": func(a App, version string) string {
			return "sealos run " + image(a.Name, version) + " -e uninstall=true"
		},
	}
}

// command is a line for a shell, with the name by which the page's script finds it.
type command struct{ ID, Text string }

// demanded are the options for the variables that have no default.
func demanded(vs []profile.Variable) string {
	var b strings.Builder
	for _, v := range vs {
		if v.Required {
			b.WriteString(" -e " + v.Name + "=VALUE")
		}
	}
	return b.String()
}

// shortDigest is enough of a digest to compare by eye.
func shortDigest(digest string) string {
	_, hex, _ := strings.Cut(digest, ":")
	return hex[:min(len(hex), 12)]
}

// monogram is two letters that stand for an application in place of a picture.
func monogram(name string) string {
	parts := strings.FieldsFunc(name, func(r rune) bool { return r == '-' })
	if len(parts) > 1 {
		return parts[0][:1] + parts[1][:1]
	}
	return name[:min(len(name), 2)]
}

// own are the versions that the page's recipe is for. One that another recipe is for may be another program, with variables of its own.
func own(a App) []Version {
	return slices.DeleteFunc(slices.Clone(a.Versions), func(v Version) bool {
		return slices.ContainsFunc(a.Others, func(o profile.Profile) bool { return o.Dir == v.Name })
	})
}

// newest is the version that a page begins with: the first that is recorded or known, else the recipe's example.
func newest(a App) Version {
	if versions := own(a); len(versions) > 0 {
		return versions[0]
	}
	return Version{Name: cmp.Or(a.Example, "VERSION")}
}

// featured is the application that the list shows as an example: nginx where a version of it is known, else the first of which one is.
func featured(apps []App) *App {
	var first *App
	for i := range apps {
		if len(apps[i].Versions) == 0 {
			continue
		}
		if apps[i].Name == "nginx" {
			return &apps[i]
		}
		if first == nil {
			first = &apps[i]
		}
	}
	return first
}

// tell says whether there is more to say of any version than its name.
func tell(versions []Version) bool {
	return slices.ContainsFunc(versions, func(v Version) bool { return v.Locked || v.Build != nil })
}

// versionNames are the names of versions, in one line.
func versionNames(versions []Version) string {
	var out []string
	for _, v := range versions {
		out = append(out, v.Name)
	}
	return strings.Join(out, ", ")
}

// locked is the newest version of which is recorded what it holds; nil when there is none.
func locked(a App) *Version {
	versions := own(a)
	if i := slices.IndexFunc(versions, func(v Version) bool { return v.Locked }); i >= 0 {
		return &versions[i]
	}
	return nil
}

// columns are the platforms that the images of a version have.
func columns(v Version) []string {
	seen := map[string]bool{}
	for _, i := range v.Images {
		for p := range i.Sizes {
			seen[p] = true
		}
	}
	for p := range v.Sizes {
		seen[p] = true
	}
	return slices.Sorted(maps.Keys(seen))
}

// linkable says whether an address can be opened as it is: one with placeholders can't.
func linkable(address string) bool {
	return strings.HasPrefix(address, "https://") && !strings.ContainsAny(address, "{}")
}

// host is the part of an address that people read.
func host(address string) string {
	if u, err := url.Parse(address); err == nil && u.Host != "" {
		return strings.TrimPrefix(u.Host, "www.") + strings.TrimSuffix(u.Path, "/")
	}
	return address
}

// breakable lets a long reference or address break after a slash.
func breakable(text string) template.HTML {
	return template.HTML(strings.NewReplacer("//", "//<wbr>", "/", "/<wbr>").Replace(template.HTMLEscapeString(text)))
}
