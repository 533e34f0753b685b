package demo

import (
	"context"
	"os"
	"path/filepath"

	"github.com/labring-actions/cluster-image/internal/pipeline"
	"github.com/labring-actions/cluster-image/internal/progress"
)

func (d *demo) introduce() {
	d.Tell("A cluster image installs an application on a Kubernetes cluster that has no internet. This demo builds one in four steps, on this machine alone:")
	d.Tell("%s plays the chart repository and the file server, and %s plays docker.io, quay.io, registry.k8s.io and ghcr.io.", d.world.web.url(), d.world.registry.host)
}

// tellStage tells what a stage of the build left.
func (d *demo) tellStage(stage string, b *pipeline.Built) {
	switch stage {
	case "check":
		d.Tell("1. download: the recipe's init.sh runs once per platform and leaves a build context")
	case "download":
		d.tellContext(b)
		d.Tell("2. registry save: charts are rendered as the start command will render them, manifests decoded, lists read; every image that is named is needed")
	case "discover":
		for _, n := range b.Needs.Needs {
			d.Tell("     %s, since %s asks for it", n.Ref, pipeline.Where(n.Origins[0]))
		}
	case "resolve":
		d.Tell("   of both platforms together %s, %s without what is there twice: each blob is fetched once", progress.Bytes(b.Plan.Total), progress.Bytes(b.Plan.Unique))
	case "fetch":
		d.Tell("3. build: files and images become the layers of one image per platform, and an index over both")
	case "assemble":
		for _, img := range b.Index.Images {
			d.Tell("     %s: %d layers, of which those of large blobs are the same in every image that has the blob", img.Platform.String(), len(img.Layers))
		}
		d.Tell("4. push: layers, manifests, index, and last the tag %s", d.image())
	}
}

func (d *demo) tellContext(b *pipeline.Built) {
	dir := b.Contexts[pipeline.Platforms[0]]
	_ = filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			rel, _ := filepath.Rel(dir, path)
			d.Tell("     %s", filepath.ToSlash(rel))
		}
		return nil
	})
}

// prove does what a cluster does with the image, for each platform.
func (d *demo) prove(ctx context.Context, b *pipeline.Built) error {
	d.Tell("Is everything in it? The tags of each platform's registry go into an empty registry, as sealos does it, and every image is asked for as a node does:")
	report, err := b.Prove(ctx)
	for _, r := range report.Results {
		d.Tell("     %s", r)
	}
	return err
}

func (d *demo) ending(b *pipeline.Built) {
	d.Tell("Done: %s", b.Pushed[0].Name())
	if d.Keep == "" {
		d.Tell("With --keep DIR it stays to be looked at. Now try: cluster-image build nginx 1.29.1 --dry-run")
		return
	}
	d.Tell("In %s: the recipe (applications), what it left (contexts), the registry directory of each platform (registry), the content store (cache), and the image as an archive (%s)", d.Keep, filepath.Base(d.order.Output.Path))
}
