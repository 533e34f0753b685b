// Package pipeline runs the four steps in order, in this process: download, registry save, build, push. Each step is a file, and each can be run by
// itself on what the one before it left on disk.
package pipeline

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/labring-actions/cluster-image/internal/failure"
	"github.com/labring-actions/cluster-image/internal/progress"
	"github.com/labring-actions/cluster-image/internal/reference"
	"github.com/labring-actions/cluster-image/internal/registry"
	"github.com/labring-actions/cluster-image/internal/render"
	"github.com/labring-actions/cluster-image/internal/sandbox"
	"github.com/labring-actions/cluster-image/internal/source"
	"github.com/labring-actions/cluster-image/internal/store"
	"github.com/labring-actions/cluster-image/internal/transfer"
)

// Options say with what the steps work. Only Cache has to be set.
type Options struct {
	// Cache is the directory of the content store and of work in progress.
	Cache string
	// Jobs bounds what runs at once; 0 lets each step decide.
	Jobs int
	// Registry says how registries are reached.
	Registry registry.Options
	// Mirrors are where bytes are fetched, as the one who runs the build says; a recipe's own come before them.
	Mirrors reference.Mirrors
	// Believe is how long what a tag resolved to is taken for true without asking again; 0 always asks.
	Believe time.Duration
	// Maybe says what becomes of images that may be needed; empty is MaybeInclude.
	Maybe MaybePolicy
	// Reporter may be nil.
	Reporter *progress.Reporter
	// Renderer renders charts. Nil refuses contexts that have any.
	Renderer render.Renderer
	// Sandbox says what an init.sh is kept from.
	Sandbox sandbox.Options
	// InstallTools puts helm, yq, jq and this program into a directory for an init.sh. Nil leaves the machine's own.
	InstallTools func(dir string) error
	// Environ is the environment that an init.sh gets the few variables from that it may have, such as HTTPS_PROXY; nil is this process's.
	Environ []string
	// Timeout bounds an init.sh; 0 is the recipe package's default.
	Timeout time.Duration
	// Source says how declarative recipes reach what they download.
	Source SourceOptions
}

// Engine runs steps.
type Engine struct {
	Options
	store    *store.Store
	client   *registry.Client
	transfer *transfer.Transfer
	sources  *source.Client
}

// New makes an engine and its cache directory.
func New(o Options) (*Engine, error) {
	if o.Maybe == "" {
		o.Maybe = MaybeInclude
	}
	s, err := store.Open(o.Cache)
	if err != nil {
		return nil, failure.New(failure.Usage, "content %w", err).Advise("name another place with --cache")
	}
	if o.Registry.Jobs == 0 {
		o.Registry.Jobs = o.Jobs
	}
	if o.Registry.Warn == nil {
		o.Registry.Warn = o.Reporter.Warn
	}
	c, err := registry.New(o.Registry)
	if err != nil {
		return nil, err
	}
	t := transfer.New(transfer.Options{Client: c, Store: s, Reporter: o.Reporter, Believe: o.Believe})
	e := &Engine{Options: o, store: s, client: c, transfer: t}
	e.sources = e.newSources()
	return e, nil
}

// workspace makes a private directory beside the store for work in progress, and clears away those that killed runs left behind.
func (e *Engine) workspace() (dir string, done func(), err error) {
	parent := filepath.Join(e.Cache, "work")
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return "", nil, fmt.Errorf("make work directory: %w", err)
	}
	clearAbandoned(parent)
	if dir, err = os.MkdirTemp(parent, "run-*"); err != nil {
		return "", nil, fmt.Errorf("make work directory: %w", err)
	}
	release, err := claim(dir)
	if err != nil {
		return "", nil, err
	}
	return dir, func() { _ = os.RemoveAll(dir); release() }, nil
}

// parallel is how many processes run at once, where each of them keeps a core busy.
func (e *Engine) parallel() int {
	if e.Jobs > 0 {
		return min(e.Jobs, runtime.NumCPU())
	}
	return runtime.NumCPU()
}

// step reports a step around f.
func (e *Engine) step(name, detail string, f func() error) error {
	s := e.Reporter.Step(name, detail)
	err := f()
	s.Done(err)
	return err
}

// Store is the engine's content store.
func (e *Engine) Store() *store.Store { return e.store }

// CheckStore reads every blob of the store again and drops what is not what its name says.
func (e *Engine) CheckStore(ctx context.Context) (store.Report, error) {
	return e.store.Check(ctx)
}
