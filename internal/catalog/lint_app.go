package catalog

import (
	"cmp"
	"errors"
	"io/fs"
	"net/netip"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/labring-actions/cluster-image/internal/recipe/app"
)

// reviewed is one declarative recipe being looked at.
type reviewed struct {
	*linter
	at  string
	app *app.App
}

func (l *linter) declarative(name, dir string, a *app.App) {
	r := reviewed{l, path.Join(name, dir), a}
	r.bothKinds()
	r.serves(dir)
	for i := range a.Sources {
		s := &a.Sources[i]
		r.transport(s)
		r.checksum(s)
		r.platformWords(s)
	}
	for i := range a.Start {
		r.start(&a.Start[i])
	}
	r.unused()
	r.plan(name, dir)
}

// plan makes the plan of a version for every platform, which finds what only shows in one version.
func (r reviewed) plan(name, dir string) {
	version := dir
	if dir == latest {
		version = r.app.Version.Example
	}
	loaded, err := r.load(name, version, dir)
	if err != nil {
		r.error(0, "%v", err)
		return
	}
	for _, arch := range app.Architectures() {
		if !loaded.Serves("linux/" + arch) {
			continue
		}
		if _, err := loaded.Plan("linux/" + arch); err != nil {
			var f app.Fault
			if errors.As(err, &f) {
				r.error(f.Line, "version %s: %s", version, f.Message)
			} else {
				r.error(0, "version %s: %v", version, err)
			}
			return
		}
	}
}

func (r reviewed) error(line int, format string, args ...any) {
	r.add(path.Join(r.at, app.File), line, LevelError, format, args...)
}

func (r reviewed) notice(line int, format string, args ...any) {
	r.add(path.Join(r.at, app.File), line, LevelNotice, format, args...)
}

// bothKinds finds files of a classic recipe that app.yaml does not name.
func (r reviewed) bothKinds() {
	named := []string{r.app.Init, r.app.Kubefile}
	for i := range r.app.Start {
		named = append(named, r.app.Start[i].Script, r.app.Start[i].Undo)
	}
	for _, file := range []string{"init.sh", "Kubefile", "Dockerfile", "entrypoint.sh"} {
		if r.has(r.at, file) && !slices.Contains(named, file) {
			r.add(path.Join(r.at, file), 0, LevelError, "%s stands beside it and does not name this file: remove one of them, or name it (init:, kubefile:, or a step with script:)", app.File)
		}
	}
	for file, key := range map[string]string{"build_arch": "platforms", "mirrors.txt": "images.fetch-from", ".sealignore": "images.ignore", "unchecked.txt": "unchecked"} {
		if r.has(r.at, file) {
			r.add(path.Join(r.at, file), 0, LevelError, "%s says this by %s", app.File, key)
		}
	}
	for _, named := range []struct{ key, file string }{{"init", r.app.Init}, {"kubefile", r.app.Kubefile}} {
		if named.file != "" && !r.has(r.at, named.file) {
			r.error(r.app.At.Of(named.key), "%s is %s, which is not there", named.key, named.file)
		}
	}
}

// serves compares the directory's name with the versions that the recipe serves.
func (r reviewed) serves(dir string) {
	v := r.app.Version
	switch {
	case dir == latest:
	case v.Write(dir) != dir:
		r.error(v.At.Of("v"), "the directory is %s, which this recipe writes %s", dir, v.Write(dir))
	case v.Serves(dir) != nil:
		r.error(v.At.Line, "the directory is %s: %v", dir, v.Serves(dir))
	}
}

// transport finds addresses that anybody on the way can change.
func (r reviewed) transport(s *app.Source) {
	for _, a := range []struct{ key, address string }{{"repo", s.Repo}, {string(s.Kind()), s.URL()}, {"git", s.Git}, {"sha256-url", s.SHA256URL}} {
		if u, err := url.Parse(a.address); err == nil && u.Scheme == "http" && !loopback(u.Hostname()) {
			r.error(s.At.Of(a.key), "%s: without TLS anybody on the way can change it: use https", a.address)
		}
	}
}

func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

func (r reviewed) checksum(s *app.Source) {
	versions := len(r.app.Version.Only)
	switch {
	case len(s.SHA256.Of) > 0 && versions != 1 && app.Uses(s.URL(), "version"):
		r.error(s.SHA256.Line, "the checksum is that of one version, and the URL has {version}: use sha256-url, or leave it to the lock")
	case s.URL() != "" && !s.HasChecksum():
		r.notice(s.At.Line, "%s has no checksum: it is recorded in the lock at first use", s.URL())
	}
}

// platformWords finds downloads that would be the same file for every platform, or another one for each where that makes no sense.
func (r reviewed) platformWords(s *app.Source) {
	if len(r.app.Platforms.Only) == 1 || s.Kind() != app.KindBinary {
		return
	}
	perPlatform := app.Uses(s.Binary, "arch") || app.Uses(s.Extract.Path, "arch")
	for _, f := range s.Extract.Files {
		perPlatform = perPlatform || app.Uses(f.Key, "arch")
	}
	if !perPlatform {
		r.error(s.At.Line, "the program is the same for every platform: put {arch} into the URL or into extract; if it is a script, make it a file with mode: \"0755\"")
	}
	if len(s.SHA256.Of) > 0 && s.SHA256.Of[""] != "" && app.Uses(s.Binary, "arch") {
		r.error(s.SHA256.Line, "the URL has {arch}, so that each platform has a checksum of its own: sha256: {amd64: …, arm64: …}")
	}
}

// start compares a step with what the sources and the directory bring.
func (r reviewed) start(s *app.Step) {
	for _, one := range s.Install {
		r.brought(one.At.Line, "install", one.From)
	}
	for _, p := range s.Apply {
		r.brought(s.At.Of("apply"), "apply", p)
	}
	for _, p := range s.ValuesFiles {
		r.brought(s.At.Of("values-files"), "values-files", p)
	}
	if s.Chart != "" {
		r.brought(s.At.Of("chart"), "chart", s.Chart)
	}
	if s.Helm != "" && s.Chart == "" && len(r.charts()) != 1 {
		r.error(s.At.Line, "the release %s does not say which chart, and there are %d (%s): add chart: charts/NAME", s.Helm, len(r.charts()), strings.Join(r.charts(), ", "))
	}
	for _, script := range []string{s.Script, s.Undo} {
		if s.Script != "" && script != "" {
			r.brought(s.At.Of("script"), "script", script)
		}
	}
}

// charts are those that the context will have.
func (r reviewed) charts() []string { return r.app.Charts(r.vendoredCharts()) }

func (r reviewed) vendoredCharts() []string {
	entries, err := fs.ReadDir(r.fsys, path.Join(r.at, "charts"))
	if err != nil {
		return nil
	}
	var out []string
	for _, e := range entries {
		if e.IsDir() || strings.HasSuffix(e.Name(), ".tgz") || strings.HasSuffix(e.Name(), ".tar.gz") {
			out = append(out, "charts/"+e.Name())
		}
	}
	return out
}

// brought refuses a path that neither a source nor the directory brings.
func (r reviewed) brought(line int, key, p string) {
	p = strings.TrimSuffix(strings.TrimPrefix(p, "./"), "/")
	if r.has(r.at, p) || r.has(r.at, p+".tmpl") || r.app.Init != "" { // sealos makes the one of the other
		return
	}
	var places []string
	for i := range r.app.Sources {
		s := &r.app.Sources[i]
		isFile := s.Kind() == app.KindManifest || s.Kind() == app.KindFile || s.Kind() == app.KindBinary && s.Extract.Path == "" && len(s.Extract.Files) == 0
		for _, to := range s.Writes() {
			if to == p || !isFile && strings.HasPrefix(p, to+"/") || strings.HasPrefix(to, p+"/") || to == "." {
				return
			}
			places = append(places, to)
		}
	}
	r.error(line, "%s: neither a source nor the directory brings %s; the sources bring %s", key, p, cmp.Or(strings.Join(places, ", "), "nothing"))
}

// unused finds sources that no step starts.
func (r reviewed) unused() {
	for i := range r.app.Sources {
		s := &r.app.Sources[i]
		if s.Kind() != app.KindChart && s.Kind() != app.KindManifest && s.Kind() != app.KindBinary || r.app.Kubefile != "" {
			continue
		}
		for _, to := range s.Writes() {
			if !r.used(to) {
				r.notice(s.At.Line, "no step of start uses %s", to)
			}
		}
	}
}

func (r reviewed) used(to string) bool {
	for i := range r.app.Start {
		s := &r.app.Start[i]
		if s.Run != "" || s.Script != "" || s.Helm != "" && s.Chart == "" {
			return true
		}
		paths := append(append(slices.Clone([]string(s.Apply)), s.ValuesFiles...), s.Chart)
		for _, one := range s.Install {
			paths = append(paths, one.From)
		}
		for _, p := range paths {
			p = strings.TrimSuffix(strings.TrimPrefix(p, "./"), "/")
			if p != "" && (p == to || strings.HasPrefix(to, p+"/") || strings.HasPrefix(p, to+"/")) {
				return true
			}
		}
	}
	return false
}
