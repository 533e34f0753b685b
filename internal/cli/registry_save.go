package cli

import (
	"context"
	"fmt"
	"runtime"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/labring-actions/cluster-image/internal/failure"
	"github.com/labring-actions/cluster-image/internal/pipeline"
)

// saveOptions are the flags of registry save. Those of sealos registry save keep their names.
type saveOptions struct {
	access
	registryDir string
	platforms   []string
	archs       []string
	images      []string
	tars        []string
	all, prune  bool
	maybe       pipeline.MaybePolicy
	lock        string
}

func registrySaveCommand(p *Program) *cli.Command {
	var o saveOptions
	return &cli.Command{
		Name:      "save",
		Usage:     "find every image that a build context needs, and store them in a registry directory",
		ArgsUsage: "[CONTEXT]",
		UsageText: "cluster-image registry save context --registry-dir registry --platform linux/arm64\n" +
			"cluster-image registry save --images nginx:1.27,redis:7 --registry-dir registry",
		Description: "The second of the four steps. For one platform the directory is DIR itself, for several there is one in DIR/linux-amd64 and one in " +
			"DIR/linux-arm64. Without --platform it is saved for those that CONTEXT has directories for, else for the platform of this machine. " +
			"What DIR holds already stays, and is not written again.",
		Flags: join([]cli.Flag{
			&cli.StringFlag{Name: "registry-dir", Usage: "write to `DIR`", Value: "registry", Destination: &o.registryDir},
			platformFlag(&o.platforms),
			&cli.GenericFlag{Name: "arch", Usage: "the same as --platform linux/`ARCH`", Value: platformsValue(&o.archs)},
			&cli.GenericFlag{Name: "images", Usage: "also save `IMAGES`, parted by commas; repeatable", Value: commaValue(&o.images)},
			&cli.GenericFlag{Name: "tars", Usage: "also save from archives, `ARCHIVES` as docker-archive:FILE@REPO:TAG or oci-archive:FILE@REPO:TAG, parted by commas; repeatable", Value: commaValue(&o.tars)},
			&cli.BoolFlag{Name: "all", Usage: "keep the whole index of each image, with every platform in it", Destination: &o.all},
			&cli.BoolFlag{Name: "prune", Usage: "remove from DIR what this run does not store", Destination: &o.prune},
			&cli.GenericFlag{Name: "max-pull-procs", Usage: "the same as --jobs `N`", DefaultText: "adapts", Value: countValue(&o.jobs)},
			&cli.StringFlag{Name: "lock", Usage: "take each image by the digest that it has in the lock `FILE`, and no image that the lock does not have", Destination: &o.lock},
			maybeFlag(&o.maybe),
		}, o.access.flags()),
		Action: func(c *cli.Context) error { return p.registrySave(c.Context, c.Args().First(), &o) },
	}
}

func (p *Program) registrySave(ctx context.Context, dir string, o *saveOptions) error {
	if dir == "" && len(o.images) == 0 && len(o.tars) == 0 {
		return usage("there is nothing to save").Advise("name a CONTEXT, --images or --tars")
	}
	if o.registryDir == "" {
		return usage("--registry-dir is empty").Advise("name the directory that the images are saved to")
	}
	e, err := p.engine(o.access, recipeRun{}, o.maybe, nil)
	if err != nil {
		return err
	}
	contexts, platforms, err := saveContexts(dir, append(o.platforms, o.archs...))
	if err != nil {
		return err
	}
	needs, err := p.saveNeeds(ctx, e, contexts, platforms, o)
	if err != nil {
		return err
	}
	plan, err := e.Save(ctx, contexts, needs, pipeline.SaveOptions{Dirs: pipeline.Below(o.registryDir, platforms), Whole: o.all, Prune: o.prune})
	if err != nil {
		return err
	}
	var lines []string
	for _, i := range plan.Images {
		lines = append(lines, fmt.Sprintf("%s %s %s", i.Ref, i.Platform, i.Digest))
	}
	p.warnMixed(o.registryDir)
	p.Reporter().Report()
	return p.Result(strings.Join(lines, "\n"), planned(needs, plan))
}

// saveContexts says which contexts are looked at for which platforms. Like sealos, one context without a word about platforms is for this machine's.
func saveContexts(dir string, asked []string) (pipeline.ByPlatform, []string, error) {
	if dir == "" {
		if len(asked) == 0 {
			asked = []string{"linux/" + runtime.GOARCH}
		}
		return pipeline.ByPlatform{}, asked, nil
	}
	contexts, err := pipeline.FindContexts(dir, asked)
	if err != nil {
		return nil, nil, usage("%v", err).Advise("CONTEXT is the directory that download leaves")
	}
	if len(asked) == 0 && len(contexts.Dirs()) == 1 && len(contexts) > 1 {
		contexts = pipeline.ByPlatform{"linux/" + runtime.GOARCH: dir}
	}
	return contexts, contexts.Platforms(), nil
}

func (p *Program) saveNeeds(ctx context.Context, e *pipeline.Engine, contexts pipeline.ByPlatform, platforms []string, o *saveOptions) (pipeline.Needs, error) {
	needs, err := e.Needs(ctx, contexts)
	if err != nil {
		return pipeline.Needs{}, err
	}
	listed, err := pipeline.ParseImages(o.images, platforms, "--images")
	if err != nil {
		return pipeline.Needs{}, usage("%v", err)
	}
	needs.Add(listed)
	if err := needs.AddTars(o.tars, platforms); err != nil {
		return pipeline.Needs{}, usage("%v", err)
	}
	if o.lock != "" {
		l, err := openLock(o.lock)
		if err != nil {
			return pipeline.Needs{}, failure.New(failure.Usage, "--lock: %w", err)
		}
		needs.Hold(&l)
	}
	return needs, nil
}
