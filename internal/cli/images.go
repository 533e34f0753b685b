package cli

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"github.com/labring-actions/cluster-image/internal/assemble"
	"github.com/labring-actions/cluster-image/internal/discover"
	"github.com/labring-actions/cluster-image/internal/failure"
	"github.com/labring-actions/cluster-image/internal/pipeline"
	"github.com/labring-actions/cluster-image/internal/reference"
	"github.com/labring-actions/cluster-image/internal/registrydir"
)

// imagesOptions are the flags of images.
type imagesOptions struct {
	access
	recipeRun
	credentials
	recipes   string
	platforms []string
	explain   string
}

func imagesCommand(p *Program) *cli.Command {
	var o imagesOptions
	return &cli.Command{
		Name:      "images",
		Usage:     "list the container images that a recipe or context needs, or that a finished cluster image holds",
		ArgsUsage: "CONTEXT|ARCHIVE|REF|NAME VERSION",
		UsageText: "cluster-image images nginx 1.29.1\n" +
			"cluster-image images context --explain docker.io/bitnami/nginx:1.29.1\n" +
			"cluster-image images dist/nginx-1.29.1.tar",
		Description: "One name is a directory (a build context or an OCI layout), a file (an archive), or else a reference in a registry. What is needed " +
			"is told with the first place that asks for it; --explain tells all of one image. Of a finished image only the small layers are read.",
		Flags: join([]cli.Flag{
			&cli.StringFlag{Name: "explain", Usage: "say every place that asks for `IMAGE`", Destination: &o.explain},
			platformFlag(&o.platforms), recipesFlag(&o.recipes),
		}, o.recipeRun.flags(), o.access.flags(), o.credentials.flags()),
		Action: func(c *cli.Context) error { return p.images(c.Context, c.Args().Slice(), &o) },
	}
}

func (p *Program) images(ctx context.Context, args []string, o *imagesOptions) error {
	if len(args) == 2 {
		return p.recipeImages(ctx, args[0], args[1], o)
	}
	info, err := os.Stat(args[0])
	switch {
	case err != nil && looksLikePath(args[0]):
		return usage("%v", err)
	case err != nil:
		return p.remoteImages(ctx, args[0], o)
	case info.IsDir() && !isLayout(args[0]):
		return p.contextImages(ctx, args[0], o)
	}
	x, err := assemble.Open(args[0])
	if err != nil {
		return failure.New(failure.Usage, "%w", err)
	}
	found, err := pipeline.Contents(ctx, x)
	if err != nil {
		return fmt.Errorf("look into %s: %w", args[0], err)
	}
	return p.contents(args[0], found, o)
}

// looksLikePath says that something can only be meant as a file.
func looksLikePath(s string) bool {
	return filepath.IsAbs(s) || strings.HasPrefix(s, "./") || strings.HasPrefix(s, "../") || strings.HasSuffix(s, ".tar")
}

func isLayout(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "oci-layout"))
	return err == nil
}

func (p *Program) recipeImages(ctx context.Context, app, version string, o *imagesOptions) error {
	r, err := p.find(o.recipes, app, version)
	if err != nil {
		return err
	}
	e, err := p.engine(o.access, o.recipeRun, pipeline.MaybeInclude, nil)
	if err != nil {
		return err
	}
	platforms, err := e.ChoosePlatforms(r, o.platforms)
	if err != nil {
		return recipeFailure(err)
	}
	needs, err := e.RecipeNeeds(ctx, r, platforms)
	if err != nil {
		return err
	}
	return p.needs(app+" "+version, needs, o)
}

func (p *Program) contextImages(ctx context.Context, dir string, o *imagesOptions) error {
	contexts, err := pipeline.FindContexts(dir, o.platforms)
	if err != nil {
		return usage("%v", err).Advise("CONTEXT is the directory that download leaves; %s registry list lists a registry directory", name)
	}
	e, err := p.engine(o.access, o.recipeRun, pipeline.MaybeInclude, nil)
	if err != nil {
		return err
	}
	needs, err := e.Needs(ctx, contexts)
	if err != nil {
		return &failure.Failure{Class: failure.Recipe, Step: "discover", Err: err}
	}
	return p.needs(dir, needs, o)
}

func (p *Program) remoteImages(ctx context.Context, name string, o *imagesOptions) error {
	ref, err := reference.Parse(name)
	if err != nil {
		return usage("%s is neither a file nor a directory nor a reference: %v", name, err)
	}
	keychain, err := o.keychain(p, []string{ref.Host})
	if err != nil {
		return err
	}
	e, err := p.engine(o.access, o.recipeRun, pipeline.MaybeInclude, keychain)
	if err != nil {
		return err
	}
	found, err := e.RemoteContents(ctx, ref)
	if err != nil {
		return &failure.Failure{Class: failure.Registry, Asked: ref.String(), Err: o.credentials.explain(err)}
	}
	return p.contents(ref.String(), found, o)
}

// needs prints what is needed, or why one image is.
func (p *Program) needs(of string, needs pipeline.Needs, o *imagesOptions) error {
	if o.explain == "" {
		return p.Result(needTable(needs), needs)
	}
	ref, err := reference.Parse(o.explain)
	if err != nil {
		return usage("--explain: %v", err)
	}
	all := append(slices.Clone(needs.Needs), archived(needs)...)
	i := slices.IndexFunc(all, func(n pipeline.Need) bool { return n.Ref == ref || n.Ref.String() == o.explain })
	if i < 0 {
		return usage("%s does not need %s", of, ref).Advise("see what it needs without --explain")
	}
	return p.Result(explanation(all[i]), all[i])
}

// needTable lists what is needed, each with the first place that asks for it.
func needTable(needs pipeline.Needs) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, n := range needs.Needs {
		fmt.Fprintf(w, "%s\t%s\n", needLine(n), why(n))
	}
	for _, n := range archived(needs) {
		fmt.Fprintf(w, "%s\t%s\n", needLine(n), why(n))
	}
	_ = w.Flush() // a strings.Builder does not fail
	return b.String()
}

// archived are the images that the context brings as archives, as needs: each with the line of its list.
func archived(needs pipeline.Needs) []pipeline.Need {
	var all []pipeline.Need
	for _, platform := range slices.Sorted(maps.Keys(needs.Tars)) {
		for _, t := range needs.Tars[platform] {
			origin := discover.Origin{File: discover.TarList, Line: t.Line, Kind: t.Kind, Text: t.File}
			same := func(n pipeline.Need) bool { return n.Ref == t.Ref && n.Origins[0] == origin }
			if i := slices.IndexFunc(all, same); i >= 0 {
				all[i].Platforms = append(all[i].Platforms, platform)
				continue
			}
			all = append(all, pipeline.Need{Need: discover.Need{Ref: t.Ref, Origins: []discover.Origin{origin}}, Platforms: []string{platform}})
		}
	}
	return all
}

func why(n pipeline.Need) string {
	if len(n.Origins) == 0 {
		return ""
	}
	s := pipeline.Where(n.Origins[0])
	if more := len(n.Origins) - 1; more > 0 {
		s += fmt.Sprintf(" and %d more", more)
	}
	return s
}

func needLine(n pipeline.Need) string {
	s := n.Ref.String()
	if n.Maybe {
		s += " (maybe)"
	}
	if len(n.Platforms) == 1 {
		s += " (" + n.Platforms[0] + ")"
	}
	return s
}

// explanation lists every place that names an image.
func explanation(n pipeline.Need) string {
	var b strings.Builder
	fmt.Fprintln(&b, needLine(n))
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, o := range n.Origins {
		fmt.Fprintf(w, "  %s\t%s\t%s\t%s\n", o.Kind, pipeline.Where(o), strings.TrimSpace(o.Object+" "+o.Path), o.Text)
	}
	_ = w.Flush() // a strings.Builder does not fail
	return b.String()
}

// contents prints what a finished image holds.
func (p *Program) contents(of string, found map[string][]registrydir.Entry, o *imagesOptions) error {
	if o.explain != "" {
		return usage("--explain is about a recipe or a context, and %s is a finished image", of).
			Advise("%s images NAME VERSION --explain %s", name, o.explain)
	}
	platforms := o.platforms
	if len(platforms) == 0 {
		platforms = slices.Sorted(maps.Keys(found))
	}
	var all []registrydir.Entry
	for _, platform := range platforms {
		if _, ok := found[platform]; !ok {
			return usage("%s has no image for %s", of, platform).Advise("it has %s", strings.Join(slices.Sorted(maps.Keys(found)), ", "))
		}
		all = append(all, found[platform]...)
	}
	if len(all) == 0 {
		p.Reporter().Note("%s brings no container images along", of)
	}
	return p.Result(imageTable(all), all)
}
