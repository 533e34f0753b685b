package pipeline

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/labring-actions/cluster-image/internal/discover"
	"github.com/labring-actions/cluster-image/internal/failure"
	"github.com/labring-actions/cluster-image/internal/kubefile"
	"github.com/labring-actions/cluster-image/internal/lock"
	"github.com/labring-actions/cluster-image/internal/recipe"
	"github.com/labring-actions/cluster-image/internal/recipe/app"
	"github.com/labring-actions/cluster-image/internal/reference"
)

// MaybePolicy says what becomes of images that may be needed, or may be something else that looks like one.
type MaybePolicy string

// MaybeInclude takes those that resolve, MaybeList only lists them, MaybeFail treats them as needed.
const (
	MaybeInclude MaybePolicy = "include"
	MaybeList    MaybePolicy = "list"
	MaybeFail    MaybePolicy = "fail"
)

// Need is an image, every place that asks for it, and the platforms whose contexts do.
type Need struct {
	discover.Need
	Platforms []string `json:"platforms"`
}

// Needs is what the contexts of all platforms need.
type Needs struct {
	Needs []Need `json:"needs"`
	// Tars are the images that a context brings as archives, by platform.
	Tars     map[string][]discover.Tar `json:"tars,omitempty"`
	Ignored  []discover.Need           `json:"ignored,omitempty"`
	Warnings []discover.Warning        `json:"warnings,omitempty"`
	// Engine says why a build file of the contexts can only be built by a container engine; empty when none is needed.
	Engine  string `json:"containerEngine,omitempty"`
	mirrors reference.Mirrors
	lock    *lock.Lock
	listed  []listedTar
}

// listedTar is an archive that the command line names, not a context.
type listedTar struct {
	discover.Tar
	platforms []string
}

// Hold has each image taken by the digest that it has in a lock. Images that the lock does not have are an error when the needs are resolved.
func (n *Needs) Hold(l *lock.Lock) { n.lock = l }

// AddTars adds archives that somebody listed, written as in images/skopeo/tar.txt, with files relative to the current directory.
func (n *Needs) AddTars(tars, platforms []string) error {
	for _, s := range tars {
		t, err := discover.ParseTar(s)
		if err != nil {
			return fmt.Errorf("--tars: %w", err)
		}
		if _, err := os.Stat(t.File); err != nil { // before the images of registries are resolved
			return fmt.Errorf("--tars: %w", err)
		}
		n.listed = append(n.listed, listedTar{t, platforms})
	}
	return nil
}

// Needs finds what the contexts need. Contexts that differ only in their binaries are looked at once.
func (e *Engine) Needs(ctx context.Context, contexts ByPlatform) (Needs, error) {
	var out Needs
	err := e.step("discover", "", func() (err error) {
		out, err = e.needs(ctx, contexts)
		return err
	})
	for _, w := range out.Warnings {
		e.Reporter.Warn("%s", warning(w))
	}
	if err != nil {
		return out, at("discover", failure.Recipe, err)
	}
	return out, nil
}

func (e *Engine) needs(ctx context.Context, contexts ByPlatform) (Needs, error) {
	all := collector{byRef: map[reference.Reference]*Need{}, needs: Needs{Tars: map[string][]discover.Tar{}}}
	seen := map[string]discover.Result{}
	for _, p := range contexts.Platforms() {
		dir := contexts[p]
		start, err := startOf(dir, p)
		if errors.Is(err, kubefile.ErrEngine) {
			all.needs.Engine, err = err.Error(), nil
			e.Reporter.Warn("%s; so charts are rendered without the values of its start command", all.needs.Engine)
		}
		if err != nil {
			return Needs{}, err
		}
		key, err := fingerprint(dir, start)
		if err != nil {
			return Needs{}, err
		}
		found, known := seen[key]
		if !known {
			if found, err = e.discover(ctx, dir, start); err != nil {
				return Needs{}, err
			}
			seen[key] = found
		}
		if all.needs.mirrors, err = contextMirrors(dir); err != nil {
			return Needs{}, err
		}
		all.add(p, found, !known)
	}
	return all.result(), nil
}

func (e *Engine) discover(ctx context.Context, dir string, start discover.Start) (discover.Result, error) {
	return discover.Discover(ctx, dir, discover.Options{
		Renderer: e.Renderer, Start: start, Reporter: e.Reporter, Jobs: e.parallel(),
	})
}

// startOf says how the context's application is started; nothing when it has no build file, which matters to the build alone.
func startOf(dir, platform string) (discover.Start, error) {
	k, err := kubefile.Load(dir)
	switch {
	case errors.Is(err, kubefile.ErrNone):
		return discover.Start{}, nil
	case err != nil:
		return discover.Start{}, err
	}
	start, err := k.Start(platform)
	if err != nil {
		return discover.Start{}, err
	}
	env := maps.Clone(start.Env)
	if env == nil {
		env = map[string]string{}
	}
	return discover.Start{Commands: start.Commands, Env: env}, standIns(dir, env)
}

// maxStandIns bounds the file of variables that stand in, in bytes.
const maxStandIns = 64 << 10

// standIns adds the variables that a user must give when the application is started: the context says what stands in for them meanwhile.
func standIns(dir string, env map[string]string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("open context: %w", err)
	}
	defer root.Close()
	info, err := root.Stat(app.RenderFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil || info.Size() > maxStandIns {
		return fmt.Errorf("read %s: it is no small file: %w", app.RenderFile, err)
	}
	b, err := root.ReadFile(app.RenderFile)
	if err != nil {
		return fmt.Errorf("read %s: %w", app.RenderFile, err)
	}
	for line := range strings.Lines(string(b)) {
		name, value, ok := strings.Cut(strings.TrimRight(line, "\r\n"), "=")
		if ok && env[name] == "" && !strings.HasPrefix(name, "#") {
			env[name] = value
		}
	}
	return nil
}

// collector joins what the contexts of several platforms need.
type collector struct {
	byRef map[reference.Reference]*Need
	needs Needs
}

func (c *collector) add(platform string, r discover.Result, first bool) {
	for _, n := range r.Needs {
		have, ok := c.byRef[n.Ref]
		if !ok {
			have = &Need{Need: n}
			c.byRef[n.Ref] = have
		}
		have.Maybe = have.Maybe && n.Maybe
		have.Platforms = append(have.Platforms, platform)
		for _, o := range n.Origins {
			if !slices.Contains(have.Origins, o) {
				have.Origins = append(have.Origins, o)
			}
		}
	}
	if len(r.Tars) > 0 {
		c.needs.Tars[platform] = r.Tars
	}
	if first {
		c.needs.Ignored = append(c.needs.Ignored, r.Ignored...)
		c.needs.Warnings = append(c.needs.Warnings, r.Warnings...)
	}
}

func (c *collector) result() Needs {
	out := c.needs
	out.Needs = make([]Need, 0, len(c.byRef))
	for _, n := range c.byRef {
		out.Needs = append(out.Needs, *n)
	}
	slices.SortFunc(out.Needs, func(a, b Need) int { return strings.Compare(a.Ref.String(), b.Ref.String()) })
	return out
}

// ParseImages makes needs of references that somebody listed, for all the platforms.
func ParseImages(images, platforms []string, origin string) (Needs, error) {
	var out Needs
	for _, s := range images {
		ref, err := reference.Parse(strings.TrimSpace(s))
		if err != nil {
			return Needs{}, fmt.Errorf("%s: %w", origin, err)
		}
		n := discover.Need{Ref: ref, Origins: []discover.Origin{{File: origin, Kind: "list", Text: s}}}
		out.Needs = append(out.Needs, Need{Need: n, Platforms: platforms})
	}
	return out, nil
}

// Add joins the needs of somebody's list with those of a context.
func (n *Needs) Add(o Needs) {
	for _, other := range o.Needs {
		i := slices.IndexFunc(n.Needs, func(have Need) bool { return have.Ref == other.Ref })
		if i < 0 {
			n.Needs = append(n.Needs, other)
			continue
		}
		n.Needs[i].Maybe = n.Needs[i].Maybe && other.Maybe
		n.Needs[i].Origins = append(n.Needs[i].Origins, other.Origins...)
	}
	slices.SortFunc(n.Needs, func(a, b Need) int { return cmp.Compare(a.Ref.String(), b.Ref.String()) })
}

func warning(w discover.Warning) string {
	switch {
	case w.File == "":
		return w.Message
	case w.Line == 0:
		return w.File + ": " + w.Message
	}
	return fmt.Sprintf("%s:%d: %s", w.File, w.Line, w.Message)
}

// RecipeNeeds downloads a recipe's contexts and finds what they need; nothing stays.
func (e *Engine) RecipeNeeds(ctx context.Context, r recipe.Recipe, platforms []string) (Needs, error) {
	b := &build{Engine: e, order: Order{Recipe: r, Platforms: platforms}}
	defer b.Close()
	for _, s := range []stage{{"download", failure.Recipe, b.download}, {"discover", failure.Recipe, b.discover}} {
		if err := s.run(ctx); err != nil {
			return Needs{}, explain(err, b.order, s)
		}
	}
	return b.Built.Needs, nil
}
