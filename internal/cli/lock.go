package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/labring-actions/cluster-image/internal/failure"
	"github.com/labring-actions/cluster-image/internal/lock"
	"github.com/labring-actions/cluster-image/internal/pipeline"
	"github.com/labring-actions/cluster-image/internal/recipe"
)

// lockOptions are the flags of lock.
type lockOptions struct {
	access
	recipeRun
	credentials
	recipes, locks string
	platforms      []string
	maybe          pipeline.MaybePolicy
	dryRun         bool
}

func lockCommand(p *Program) *cli.Command {
	var o lockOptions
	return &cli.Command{
		Name:      "lock",
		Usage:     "write down every input of a version by its digest, and say what moved",
		ArgsUsage: "NAME VERSION",
		UsageText: "cluster-image lock nginx 1.29.1\ncluster-image build nginx 1.29.1 --locked",
		Description: "Downloads what the recipe asks for, looks for images and resolves them; no image is fetched. What is different from the lock that there " +
			"is comes out, a line each: what moved, from where, to where, and the size. build --locked takes these inputs and no others.",
		Flags: join([]cli.Flag{
			platformFlag(&o.platforms),
			&cli.BoolFlag{Name: "dry-run", Usage: "only say what moved", Destination: &o.dryRun},
			locksFlag(&o.locks), recipesFlag(&o.recipes), maybeFlag(&o.maybe),
		}, o.recipeRun.flags(), o.access.flags(), o.credentials.flags()),
		Action: func(c *cli.Context) error { return p.lock(c.Context, c.Args().Get(0), c.Args().Get(1), &o) },
	}
}

// locked is the result of lock.
type locked struct {
	File    string        `json:"file,omitempty"`
	Changes []lock.Change `json:"changes"`
	Lock    lock.Lock     `json:"lock"`
}

func (p *Program) lock(ctx context.Context, app, version string, o *lockOptions) error {
	all, err := p.catalogue(o.recipes)
	if err != nil {
		return err
	}
	r, err := all.Find(app, version)
	if err != nil {
		return recipeFailure(err)
	}
	out := locked{Changes: []lock.Change{}}
	if !o.dryRun {
		if out.File, err = lockFile(r, o.locks, all.Dir()); err != nil {
			return err
		}
	}
	before, err := readLock(r, o.locks)
	switch {
	case errors.Is(err, lock.ErrInvalid):
		return failure.New(failure.Recipe, "%w", err).Advise("mend this file, or remove it, so that the next lock is a new one")
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return recipeFailure(err)
	}
	if out.Lock, err = p.inputs(ctx, r, o); err != nil {
		return err
	}
	out.Changes = append(out.Changes, lock.Diff(before, out.Lock)...)
	if !o.dryRun {
		if err := writeLock(out.Lock, out.File); err != nil {
			return err
		}
	}
	return p.Result(out.String(), out)
}

// inputs finds out what the inputs are now.
func (p *Program) inputs(ctx context.Context, r recipe.Recipe, o *lockOptions) (lock.Lock, error) {
	keychain, err := o.keychain(p, nil)
	if err != nil {
		return lock.Lock{}, err
	}
	e, err := p.engine(o.access, o.recipeRun, o.maybe, keychain)
	if err != nil {
		return lock.Lock{}, err
	}
	platforms, err := e.ChoosePlatforms(r, o.platforms)
	if err != nil {
		return lock.Lock{}, recipeFailure(err)
	}
	return e.Lock(ctx, r, platforms)
}

// String is the changes, a line each.
func (l locked) String() string {
	var lines []string
	for _, c := range l.Changes {
		lines = append(lines, c.String())
	}
	if len(lines) == 0 {
		lines = []string{"nothing moved"}
	}
	if l.File != "" {
		lines = append(lines, fmt.Sprintf("wrote %s: %s, %s", l.File, count(len(l.Lock.Inputs), "input"), count(len(l.Lock.Images), "image")))
	}
	return strings.Join(lines, "\n")
}
