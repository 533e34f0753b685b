package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/labring-actions/cluster-image/internal/failure"
	"github.com/labring-actions/cluster-image/internal/lock"
	"github.com/labring-actions/cluster-image/internal/recipe"
)

// PlatformError says that a recipe does not serve a platform that was asked for.
type PlatformError struct {
	Recipe   recipe.Recipe
	Platform string
}

// Error names what was asked for and what there is.
func (e *PlatformError) Error() string {
	return fmt.Sprintf("%s cannot be built for %s: its %s allows only %s; ask for it with --platform %s",
		e.Recipe, e.Platform, e.Recipe.LimitedBy(), strings.Join(e.Recipe.Platforms, ", "), e.Recipe.Platforms[0])
}

// ChoosePlatforms says which platforms are built: those asked for, which the recipe must serve; when nothing is asked for, all that the recipe serves.
func (e *Engine) ChoosePlatforms(r recipe.Recipe, asked []string) ([]string, error) {
	if len(asked) == 0 {
		var out []string
		for _, p := range Platforms {
			if r.Serves(p) {
				out = append(out, p)
			}
		}
		if len(out) < len(Platforms) {
			e.Reporter.Note("%s is built for %s only, as its %s says", r, strings.Join(out, " and "), r.LimitedBy())
		}
		return out, nil
	}
	for _, p := range asked {
		if !r.Serves(p) {
			return nil, &PlatformError{Recipe: r, Platform: p}
		}
	}
	out := slices.Clone(asked)
	slices.Sort(out)
	return slices.Compact(out), nil
}

// Download runs the recipe for each platform and leaves the build contexts where [Below] says: all of them, or none when one did not end well. With a
// lock it takes the inputs that the lock has, and no others.
func (e *Engine) Download(ctx context.Context, r recipe.Recipe, platforms []string, dir string, l *lock.Lock) (ByPlatform, error) {
	b := &build{Engine: e, order: Order{Lock: l}, record: new(recipe.Record)}
	undo := vacate(Below(dir, platforms).Dirs(), dir)
	var err error
	if b.Contexts, err = e.download(ctx, r, platforms, dir, held{l, b.record}); err == nil {
		err = b.holdDownload()
	}
	if err != nil {
		undo()
	}
	return b.Contexts, advise(err, r)
}

// vacate remembers which of the contexts are not there or are empty, and gives what makes them so again. The directory of all of them goes, too, when it
// was not there.
func vacate(contexts []string, dir string) (undo func()) {
	var absent, empty []string
	for _, c := range contexts {
		switch entries, err := os.ReadDir(c); {
		case errors.Is(err, fs.ErrNotExist):
			absent = append(absent, c)
		case err == nil && len(entries) == 0:
			empty = append(empty, c)
		}
	}
	_, missing := os.Lstat(dir)
	return func() {
		for _, c := range slices.Concat(absent, empty) {
			_ = os.RemoveAll(c) // what stays is refused by the next run, by name
		}
		for _, c := range empty {
			_ = os.MkdirAll(c, 0o755)
		}
		if errors.Is(missing, fs.ErrNotExist) {
			_ = os.Remove(dir) // unless there is something else in it
		}
	}
}

// held is what downloads are held to, and who is told what they took.
type held struct {
	lock   *lock.Lock
	record *recipe.Record
}

func (e *Engine) download(ctx context.Context, r recipe.Recipe, platforms []string, dir string, h held) (ByPlatform, error) {
	work, done, err := e.workspace()
	if err != nil {
		return nil, err
	}
	defer done()
	tools, err := e.tools(work, r)
	if err != nil {
		return nil, err
	}
	contexts := Below(dir, platforms)
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(e.parallel())
	for _, p := range contexts.Platforms() {
		g.Go(func() error {
			return e.step("download", r.String()+" for "+p, func() error {
				return recipe.Download(ctx, r, p, contexts[p], recipe.Options{
					Sandbox: e.Sandbox, Tools: tools, Timeout: e.Timeout, Environ: e.Environ, Reporter: e.Reporter,
					Sources: e.sources, Lock: h.lock, Record: h.record,
				})
			})
		})
	}
	if err := g.Wait(); err != nil {
		return contexts, at("download", failure.Recipe, err)
	}
	return contexts, nil
}

// tools makes the directory of helm, yq, jq and this program that an init.sh finds first.
func (e *Engine) tools(work string, r recipe.Recipe) (string, error) {
	if e.InstallTools == nil || !r.HasScript() {
		return "", nil
	}
	dir := filepath.Join(work, "tools")
	if err := os.Mkdir(dir, 0o755); err != nil {
		return "", fmt.Errorf("make tools directory: %w", err)
	}
	if err := e.InstallTools(dir); err != nil {
		return "", fmt.Errorf("install tools for init.sh: %w", err)
	}
	return dir, nil
}
