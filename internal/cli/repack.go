package cli

import (
	"github.com/urfave/cli/v2"

	"github.com/labring-actions/cluster-image/internal/assemble"
	"github.com/labring-actions/cluster-image/internal/failure"
	"github.com/labring-actions/cluster-image/internal/pipeline"
)

// repackOptions are the flags of repack.
type repackOptions struct {
	tag, output string
	format      pipeline.Format
	platforms   []string
}

func repackCommand(p *Program) *cli.Command {
	o := repackOptions{format: pipeline.OCIArchive}
	return &cli.Command{
		Name:      "repack",
		Usage:     "join archives and layouts of one image, or write one in another form",
		ArgsUsage: "ARCHIVE-OR-LAYOUT...",
		UsageText: "cluster-image repack amd64.tar arm64.tar --tag docker.io/labring/tool:1.0 --output tool.tar\n" +
			"cluster-image repack dist/nginx-1.29.1.tar --tag localhost/nginx:1.29.1 --platform linux/amd64 --format docker-archive --output nginx.tar",
		Description: "What other programs made, one platform at a time, becomes one image with all of them, in the form that sealos loads. " +
			"Layers, configurations and manifests stay what they are.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "tag", Aliases: []string{"t"}, Usage: "name the image `REF`", Required: true, Destination: &o.tag},
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "write to `PATH`", Required: true, Destination: &o.output},
			formatFlag(&o.format),
			platformFlag(&o.platforms),
		},
		Action: func(c *cli.Context) error {
			if !c.Args().Present() {
				return usage("there is nothing to repack").Advise("name an archive or a layout")
			}
			ref, err := tagOf(o.tag, "--tag")
			if err != nil {
				return err
			}
			image, err := joined(c.Args().Slice(), o.platforms)
			if err != nil {
				return err
			}
			order := pipeline.Order{Output: pipeline.Output{Path: o.output, Format: o.format, Name: ref.String()}}
			order.Recipe.Name, order.Recipe.Version = lastPart(ref), ref.Tag
			if err := order.Output.Check(len(image.Images)); err != nil {
				return err
			}
			if err := order.Output.Write(c.Context, image); err != nil {
				return failure.New(failure.Usage, "write %s: %w", o.output, err)
			}
			p.tellWritten(order.Output, false)
			text, doc := buildResult(order, &pipeline.Built{Index: image})
			return p.Result(text, doc.madeImage)
		},
	}
}

// joined is the image of the wanted platforms that several archives hold, of all when none is named.
func joined(files, platforms []string) (assemble.Index, error) {
	wanted := map[string]bool{}
	for _, p := range platforms {
		wanted[p] = true
	}
	var images []assemble.Image
	for _, file := range files {
		x, err := assemble.Open(file)
		if err != nil {
			return assemble.Index{}, failure.New(failure.Usage, "%w", err)
		}
		if len(files) == 1 && len(platforms) == 0 {
			return x, nil
		}
		for _, img := range x.Images {
			if p := img.Platform.OS + "/" + img.Platform.Architecture; len(platforms) == 0 || wanted[p] {
				images = append(images, img)
				delete(wanted, p)
			}
		}
	}
	for _, p := range platforms {
		if wanted[p] {
			return assemble.Index{}, usage("no image for %s is in %v", p, files)
		}
	}
	x, err := assemble.NewIndex(images, nil)
	if err != nil {
		return assemble.Index{}, failure.New(failure.Usage, "join %v: %w", files, err).Advise("name one archive per platform, or choose with --platform")
	}
	return x, nil
}
