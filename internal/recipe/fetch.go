package recipe

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/labring-actions/cluster-image/internal/failure"
	"github.com/labring-actions/cluster-image/internal/lock"
	"github.com/labring-actions/cluster-image/internal/recipe/app"
	"github.com/labring-actions/cluster-image/internal/source"
)

// fetcher carries a declarative recipe out for one platform.
type fetcher struct {
	recipe   Recipe
	platform string
	// root is the context, tmp a directory for what is only looked at.
	root   *os.Root
	tmp    string
	client *source.Client
	lock   *lock.Lock
	record *Record
	scope  app.Scope
	files  int
}

// declared fetches the sources and makes the edits of a declarative recipe.
func (w workplace) declared(ctx context.Context, root *os.Root, r Recipe, platform string, o Options) (*fetcher, error) {
	f := &fetcher{recipe: r, platform: platform, root: root, tmp: w.tmp, client: o.Sources, lock: o.Lock, record: o.Record, scope: r.scope(platform)}
	f.scope.Words = map[string]string{}
	if f.client == nil {
		f.client = &source.Client{}
	}
	if err := f.resolve(ctx); err != nil {
		return nil, f.failed(err)
	}
	for i := range r.App.Sources {
		if err := f.source(ctx, i); err != nil {
			return nil, f.failed(err)
		}
	}
	for i := range r.App.Edits {
		if err := f.edit(i); err != nil {
			return nil, f.failed(err)
		}
	}
	return f, nil
}

// failed says for what an error is, and whose turn it is.
func (f *fetcher) failed(err error) error {
	out := &failure.Failure{Class: failure.Recipe, Err: fmt.Errorf("%s for %s: %w", f.recipe, f.platform, err)}
	if errors.Is(err, source.ErrSource) {
		out.Class = failure.Source
	}
	return out
}

// resolve finds the releases that the recipe asks for by name.
func (f *fetcher) resolve(ctx context.Context) error {
	for _, r := range f.recipe.App.Resolve {
		tag, err := f.release(ctx, r)
		if err != nil {
			return fmt.Errorf("%s:%d: resolve {%s}: %w", app.File, r.Line, r.Key, err)
		}
		f.scope.Words[r.Key] = strings.TrimPrefix(tag, r.Value.Prefix)
		f.record.resolved(r.Key, tag)
	}
	return nil
}

func (f *fetcher) release(ctx context.Context, r app.Pair[app.Release]) (string, error) {
	if f.lock != nil {
		if tag := f.lock.Resolved[r.Key]; tag != "" {
			return tag, nil
		}
		return "", drift("the release {%s} is not in the lock", r.Key)
	}
	return f.client.NewestRelease(ctx, r.Value.GitHub, r.Value.Prefix, r.Value.Range)
}

func drift(format string, args ...any) error {
	return &lock.Drift{Differences: []string{fmt.Sprintf(format, args...)}}
}

// source fetches one source and puts what it gives into the context.
func (f *fetcher) source(ctx context.Context, i int) error {
	ok, err := f.recipe.App.Fetches(i, f.scope)
	if err != nil || !ok {
		return err
	}
	src, err := f.recipe.App.Fetch(i, f.scope)
	if err != nil {
		return err
	}
	one := &fetching{fetcher: f, Fetch: src}
	if err := one.pin(); err != nil {
		return err
	}
	if err := one.run(ctx); err != nil {
		return one.explain(ctx, err)
	}
	return nil
}

// fetching is one source being fetched. What is told of it gathers in the input.
type fetching struct {
	*fetcher
	app.Fetch
	input lock.Input
	// locked is the checksum that the lock has; empty without a lock.
	locked string
}

// wanted is the checksum that the download must have; empty when nothing says so.
func (f *fetching) wanted() string { return cmp.Or(f.locked, f.Sum) }

// explain says which source failed, and where a file is not there, which versions there are.
func (f *fetching) explain(ctx context.Context, err error) error {
	if wrong := (*source.Mismatch)(nil); f.pinned() && errors.As(err, &wrong) {
		return drift("%s:%d: %s: %s: it is sha256:%s, the lock says sha256:%s", app.File, f.At.Line, f.Kind, wrong.Of, wrong.Is, wrong.Want)
	}
	err = fmt.Errorf("%s:%d: %s: %w", app.File, f.At.Line, f.Kind, err)
	if !errors.Is(err, source.ErrMissing) || f.recipe.App.Version.Releases == "" || f.lock != nil {
		return err
	}
	if near := f.client.Nearest(ctx, f.recipe.App.Version.Releases, f.recipe.App.Version.TagPrefix, f.recipe.Version); len(near) > 0 {
		return fmt.Errorf("%w; the nearest versions are %s", err, strings.Join(near, ", "))
	}
	return err
}

// pin takes from the lock what the source is.
func (f *fetching) pin() error {
	f.input = lock.Input{Source: f.named()}
	if f.PerPlatform {
		f.input.Platform = f.platform
	}
	if f.lock == nil || f.Kind == app.KindImages && f.Address == "" {
		return nil
	}
	pinned, ok := f.lock.Input(f.input.Source, f.platform)
	switch {
	case !ok:
		return drift("%s:%d: %s: it is not in the lock", app.File, f.At.Line, f.input.Source)
	case pinned.SHA256 == "":
		return drift("%s:%d: %s: the lock has no checksum of it", app.File, f.At.Line, f.input.Source)
	case f.Sum != "" && f.Sum != pinned.SHA256:
		return drift("%s:%d: %s: the recipe says sha256:%s, the lock sha256:%s", app.File, f.At.Line, f.input.Source, f.Sum, pinned.SHA256)
	}
	f.input, f.locked = pinned, pinned.SHA256
	return nil
}

// named is how the lock calls the source. Of a repository the parts belong to it, since these are what has a checksum, and several sources may take
// theirs from one.
func (f *fetching) named() string {
	if f.Kind == app.KindGit {
		return fmt.Sprintf("%s (%s)", f.Asked(), strings.Join(f.Pick.Keys(), ", "))
	}
	return f.Asked()
}

// pinned says that the lock knows the source.
func (f *fetching) pinned() bool { return f.locked != "" }

func (f *fetching) run(ctx context.Context) error {
	switch f.Kind {
	case app.KindImages:
		return f.images(ctx)
	case app.KindGit:
		return f.git(ctx)
	}
	file, err := f.file(ctx)
	if err != nil {
		return err
	}
	defer os.Remove(file)
	f.record.took(f.Index, f.input)
	switch {
	case f.Kind == app.KindChart:
		return f.chart(ctx, file)
	case len(f.Files()) > 0:
		return f.unpack(ctx, file, f.Files(), f.Strip)
	}
	return f.place(file)
}

// file downloads what the source is to a file of its own.
func (f *fetching) file(ctx context.Context) (string, error) {
	to, err := f.fresh()
	if err != nil {
		return "", err
	}
	var got source.Got
	switch {
	case f.IsIndexed():
		got, err = f.indexed(ctx, to)
	case f.IsOCI():
		got, err = f.pull(ctx, to)
	default:
		f.input.URL = f.Address
		got, err = f.client.Download(ctx, source.File{URL: f.Address, SHA256: f.wanted(), SHA256URL: f.SHA256URL}, to)
	}
	f.input.SHA256, f.input.Size = got.SHA256, got.Size
	return to, err
}

// fresh is the path of a file that is not there yet.
func (f *fetcher) fresh() (string, error) {
	f.files++
	return filepath.Join(f.tmp, fmt.Sprintf("source-%d", f.files)), nil
}

// indexed downloads a chart that the index of its repository knows.
func (f *fetching) indexed(ctx context.Context, to string) (source.Got, error) {
	if !f.pinned() {
		found, err := f.client.FindChart(ctx, source.Query{
			Repository: f.Repo, Chart: f.Chart, Version: f.Source.Version, AppVersion: f.AppVersion, Exact: f.recipe.App.Sources[f.Index].FollowsVersion(),
		})
		if err != nil {
			return source.Got{}, err
		}
		if found.URL == "" {
			return source.Got{}, fmt.Errorf("%w: the index of %s does not say where the chart %s %s is: its entry has no urls", source.ErrSource, f.Repo, f.Chart, found.Version)
		}
		f.input.URL, f.input.Version, f.input.AppVersion = found.URL, found.Version, found.AppVersion
		f.Sum = cmp.Or(f.Sum, found.Digest)
	}
	f.versions(f.input.Version, f.input.AppVersion)
	if strings.HasPrefix(f.input.URL, "oci://") {
		return f.pullFrom(ctx, f.input.URL, to)
	}
	return f.client.Download(ctx, source.File{URL: f.input.URL, SHA256: f.wanted(), SHA256URL: f.SHA256URL}, to)
}

// pullFrom pulls a chart whose address has its version, as indexes of charts in registries write it.
func (f *fetching) pullFrom(ctx context.Context, address, to string) (source.Got, error) {
	chart, version := source.PackedChart(address, f.input.Version)
	return f.pullChart(ctx, chart, version, to)
}

func (f *fetching) pull(ctx context.Context, to string) (source.Got, error) {
	if !f.pinned() {
		version, err := f.client.PackedVersion(ctx, f.Chart, f.Source.Version)
		if err != nil {
			return source.Got{}, err
		}
		f.input.URL, f.input.Version = f.Chart, version
	}
	f.versions(f.input.Version, f.input.AppVersion)
	return f.pullChart(ctx, f.Chart, f.input.Version, to)
}

func (f *fetching) pullChart(ctx context.Context, chart, version, to string) (source.Got, error) {
	want := f.wanted()
	if want != "" {
		if got, err := f.client.Cached(want, to); err == nil {
			return got, nil
		}
	}
	got, err := f.client.Pull(ctx, chart, version, to)
	if err == nil && want != "" && got.SHA256 != want {
		err = &source.Mismatch{Of: chart + ":" + version, Is: got.SHA256, Want: want}
	}
	return got, err
}

// versions makes the placeholders of a chart known.
func (f *fetching) versions(version, appVersion string) {
	f.scope.Words[f.Name+".version"], f.scope.Words[f.Name+".app-version"] = version, appVersion
}

// chart unpacks a chart, or leaves it packed where the recipe names an archive.
func (f *fetching) chart(ctx context.Context, file string) error {
	if strings.HasSuffix(f.To, ".tgz") || strings.HasSuffix(f.To, ".tar.gz") {
		return f.place(file)
	}
	if err := f.unpack(ctx, file, app.Map[string]{{Key: ".", Value: f.To}}, 1); err != nil {
		return err
	}
	if f.scope.Words[f.Name+".app-version"] == "" {
		f.readVersions()
	}
	return nil
}

// readVersions takes the versions of a chart that no index told from its Chart.yaml.
func (f *fetching) readVersions() {
	b, err := f.root.ReadFile(filepath.FromSlash(path.Join(f.To, "Chart.yaml")))
	if err != nil {
		return // rendering it will say so
	}
	version, appVersion := app.ChartVersions(b)
	f.versions(cmp.Or(f.input.Version, version), appVersion)
}
