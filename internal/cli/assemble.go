package cli

import (
	"context"

	"github.com/urfave/cli/v2"

	"github.com/labring-actions/cluster-image/internal/failure"
	"github.com/labring-actions/cluster-image/internal/pipeline"
	"github.com/labring-actions/cluster-image/internal/reference"
)

// assembleOptions are the flags of assemble.
type assembleOptions struct {
	access
	destination
	imageFlags
	credentials
	registryDir string
	tag         string
	platforms   []string
}

func assembleCommand(p *Program) *cli.Command {
	var o assembleOptions
	return &cli.Command{
		Name:      "assemble",
		Usage:     "make a cluster image of a build context and its registry directory, without asking any source",
		ArgsUsage: "CONTEXT",
		UsageText: "cluster-image assemble context --registry-dir registry --tag localhost/nginx:1.29.1 --output nginx.tar",
		Description: "The third of the four steps. Without --registry-dir the context's own registry/ is taken. CONTEXT and DIR are arranged as download " +
			"and registry save leave them, for one platform or for several.",
		Flags: join([]cli.Flag{
			&cli.StringFlag{Name: "tag", Aliases: []string{"t"}, Usage: "name the image `REF`; its last part and its tag become title and version", Required: true, Destination: &o.tag},
			&cli.StringFlag{Name: "registry-dir", Usage: "take the container images from `DIR`", DefaultText: "CONTEXT/registry", Destination: &o.registryDir},
			platformFlag(&o.platforms),
		}, o.destination.flags(), o.imageFlags.flags(), o.access.flags(), o.credentials.flags()),
		Action: func(c *cli.Context) error { return p.assemble(c.Context, c.Args().First(), &o) },
	}
}

func (p *Program) assemble(ctx context.Context, dir string, o *assembleOptions) error {
	ref, err := tagOf(o.tag, "--tag")
	if err != nil {
		return err
	}
	app, version := lastPart(ref), ref.Tag
	targets, err := o.targets(app, version)
	if err != nil {
		return err
	}
	keychain, err := o.keychain(p, hostsOf(targets))
	if err != nil {
		return err
	}
	e, err := p.engine(o.access, recipeRun{}, pipeline.MaybeInclude, keychain)
	if err != nil {
		return err
	}
	order, err := o.order(p, dir, app, version, ref)
	if err != nil {
		return err
	}
	order.Targets = targets
	built, err := e.Assemble(ctx, order)
	if err != nil {
		p.tellPushed(built.Pushed)
		return o.credentials.explain(err)
	}
	defer built.Close()
	p.Reporter().Report()
	p.tellWritten(order.Output, false)
	text, doc := buildResult(order.Order, built)
	return p.Result(text, doc.madeImage)
}

func (o *assembleOptions) order(p *Program, dir, app, version string, ref reference.Reference) (pipeline.AssembleOrder, error) {
	contexts, err := pipeline.FindContexts(dir, o.platforms)
	if err != nil {
		return pipeline.AssembleOrder{}, failure.New(failure.Usage, "%w", err).Advise("CONTEXT is the directory that download leaves")
	}
	order := pipeline.AssembleOrder{ContextDirs: contexts}
	if o.registryDir != "" {
		if order.RegistryDirs, err = pipeline.Find(o.registryDir, contexts.Platforms()); err != nil {
			return order, failure.New(failure.Usage, "%w", err).Advise("DIR is the directory that registry save leaves")
		}
		p.warnMixed(o.registryDir)
	}
	at, err := sourceDate()
	if err != nil {
		return order, err
	}
	order.Recipe.Name, order.Recipe.Version = app, version
	order.Platforms = contexts.Platforms()
	order.ImageOptions = pipeline.ImageOptions{Name: app, Version: version, Labels: o.labels, Annotations: o.annotations, Time: at}
	if len(o.push)+len(o.registries) == 0 || o.output != "" {
		order.Output = o.archive(app, version, nil)
		order.Output.Name = ref.String()
	}
	return order, nil
}

func lastPart(ref reference.Reference) string {
	for i := len(ref.Path) - 1; i >= 0; i-- {
		if ref.Path[i] == '/' {
			return ref.Path[i+1:]
		}
	}
	return ref.Path
}
