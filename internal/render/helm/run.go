package helm

import (
	"context"
	"crypto/sha256"
	"fmt"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"text/template"

	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/common/util"
	"helm.sh/helm/v4/pkg/chart/loader/archive"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	loader "helm.sh/helm/v4/pkg/chart/v2/loader"
	chartutil "helm.sh/helm/v4/pkg/chart/v2/util"
	"helm.sh/helm/v4/pkg/engine"

	"github.com/labring-actions/cluster-image/internal/render"
)

// job is one request at work.
type job struct {
	root  *os.Root
	req   render.Request
	caps  *common.Capabilities
	files []*archive.BufferedFile
	chart render.Chart
	out   sink
	seen  map[[sha256.Size]byte]bool
	funcs template.FuncMap
}

func run(ctx context.Context, req render.Request, out sink) error {
	caps, err := newCapabilities(req.KubeVersion)
	if err != nil {
		return err
	}
	root, err := os.OpenRoot(req.Root)
	if err != nil {
		return fmt.Errorf("open %s: %w", req.Root, err)
	}
	defer func() { _ = root.Close() }()
	j := &job{root: root, req: req, caps: caps, out: out, seen: map[[sha256.Size]byte]bool{}, funcs: remembered()}
	if err := j.open(); err != nil {
		return fmt.Errorf("%w: %s", render.ErrChart, oneLine(err.Error()))
	}
	if err := out.Chart(j.chart); err != nil {
		return err
	}
	for i, v := range req.Sets {
		if err := ctx.Err(); err != nil {
			return err
		}
		o, err := j.set(i, v)
		if err != nil {
			return err
		}
		if err := out.Outcome(i, o); err != nil {
			return err
		}
	}
	return nil
}

// open loads the chart once to see that it is one.
func (j *job) open() (err error) {
	if j.files, err = load(j.root, j.req.Chart, j.req.Limits); err != nil {
		return err
	}
	c, err := j.parse()
	if err != nil {
		return err
	}
	j.chart = render.Chart{Name: c.Name(), Version: c.Metadata.Version, AppVersion: c.Metadata.AppVersion, Library: c.Metadata.Type == "library", Missing: missing(c)}
	if j.req.Hints == "" {
		return nil
	}
	hint := path.Join(j.req.Hints, c.Name()+".values.yaml")
	if _, err := j.root.Stat(hint); err == nil {
		j.chart.Hint = hint
	}
	return nil
}

// parse makes a new chart of the files: rendering changes a chart.
func (j *job) parse() (c *chart.Chart, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("it cannot be read: %v", r)
		}
	}()
	return loader.LoadFiles(j.files)
}

// set renders one set. The error is one that ends the work; why the set does not render is in the outcome.
func (j *job) set(i int, v render.Values) (render.Outcome, error) {
	if v.WithHint && (j.chart.Hint == "" || slices.Contains(v.Files, render.File{Path: j.chart.Hint})) {
		return render.Outcome{Done: true, Skipped: true}, nil
	}
	if j.chart.Library {
		return render.Outcome{Done: true}, nil
	}
	o := render.Outcome{Done: true}
	c, values, err := j.prepare(v)
	if err != nil {
		return render.Outcome{Done: true, Error: oneLine(err.Error())}, nil
	}
	texts, warnings, err := j.texts(c, values, v)
	o.Warnings = append(o.Warnings, warnings...)
	if err != nil {
		o.Error = oneLine(err.Error())
	}
	return o, j.emit(i, append(texts, plain(c)...))
}

// prepare loads the chart and switches its subcharts on and off.
func (j *job) prepare(v render.Values) (c *chart.Chart, values map[string]any, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("read the values: %v", r)
		}
	}()
	if values, err = merge(j.root, v, j.chart.Hint); err != nil {
		return nil, nil, err
	}
	if c, err = j.parse(); err != nil {
		return nil, nil, err
	}
	return c, values, chartutil.ProcessDependencies(c, values)
}

// missing names the dependencies that helm would refuse to install without.
func missing(c *chart.Chart) []string {
	have := map[string]bool{}
	for _, d := range c.Dependencies() {
		have[d.Name()] = true
	}
	var out []string
	for _, d := range c.Metadata.Dependencies {
		if d != nil && !have[d.Name] {
			out = append(out, strings.TrimSpace(d.Name+" "+d.Version))
		}
	}
	return out
}

// texts renders twice: for a cluster that serves whatever the chart asks for, and, as sealos does, for one with the built-in API versions only,
// before the first installation. One of them has to succeed.
func (j *job) texts(c *chart.Chart, values map[string]any, v render.Values) ([]render.Document, []string, error) {
	options := common.ReleaseOptions{Name: v.Release, Namespace: v.Namespace, Revision: 1, IsInstall: true}
	if options.Name == "" {
		options.Name = "release"
	}
	if options.Namespace == "" {
		options.Namespace = "default"
	}
	docs, warnings, err := j.variant(c, values, options, permissive(j.caps))
	options.IsInstall = false
	builtin, _, err2 := j.variant(c, values, options, j.caps)
	if err != nil && err2 == nil {
		err = nil
	}
	return append(docs, builtin...), warnings, err
}

func (j *job) variant(c *chart.Chart, values map[string]any, o common.ReleaseOptions, caps any) (docs []render.Document, warnings []string, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("render: %v", r)
		}
	}()
	top, err := util.ToRenderValuesWithSchemaValidation(c, values, o, j.caps, true)
	if err != nil {
		return nil, nil, err
	}
	effective, err := top.Table("Values")
	if err != nil {
		return nil, nil, err
	}
	if warnings, err = validate(c, effective); err != nil {
		return nil, warnings, err
	}
	top["Capabilities"] = caps
	rendered, err := engine.Engine{CustomTemplateFuncs: j.funcs}.RenderWithContext(context.Background(), c, top)
	if err != nil {
		return nil, warnings, err
	}
	docs, err = documents(rendered, j.req.Limits.Output)
	return docs, warnings, err
}

func documents(rendered map[string]string, limit int64) ([]render.Document, error) {
	var size int64
	docs := make([]render.Document, 0, len(rendered))
	for _, name := range slices.Sorted(maps.Keys(rendered)) {
		if size += int64(len(rendered[name])); size > limit {
			return nil, fmt.Errorf("%w: more than %d MiB, at %s", render.ErrTooMuchOutput, limit>>20, name)
		}
		docs = append(docs, render.Document{Kind: render.Template, Name: name, Text: rendered[name]})
	}
	return docs, nil
}

// plain is what is not rendered: crds/ and the annotations that list images, of the chart and the subcharts that are switched on.
func plain(c *chart.Chart) []render.Document {
	var docs []render.Document
	for _, crd := range c.CRDObjects() {
		docs = append(docs, render.Document{Kind: render.CRD, Name: crd.Filename, Text: string(crd.File.Data)})
	}
	return append(docs, annotations(c)...)
}

func annotations(c *chart.Chart) []render.Document {
	var docs []render.Document
	for _, key := range []string{"images", "helm.sh/images", "artifacthub.io/images"} {
		if text := c.Metadata.Annotations[key]; text != "" {
			docs = append(docs, render.Document{Kind: render.Annotation, Name: c.ChartFullPath() + "/Chart.yaml", Key: key, Text: text})
		}
	}
	for _, sub := range c.Dependencies() {
		docs = append(docs, annotations(sub)...)
	}
	return docs
}

// emit hands over the texts that are new, a YAML document at a time.
func (j *job) emit(set int, docs []render.Document) error {
	for _, d := range docs {
		for line, text := range render.Split(d.Text) {
			key := sha256.Sum256([]byte(string(d.Kind) + "\x00" + d.Name + "\x00" + d.Key + "\x00" + text))
			if j.seen[key] || strings.TrimSpace(text) == "" {
				continue
			}
			j.seen[key] = true
			d.Set, d.Line, d.Text = set, line, text
			if err := j.out.Document(d); err != nil {
				return err
			}
		}
	}
	return nil
}

// maxMessage bounds an error message, which may quote the chart.
const maxMessage = 2000

// oneLine joins the lines of an error of helm.
func oneLine(s string) string {
	fields := strings.FieldsFunc(s, func(r rune) bool { return r == '\n' || r == '\r' })
	for i := range fields {
		fields[i] = strings.TrimSpace(fields[i])
	}
	s = strings.Join(fields, ": ")
	s = strings.ReplaceAll(strings.ReplaceAll(s, ":: ", ": "), "execution error at ", "")
	if len(s) > maxMessage {
		s = s[:maxMessage] + "…"
	}
	return strings.ToValidUTF8(s, "�")
}
