package cli

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/labring-actions/cluster-image/internal/pipeline"
	"github.com/labring-actions/cluster-image/internal/publish"
	"github.com/labring-actions/cluster-image/internal/recipe"
	"github.com/labring-actions/cluster-image/internal/reference"
)

// buildOptions are the flags of build.
type buildOptions struct {
	access
	recipeRun
	credentials
	destination
	imageFlags
	engineChoice
	recipes   string
	platforms []string
	maybe     pipeline.MaybePolicy
	dryRun    bool
	locked    bool
	locks     string
	meant     []string
	kind      recipe.Kind
	buildArgs map[string]string
	until     pipeline.Step
	work      string
}

func buildCommand(p *Program) *cli.Command {
	var o buildOptions
	return &cli.Command{
		Name:      "build",
		Usage:     "build the cluster image of an application, or an image of another kind, and push it or write it to disk",
		ArgsUsage: "NAME VERSION",
		UsageText: "cluster-image build nginx 1.29.1\n" +
			"cluster-image build nginx 1.29.1 --push docker.io/labring/nginx:1.29.1\n" +
			"cluster-image build nginx 1.29.1 --mirror docker.io=mirror.example.com --platform linux/arm64 --output nginx.tar",
		Description: "Runs the four steps: download, registry save, build, push. Without a destination the image is written to dist/NAME-VERSION.tar, " +
			"with both platforms.",
		Flags: join([]cli.Flag{
			platformFlag(&o.platforms),
			&cli.BoolFlag{Name: "dry-run", Usage: "stop when every image is resolved, and print what would be fetched", Destination: &o.dryRun},
			&cli.GenericFlag{
				Name: "meant-for", Usage: "refuse at once if `REF` is a fixed tag of another image, to which this one will be pushed later; nothing is pushed now; repeatable",
				Value: textsValue(&o.meant),
			},
			&cli.GenericFlag{Name: "build-arg", Usage: "set an ARG of the build file to a value, as `KEY=VALUE`; repeatable", Value: pairsValue(&o.buildArgs)},
			&cli.GenericFlag{
				Name: "until", Usage: "stop after this `STEP`: download or save; the same command without it goes on",
				Value: choiceValue(&o.until, pipeline.StepDownload, pipeline.StepSave),
			},
			&cli.StringFlag{Name: "work", Usage: "leave the build contexts in `DIR`, and take those that the same command left there", Destination: &o.work},
			&cli.BoolFlag{Name: "locked", Usage: "take the inputs of the lock file and no others", Destination: &o.locked}, locksFlag(&o.locks),
		}, o.destination.flags(), o.imageFlags.flags(), []cli.Flag{kindFlag(&o.kind), recipesFlag(&o.recipes), maybeFlag(&o.maybe)},
			o.recipeRun.flags(), o.access.flags(), o.credentials.flags(), o.engineChoice.flags()),
		Action: func(c *cli.Context) error { return p.build(c.Context, c.Args().Get(0), c.Args().Get(1), &o) },
	}
}

func (p *Program) build(ctx context.Context, app, version string, o *buildOptions) error {
	if err := o.checkSteps(); err != nil {
		return err
	}
	r, err := p.findOf(o.kind, o.recipes, app, version)
	if err != nil {
		return err
	}
	version = r.Version
	targets, err := o.targets(app, version)
	if err != nil {
		return err
	}
	meant, err := (&destination{push: o.meant, called: "--meant-for", force: o.force}).targets("", "")
	if err != nil {
		return err
	}
	if o.engineChoice.engine == onDagger {
		return p.buildOnDagger(ctx, app, version, o, targets)
	}
	keychain, err := o.keychain(p, hostsOf(targets))
	if err != nil {
		return err
	}
	e, err := p.engine(o.access, o.recipeRun, o.maybe, keychain)
	if err != nil {
		return err
	}
	order, err := o.order(e, r, targets)
	if err != nil {
		return err
	}
	order.Meant, order.Until, order.Work = meant, o.until, o.work
	if o.until != "" {
		return p.buildUntil(ctx, e, order)
	}
	built, err := e.Build(ctx, order)
	if err != nil {
		p.tellPushed(built.Pushed)
		return o.credentials.explain(err)
	}
	defer built.Close()
	p.Reporter().Report()
	p.tellWritten(order.Output, o.dryRun)
	return p.Result(buildResult(order, built))
}

// buildUntil runs the first steps.
func (p *Program) buildUntil(ctx context.Context, e *pipeline.Engine, order pipeline.Order) error {
	built, err := e.Build(ctx, order)
	if err != nil {
		return err
	}
	defer built.Close()
	p.Reporter().Report()
	return p.Result(strings.Join(built.Contexts.Dirs(), "\n"), built.Contexts)
}

// checkSteps refuses what does not go with a run in steps.
func (o *buildOptions) checkSteps() error {
	switch {
	case o.until == "" && o.work == "":
		return nil
	case o.work == "":
		return usage("--until %s leaves nothing behind without --work", o.until).Advise("add --work DIR")
	case o.locked || o.dryRun:
		return usage("--work goes neither with --locked nor with --dry-run")
	case o.until != "" && len(o.push)+len(o.registries) > 0:
		return usage("--until %s ends before anything is pushed", o.until).Advise("name the destination in the last run alone")
	}
	return nil
}

// tellWritten says what can be done with what was written.
func (p *Program) tellWritten(o pipeline.Output, dryRun bool) {
	switch {
	case dryRun || o.Path == "":
	case o.Format == pipeline.OCILayout:
		p.Reporter().Note("wrote %s: push it with %s push %[1]s REF", o.Path, name)
	default:
		p.Reporter().Note("wrote %s: on a cluster's first master, sealos load -i %[1]s, then sealos run %s", o.Path, o.Name)
	}
}

func (o *buildOptions) order(e *pipeline.Engine, r recipe.Recipe, targets []publish.Target) (pipeline.Order, error) {
	platforms, err := e.ChoosePlatforms(r, o.platforms)
	if err != nil {
		return pipeline.Order{}, recipeFailure(err)
	}
	at, err := sourceDate()
	if err != nil {
		return pipeline.Order{}, err
	}
	order := pipeline.Order{Recipe: r, Platforms: platforms, Targets: targets, DryRun: o.dryRun}
	order.ImageOptions = pipeline.ImageOptions{Name: r.Name, Version: r.Version, Labels: o.labels, Annotations: o.annotations, Time: at, Arguments: o.buildArgs}
	order.Output = o.archive(r.Name, r.Version, targets)
	if o.locked {
		order.Lock, err = lockOf(r, o.locks)
	}
	return order, err
}

// imageFlags are what an image is to say of itself.
type imageFlags struct {
	labels, annotations map[string]string
}

func (f *imageFlags) flags() []cli.Flag {
	return []cli.Flag{
		&cli.GenericFlag{Name: "annotation", Usage: "add `KEY=VALUE` to the annotations of index and manifests; repeatable", Value: pairsValue(&f.annotations)},
		&cli.GenericFlag{Name: "label", Usage: "add `KEY=VALUE` to the labels; repeatable", Value: pairsValue(&f.labels)},
	}
}

// destination is where an image goes.
type destination struct {
	push, registries []string
	// called is what push is called on the command line; empty is --push.
	called string
	output string
	format pipeline.Format
	force  bool
}

func (d *destination) flags() []cli.Flag {
	d.format = pipeline.OCIArchive
	return []cli.Flag{
		&cli.GenericFlag{Name: "push", Usage: "push to `REF`, for example docker.io/labring/nginx:1.29.1; repeatable", Value: textsValue(&d.push)},
		&cli.GenericFlag{Name: "registry", Usage: "push to `REGISTRY`/NAME:VERSION, for example docker.io/labring; repeatable", Value: textsValue(&d.registries)},
		&cli.BoolFlag{Name: "force", Usage: "replace a tag that names another image", Destination: &d.force},
		&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "write the image to `PATH`", DefaultText: "dist/NAME-VERSION.tar when nothing is pushed", Destination: &d.output},
		formatFlag(&d.format),
	}
}

func formatFlag(dst *pipeline.Format) cli.Flag {
	return &cli.GenericFlag{
		Name: "format", Usage: "write it as `FORMAT`: oci-archive, oci-layout (a directory) or docker-archive (one platform)",
		Value: choiceValue(dst, pipeline.OCIArchive, pipeline.OCILayout, pipeline.DockerArchive),
	}
}

// targets are the tags to push, each checked. What a registry calls its tags follows from name and version.
func (d *destination) targets(app, version string) ([]publish.Target, error) {
	var out []publish.Target
	for _, s := range d.push {
		ref, err := tagOf(s, cmp.Or(d.called, "--push"))
		if err != nil {
			return nil, err
		}
		out = append(out, d.target(ref))
	}
	for _, s := range d.registries {
		ref, err := tagOf(strings.TrimSuffix(s, "/")+"/"+app+":"+version, "--registry")
		if err != nil {
			return nil, err
		}
		out = append(out, d.target(ref))
	}
	return out, nil
}

func (d *destination) target(ref reference.Reference) publish.Target {
	return publish.Target{Ref: ref, Force: d.force, Moving: publish.Moving(ref.Tag, nil)}
}

// tagOf reads a reference that has a tag.
func tagOf(s, flag string) (reference.Reference, error) {
	ref, err := reference.Parse(s)
	switch {
	case err != nil:
		return ref, usage("%s: %v", flag, err).Advise("the form is registry/repository:tag, for example docker.io/labring/nginx:1.29.1")
	case ref.Digest != "":
		return ref, usage("%s %s: a push sets a tag, and this names a digest", flag, s)
	case !strings.HasSuffix(s, ":"+ref.Tag):
		return ref, usage("%s %s has no tag", flag, s).Advise("write %s:TAG", s)
	}
	return ref, nil
}

func hostsOf(targets []publish.Target) []string {
	var out []string
	for _, t := range targets {
		out = append(out, t.Ref.Host)
	}
	return out
}

// archive is what is written to disk: what --output says; without it and without a target, a file in dist/.
func (d *destination) archive(app, version string, targets []publish.Target) pipeline.Output {
	o := pipeline.Output{Path: d.output, Format: d.format, Name: "localhost/" + app + ":" + version}
	if len(targets) > 0 {
		o.Name = targets[0].Ref.String()
	}
	if o.Path == "" && len(targets) == 0 {
		o.Path = filepath.Join("dist", app+"-"+version)
		if d.format != pipeline.OCILayout {
			o.Path += ".tar"
		}
	}
	return o
}

// sourceDate is SOURCE_DATE_EPOCH, the time in seconds since 1970 that reproducible builds give their files.
func sourceDate() (time.Time, error) {
	s := os.Getenv("SOURCE_DATE_EPOCH")
	if s == "" {
		return time.Time{}, nil
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 {
		return time.Time{}, usage("SOURCE_DATE_EPOCH=%q: want seconds since 1970", s)
	}
	return time.Unix(n, 0).UTC(), nil
}

// tellPushed reports each target where not all of them could be pushed.
func (p *Program) tellPushed(reports []publish.Report) {
	for _, r := range reports {
		if r.Err == nil {
			p.Reporter().Note("%s: %s", r.Name(), r.Outcome)
		}
	}
}

// withDigest is the whole name of an image.
func withDigest(name, digest string) string { return fmt.Sprintf("%s@%s", name, digest) }
