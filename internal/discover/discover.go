// Package discover finds the container images that a build context needs: charts are rendered, manifests decoded, image lists read. Every need
// says where it was asked for.
package discover

import (
	"context"
	"fmt"
	"os"

	"github.com/labring-actions/cluster-image/internal/progress"
	"github.com/labring-actions/cluster-image/internal/reference"
	"github.com/labring-actions/cluster-image/internal/render"
)

// Need is an image that the context needs.
type Need struct {
	Ref reference.Reference `json:"ref"`
	// Maybe is true when every place that names the image may mean something else, or may not be used: an environment variable, an argument, a
	// default of a custom resource, free text. A maybe that does not resolve is no failure.
	Maybe bool `json:"maybe,omitempty"`
	// Origins are the places, the sure ones first, each once.
	Origins []Origin `json:"origins"`
}

// Origin is a place that names an image.
type Origin struct {
	// File is relative to the context, with slashes; for a chart it is the template: charts/nginx/templates/deployment.yaml.
	File string `json:"file"`
	// Line counts from 1; in a chart it is the line of the rendered text. 0 is unknown.
	Line int `json:"line,omitempty"`
	// Path is the YAML path: spec.template.spec.containers[0].image.
	Path string `json:"path,omitempty"`
	// Kind is how it was found: container, volume, key, map, env, arg, shim, annotation, crd, text, line.
	Kind string `json:"kind"`
	// Object is the Kubernetes object: Deployment/nginx.
	Object string `json:"object,omitempty"`
	// Chart is name and version: nginx 13.1.7.
	Chart string `json:"chart,omitempty"`
	// Values says which values the chart was rendered with: defaults, entrypoint.sh:12.
	Values string `json:"values,omitempty"`
	// Text is the reference as it is spelled there.
	Text string `json:"text"`
	// Maybe is true when this place alone would make the need a maybe.
	Maybe bool `json:"maybe,omitempty"`
}

// Tar is an image that the context brings as an archive, by a line of images/skopeo/tar.txt.
type Tar struct {
	// Kind is docker-archive or oci-archive.
	Kind string `json:"kind"`
	// File is relative to the context, with slashes.
	File string `json:"file"`
	// Ref is what the image is stored as. Its Host is empty unless the line has one.
	Ref  reference.Reference `json:"ref"`
	Line int                 `json:"line"`
}

// Warning is something that may make the result incomplete.
type Warning struct {
	// File and Line are where; File may be empty.
	File    string `json:"file,omitempty"`
	Line    int    `json:"line,omitempty"`
	Message string `json:"message"`
}

// Start is how the application is started, from the Kubefile's ENTRYPOINT, CMD and ENV.
type Start struct {
	// Commands are shell command lines.
	Commands []string
	// Env has the defaults of the variables.
	Env map[string]string
}

// Options say how to discover.
type Options struct {
	// Renderer renders the charts. It may be nil when the context has none.
	Renderer render.Renderer
	Start    Start
	// Reporter may be nil.
	Reporter *progress.Reporter
	// Jobs is how many charts are rendered at once; 0 is 2.
	Jobs int
	// KubeVersion is what charts see; empty is [render.KubeVersion].
	KubeVersion string
	// Limits bound each chart.
	Limits render.Limits
}

// Result is what a context needs.
type Result struct {
	// Needs are sorted by reference, each once.
	Needs []Need `json:"needs"`
	Tars  []Tar  `json:"tars,omitempty"`
	// Ignored are the needs that .sealignore takes out.
	Ignored  []Need    `json:"ignored,omitempty"`
	Warnings []Warning `json:"warnings,omitempty"`
	// Charts are the charts that were rendered.
	Charts []Chart `json:"charts,omitempty"`
}

// Chart is a chart that was rendered.
type Chart struct {
	// File is the directory or archive, relative to the context.
	File    string `json:"file"`
	Name    string `json:"name"`
	Version string `json:"version"`
	// Memory is the largest resident size of its render process in bytes.
	Memory int64 `json:"memory,omitempty"`
	// Values are the sets of values it was rendered with.
	Values []string `json:"values,omitempty"`
}

// Discover finds what the context in dir needs. All that is wrong with the context is in one error, made of [Problem]s.
func Discover(ctx context.Context, dir string, o Options) (Result, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return Result{}, fmt.Errorf("open the build context: %w", err)
	}
	defer func() { _ = root.Close() }()
	s := &search{finds: newFinds(), root: root, dir: dir, o: o}
	s.manifests()
	s.shim()
	s.tars()
	if err := s.charts(ctx); err != nil {
		return Result{}, err
	}
	return s.result()
}

// search is one discovery at work.
type search struct {
	*finds
	root     *os.Root
	dir      string
	o        Options
	tarList  []Tar
	rendered []Chart
}

func (s *search) result() (Result, error) {
	r := Result{Tars: s.tarList, Charts: s.rendered}
	r.Needs, r.Ignored = s.ignore(s.sorted())
	r.Warnings = s.sortedWarnings()
	return r, join(s.problems)
}
