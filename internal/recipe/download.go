package recipe

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/labring-actions/cluster-image/internal/lock"
	"github.com/labring-actions/cluster-image/internal/progress"
	"github.com/labring-actions/cluster-image/internal/sandbox"
	"github.com/labring-actions/cluster-image/internal/source"
)

// DefaultTimeout is how long an init.sh may run.
const DefaultTimeout = 30 * time.Minute

// Options say how a recipe is run. The zero value runs init.sh in the sandbox that this machine has.
type Options struct {
	// Sandbox says what init.sh is kept from.
	Sandbox sandbox.Options
	// Tools is a directory with the program's own helm, yq, jq and cluster-image, which comes first on PATH; empty adds none.
	Tools string
	// Path lists the directories of the machine's programs: DefaultPath when empty. The sandbox lets only those of the system be read.
	Path string
	// Timeout is DefaultTimeout when zero.
	Timeout time.Duration
	// Env are further variables for init.sh, each KEY=VALUE.
	Env []string
	// Environ is the environment that the variables of [Passing] are taken from: [os.Environ] when nil.
	Environ []string
	// Sources downloads what a declarative recipe asks for; nil is a client of its own.
	Sources *source.Client
	// Lock is what the downloads of a declarative recipe are held to; nil takes what there is.
	Lock *lock.Lock
	// Record is told what they took; it may be nil.
	Record *Record
	// Reporter is told the output of init.sh line by line; nil discards it.
	Reporter *progress.Reporter
}

// ErrPlatform means that build_arch limits the recipe to other platforms.
var ErrPlatform = errors.New("the recipe does not serve this platform")

// ErrExists means that the directory to make is there and has something in it.
var ErrExists = errors.New("directory exists and is not empty")

// Download makes the build context of a recipe for one platform, written as linux/amd64, in the directory dest, which must be absent or empty.
// The files of the recipe are copied, init.sh runs among them, and what it leaves is judged; dest appears only when all of that went well.
func Download(ctx context.Context, r Recipe, platform, dest string, o Options) error {
	if !r.Serves(platform) {
		return fmt.Errorf("%s for %s: %w: %s limits it to %v", r, platform, ErrPlatform, r.LimitedBy(), r.Platforms)
	}
	if err := vacant(dest); err != nil {
		return err
	}
	w, err := newWorkplace(dest)
	if err != nil {
		return fmt.Errorf("%s for %s: %w", r, platform, err)
	}
	defer w.remove()
	if err := w.fill(ctx, r, platform, o); err != nil {
		return err
	}
	if err := os.Rename(w.context, dest); err != nil {
		return fmt.Errorf("publish build context: %w", err)
	}
	return nil
}

func vacant(dest string) error {
	entries, err := os.ReadDir(dest)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("look at the directory to write: %w", err)
	case len(entries) > 0:
		return fmt.Errorf("%w: %s", ErrExists, dest)
	}
	return nil
}

// workplace is where a context is made: beside its destination, so that it can be moved there in one step.
type workplace struct{ top, context, home, tmp string }

func newWorkplace(dest string) (workplace, error) {
	parent, err := filepath.Abs(filepath.Dir(dest))
	if err != nil {
		return workplace{}, fmt.Errorf("find directory: %w", err)
	}
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return workplace{}, fmt.Errorf("make directory: %w", err)
	}
	if parent, err = filepath.EvalSymlinks(parent); err != nil {
		return workplace{}, fmt.Errorf("find directory: %w", err)
	}
	top, err := os.MkdirTemp(parent, ".download-")
	if err != nil {
		return workplace{}, fmt.Errorf("make directory: %w", err)
	}
	w := workplace{top: top, context: filepath.Join(top, "context"), home: filepath.Join(top, "home"), tmp: filepath.Join(top, "tmp")}
	for _, dir := range []string{w.context, w.home, w.tmp} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			w.remove()
			return workplace{}, fmt.Errorf("make directory: %w", err)
		}
	}
	return w, nil
}

// remove clears the workplace, directories without permission to write included. What stays hidden beside the destination harms nothing.
func (w workplace) remove() {
	if os.RemoveAll(w.top) == nil {
		return
	}
	_ = filepath.WalkDir(w.top, func(path string, e fs.DirEntry, err error) error {
		if e != nil && e.IsDir() {
			_ = os.Chmod(path, 0o700)
		}
		return nil
	})
	_ = os.RemoveAll(w.top)
}

// fill copies the recipe, runs it and judges what came of it.
func (w workplace) fill(ctx context.Context, r Recipe, platform string, o Options) error {
	root, err := os.OpenRoot(w.context)
	if err != nil {
		return fmt.Errorf("%s for %s: open context: %w", r, platform, err)
	}
	defer root.Close()
	if err := copyFiles(ctx, r.FS, root, r.ownFiles()); err != nil {
		return fmt.Errorf("%s for %s: %w", r, platform, err)
	}
	generate := func() error { return nil }
	if r.App != nil {
		f, err := w.declared(ctx, root, r, platform, o)
		if err != nil {
			return err
		}
		generate = f.generate
	}
	if r.HasScript() {
		if err := w.runScript(ctx, r, platform, o); err != nil {
			return err
		}
	}
	if err := generate(); err != nil {
		return err
	}
	if err := own(root); err != nil {
		return fmt.Errorf("%s for %s: %w", r, platform, err)
	}
	return judge(ctx, root, r, platform)
}
