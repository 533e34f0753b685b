package pipeline

import (
	"context"
	"fmt"
	"maps"
	"path"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/labring-actions/cluster-image/internal/assemble"
	"github.com/labring-actions/cluster-image/internal/kubefile"
	"github.com/labring-actions/cluster-image/internal/registrydir"
)

// annotationPrefix begins the annotations that OCI defines for images; a recipe gives them as labels of its build file.
const annotationPrefix = "org.opencontainers.image."

// ImageOptions are what an image says of itself.
type ImageOptions struct {
	// Name and Version become its title and version annotations.
	Name, Version string
	// Labels and Annotations are added, and win over those of the build file.
	Labels, Annotations map[string]string
	// Time is that of files and documents; zero is 1970.
	Time time.Time
	// Arguments are values for the ARGs that the build file declares.
	Arguments map[string]string
}

// buildFile reads the build file of a context with its arguments, of which ARCH is the architecture anyway.
func (o ImageOptions) buildFile(dir, platform string) (*kubefile.Kubefile, error) {
	k, err := kubefile.Load(dir)
	if err != nil {
		return nil, err
	}
	args := map[string]string{"ARCH": path.Base(platform)}
	maps.Copy(args, o.Arguments)
	return k.WithArgs(args), nil
}

// annotations are those of the index and of every manifest: the recipe's labels that OCI defines, the title and version, and those asked for.
func (o ImageOptions) annotations(labels map[string]string) map[string]string {
	out := map[string]string{}
	for k, v := range labels {
		if strings.HasPrefix(k, annotationPrefix) {
			out[k] = v
		}
	}
	if o.Name != "" {
		out[annotationPrefix+"title"] = o.Name
	}
	if o.Version != "" {
		out[annotationPrefix+"version"] = o.Version
	}
	maps.Copy(out, o.Annotations)
	return out
}

// materials are what images are made of.
type materials struct {
	contexts   ByPlatform
	registries map[string]*registrydir.Dir
	// work is where the layers of the applications are kept while the images are used.
	work string
	// stored says that all blobs come from the content store, which hashes what it gives.
	stored bool
}

// assemble makes the images of all platforms and their index.
func (e *Engine) assemble(ctx context.Context, m materials, o ImageOptions) (assemble.Index, error) {
	images := make([]assemble.Image, len(m.contexts))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(e.parallel())
	for i, p := range m.contexts.Platforms() {
		g.Go(func() error {
			return e.step("assemble", p, func() (err error) {
				images[i], err = assembleOne(ctx, e.input(m, p, o), o)
				return err
			})
		})
	}
	if err := g.Wait(); err != nil {
		return assemble.Index{}, err
	}
	e.warn(images)
	labels, err := o.labelsOf(m.contexts)
	if err != nil {
		return assemble.Index{}, err
	}
	return assemble.NewIndex(images, o.annotations(labels))
}

// warn tells what the images' contexts are warned of, each warning once.
func (e *Engine) warn(images []assemble.Image) {
	told := map[string]bool{}
	for _, img := range images {
		for _, w := range img.Warnings {
			if !told[w] {
				e.Reporter.Warn("%s", w)
			}
			told[w] = true
		}
	}
}

func assembleOne(ctx context.Context, in assemble.Input, o ImageOptions) (assemble.Image, error) {
	var err error
	if in.Kubefile, err = o.buildFile(in.Dir, in.Platform); err != nil {
		return assemble.Image{}, err
	}
	config, err := in.Kubefile.Config(in.Platform)
	if err != nil {
		return assemble.Image{}, err
	}
	in.Annotations = o.annotations(config.Labels)
	img, err := assemble.Assemble(ctx, in)
	for _, w := range in.Kubefile.Warnings {
		img.Warnings = append(img.Warnings, w.String())
	}
	return img, err
}

// input is what the image of a platform is made of.
func (e *Engine) input(m materials, platform string, o ImageOptions) assemble.Input {
	in := input(m.contexts[platform], platform, m.registries[platform], o)
	in.Memory, in.Work, in.RegistryHashes = e.store, m.work, m.stored
	return in
}

func input(dir, platform string, registry *registrydir.Dir, o ImageOptions) assemble.Input {
	in := assemble.Input{Dir: dir, Platform: platform, Labels: o.Labels, Time: o.Time}
	if registry != nil {
		in.Registry = registry
	}
	return in
}

// checkContexts says what would keep the contexts from being assembled. Once the registry directories are known, it also says whether the build file
// takes them in.
func checkContexts(ctx context.Context, contexts ByPlatform, registries map[string]*registrydir.Dir, o ImageOptions) error {
	for _, p := range contexts.Platforms() {
		in := input(contexts[p], p, nil, o)
		var err error
		if in.Kubefile, err = o.buildFile(in.Dir, in.Platform); err != nil {
			return err
		}
		if _, err := assemble.Check(ctx, in, registries != nil && !registries[p].Empty()); err != nil {
			return fmt.Errorf("%s: %w", p, err)
		}
	}
	return nil
}

// labelsOf are the labels of the first platform's build file, which speak for the index.
func (o ImageOptions) labelsOf(contexts ByPlatform) (map[string]string, error) {
	p := contexts.Platforms()[0]
	k, err := o.buildFile(contexts[p], p)
	if err != nil {
		return nil, err
	}
	config, err := k.Config(p)
	return config.Labels, err
}
