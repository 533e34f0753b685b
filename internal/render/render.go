// Package render asks for the texts of a Helm chart under several sets of values. A Go template cannot be cancelled, so the rendering itself
// happens in a child process of the same binary, which this package starts, limits and kills. It does not link helm.
package render

import (
	"context"
	"errors"
	"time"
)

// KubeVersion is the Kubernetes version that charts see unless the caller says otherwise. It is a release that exists and that the charts of
// today support, not the newest: charts derive image tags from it.
const KubeVersion = "v1.34.0"

var (
	// ErrTooLong says that a child was killed at its deadline.
	ErrTooLong = errors.New("rendering took too long")
	// ErrTooMuchMemory says that a child ran into its memory limit.
	ErrTooMuchMemory = errors.New("rendering needs too much memory")
	// ErrTooMuchOutput says that the texts of a chart are larger than the limit.
	ErrTooMuchOutput = errors.New("rendering yields too much text")
	// ErrChart says that the chart itself cannot be loaded.
	ErrChart = errors.New("chart cannot be loaded")
)

// Limits bound what one chart may take. A zero field takes its default.
type Limits struct {
	// Time is the deadline of a child: 60 s.
	Time time.Duration
	// Memory is what a child may map, in bytes: 512 MiB.
	Memory int64
	// Output is the size of all texts of one set of values, in bytes: 64 MiB.
	Output int64
	// ChartSize is the size of all files of a chart, unpacked, in bytes: 100 MiB.
	ChartSize int64
	// ChartFiles is the number of files of a chart, unpacked: 20000.
	ChartFiles int
}

// WithDefaults fills the zero fields.
func (l Limits) WithDefaults() Limits {
	return Limits{
		Time:       or(l.Time, 60*time.Second),
		Memory:     or(l.Memory, 512<<20),
		Output:     or(l.Output, 64<<20),
		ChartSize:  or(l.ChartSize, 100<<20),
		ChartFiles: or(l.ChartFiles, 20000),
	}
}

func or[T comparable](v, otherwise T) T {
	var zero T
	if v == zero {
		return otherwise
	}
	return v
}

// Request says what to render. It is the first line of the protocol.
type Request struct {
	// Root is the directory that files may be read from; no link leads out of it.
	Root string `json:"root"`
	// Chart is a directory, a .tgz or a .tar.gz, relative to Root, with slashes.
	Chart string `json:"chart"`
	// Hints is the directory, relative to Root, where <name in Chart.yaml>.values.yaml is looked for.
	Hints string `json:"hints,omitempty"`
	// KubeVersion is what .Capabilities.KubeVersion says; empty is [KubeVersion].
	KubeVersion string `json:"kubeVersion,omitempty"`
	// Sets are rendered in their order. A text that an earlier set gave is not given again.
	Sets []Values `json:"sets"`
	// Limits bound the work.
	Limits Limits `json:"limits"`
}

// Values is one set of values, as helm takes them on its command line, and the release they are for.
type Values struct {
	// Label names the set in messages: "defaults", "entrypoint.sh:12".
	Label string `json:"label"`
	// Release and Namespace are what .Release says; empty Release is "release".
	Release   string `json:"release,omitempty"`
	Namespace string `json:"namespace,omitempty"`
	// WithHint puts the hint file beneath the rest. A set with it is skipped when there is no such file, or when it is among Files anyway.
	WithHint bool `json:"withHint,omitempty"`
	// Files are merged first, in their order.
	Files []File `json:"files,omitempty"`
	// Set, SetString, SetFile, SetJSON and SetLiteral are the arguments of the flags of that name.
	Set        []string `json:"set,omitempty"`
	SetString  []string `json:"setString,omitempty"`
	SetFile    []string `json:"setFile,omitempty"`
	SetJSON    []string `json:"setJSON,omitempty"`
	SetLiteral []string `json:"setLiteral,omitempty"`
	// Dir is what the paths of SetFile are relative to, itself relative to Root.
	Dir string `json:"dir,omitempty"`
}

// File is a values file: a path relative to Root, or the text itself.
type File struct {
	Path string `json:"path,omitempty"`
	Text string `json:"text,omitempty"`
}

// Kind says where a document comes from.
type Kind string

const (
	// Template is what a template rendered to, the tests of the chart and NOTES.txt among them.
	Template Kind = "template"
	// CRD is a file of crds/, which helm applies as it is.
	CRD Kind = "crd"
	// Annotation is an annotation of Chart.yaml that lists images.
	Annotation Kind = "annotation"
)

// Document is one text of a chart.
type Document struct {
	Kind Kind `json:"kind"`
	// Name is <chart>/templates/<file>, <chart>/charts/<subchart>/…, or <chart>/Chart.yaml for an annotation.
	Name string `json:"name"`
	// Key is the name of the annotation.
	Key string `json:"key,omitempty"`
	// Line is where the text begins in the rendered file, counted from 1: a file of several YAML documents comes in pieces.
	Line int    `json:"line"`
	Text string `json:"text"`
	// Set is the index of the first set that gave this text.
	Set int `json:"set"`
}

// Chart is what Chart.yaml says.
type Chart struct {
	Name       string `json:"name"`
	Version    string `json:"version"`
	AppVersion string `json:"appVersion,omitempty"`
	// Library is true for a chart that cannot be installed: it renders to nothing.
	Library bool `json:"library,omitempty"`
	// Hint is the path of the hint file, relative to the request's Root; empty when there is none.
	Hint string `json:"hint,omitempty"`
	// Missing are the dependencies that are not in charts/, each with its version: helm refuses to install without them, on or off.
	Missing []string `json:"missing,omitempty"`
}

// Outcome is how the rendering of one set ended.
type Outcome struct {
	// Done is false when the work ended before the set, or within it.
	Done bool `json:"done,omitempty"`
	// Skipped is true for a set with WithHint that would be the same without.
	Skipped bool `json:"skipped,omitempty"`
	// Error says template, line and reason; empty is success.
	Error string `json:"error,omitempty"`
	// Warnings are what is odd but no failure: a schema that refers to a URL.
	Warnings []string `json:"warnings,omitempty"`
}

// Response is what is known when everything is rendered, or the child is dead.
type Response struct {
	Chart Chart
	// Outcomes has one entry per set of the request.
	Outcomes []Outcome
	// PeakMemory is the largest resident size of the child in bytes; zero in process.
	PeakMemory int64
}

// Emit takes one document of a chart.
type Emit func(Chart, Document) error

// Renderer renders charts. It calls emit for every document, one at a time, and returns the first error of emit. A set that does not render is
// no error of Render: its outcome says why. A chart that cannot be loaded is [ErrChart]. Of a child that was killed, the error says by which
// limit; the sets that it had finished are in the response.
type Renderer interface {
	Render(ctx context.Context, req Request, emit Emit) (Response, error)
}
