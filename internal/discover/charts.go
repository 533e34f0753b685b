package discover

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/labring-actions/cluster-image/internal/discover/start"
	"github.com/labring-actions/cluster-image/internal/render"
)

// chartsDir is where charts are looked for, and the values files that bear their names.
const chartsDir = "charts"

// defaultJobs is how many charts are rendered at once: each takes about 100 MB.
const defaultJobs = 2

// charts renders every chart of charts/, and the others that the start command installs.
func (s *search) charts(ctx context.Context) error {
	plan := start.Read(s.root, s.o.Start.Commands, s.o.Start.Env)
	for _, w := range plan.Warnings {
		s.warn(w.File, w.Line, "%s", w.Message)
	}
	s.started(plan.Images)
	s.applied(plan.Manifests)
	files := s.chartFiles()
	byChart := map[string][]start.Invocation{}
	for _, i := range plan.Invocations {
		if s.usable(i) {
			byChart[i.Path] = append(byChart[i.Path], i)
			if !slices.Contains(files, i.Path) {
				files = append(files, i.Path)
			}
		}
	}
	if len(files) > 0 && s.o.Renderer == nil {
		return errors.New("the context has charts and there is no renderer")
	}
	return s.renderAll(ctx, files, byChart)
}

// started adds the images that the start command gives kubectl. A variable may have another value in a cluster, so they are maybes.
func (s *search) started(images []start.Image) {
	for _, i := range images {
		text := candidate(i.Text)
		if text == "" || templated(text) {
			continue
		}
		o := Origin{File: i.File, Line: i.Line, Kind: kindArg, Text: text, Maybe: true}
		if o.File == "" {
			o.File, o.Line = i.Where, 0
		}
		s.add(o)
	}
}

// applied decodes the manifests that the start command applies. One in a branch, or with the variables of a script in it, may be another.
func (s *search) applied(manifests []start.Manifest) {
	for _, m := range manifests {
		if m.Path == "" {
			s.scanText(m.Text, Origin{File: m.File, Line: m.Line, Maybe: true})
			continue
		}
		s.each(m.Path, func(name string) {
			if ext := strings.ToLower(path.Ext(name)); ext != ".yaml" && ext != ".yml" && ext != ".json" {
				return
			}
			if text, ok := s.read(name); ok {
				if line, message := s.scanText(text, Origin{File: name, Maybe: m.Conditional}); message != "" {
					s.warn(name, line, "the file is not valid YAML: %s", message)
				}
			}
		})
	}
}

func (s *search) renderAll(ctx context.Context, files []string, byChart map[string][]start.Invocation) error {
	g, ctx := errgroup.WithContext(ctx)
	if s.o.Jobs > 0 {
		g.SetLimit(s.o.Jobs)
	} else {
		g.SetLimit(defaultJobs)
	}
	s.rendered = make([]Chart, len(files))
	for i, file := range files {
		g.Go(func() error {
			c, err := s.chart(ctx, file, byChart[file])
			s.rendered[i] = c
			return err
		})
	}
	err := g.Wait()
	s.rendered = slices.DeleteFunc(s.rendered, func(c Chart) bool { return c.Name == "" })
	return err
}

// chartFiles lists the charts of charts/: directories, .tgz and .tar.gz files at its first level.
func (s *search) chartFiles() []string {
	entries, err := fs.ReadDir(s.root.FS(), chartsDir)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			s.fail(&Problem{File: chartsDir, Err: err})
		}
		return nil
	}
	var out []string
	for _, e := range entries {
		name := path.Join(chartsDir, e.Name())
		info, err := s.root.Stat(name)
		switch {
		case strings.HasPrefix(e.Name(), "."):
		case err != nil:
			s.link(name, func(string) {})
		case info.IsDir(), isPacked(name) && info.Mode().IsRegular():
			out = append(out, name)
		}
	}
	return out
}

func isPacked(name string) bool {
	return strings.HasSuffix(name, ".tgz") || strings.HasSuffix(name, ".tar.gz")
}

// usable says whether the invocation installs a chart of the context. If not, it says so.
func (s *search) usable(i start.Invocation) bool {
	for _, m := range i.Missing {
		s.warn(i.File, i.Line, "%s reads the values file %s, which is not in the build context: its values are not known", i.Where, m)
	}
	if i.Path == "" {
		s.warn(i.File, i.Line, "%s installs %s, which is not in the build context: its images are not found, and the cluster needs the network", i.Where, i.Chart)
		return false
	}
	_, err := s.root.Stat(i.Path)
	switch {
	case err == nil:
		return true
	case i.Conditional || !strings.HasPrefix(i.Path, chartsDir+"/"):
		s.warn(i.File, i.Line, "%s installs %s, which is not in the build context", i.Where, i.Chart)
	default:
		s.fail(&Problem{File: i.File, Line: i.Line, Err: fmt.Errorf("%s installs the chart %s, which is not in the build context: the download step has to put it there", i.Where, i.Path)})
	}
	return false
}

// chartRun is one chart being rendered.
type chartRun struct {
	*search
	file  string
	calls []start.Invocation
	sets  []render.Values
	res   render.Response
}

func (s *search) chart(ctx context.Context, file string, calls []start.Invocation) (Chart, error) {
	c := &chartRun{search: s, file: file, calls: calls, sets: setsOf(calls)}
	var name string
	var err error
	c.res, err = s.o.Renderer.Render(ctx, render.Request{
		Root: s.dir, Chart: file, Hints: chartsDir, KubeVersion: s.o.KubeVersion, Sets: c.sets, Limits: s.o.Limits,
	}, c.document)
	if ctx.Err() != nil {
		return Chart{}, ctx.Err()
	}
	c.judge(err)
	name = c.res.Chart.Name
	s.o.Reporter.Note("chart %s (%s %s): render process took %d MiB", file, name, c.res.Chart.Version, c.res.PeakMemory>>20)
	return Chart{File: file, Name: name, Version: c.res.Chart.Version, Memory: c.res.PeakMemory, Values: c.labels()}, nil
}

// setsOf lists the values to render with: those of every call, with the hint file beneath and without, then the hint file alone, then the
// defaults alone.
func setsOf(calls []start.Invocation) []render.Values {
	var sets []render.Values
	for _, i := range calls {
		with := i.Values
		with.WithHint = true
		sets = append(sets, with, i.Values)
	}
	return append(sets, render.Values{Label: "its values file", WithHint: true}, render.Values{Label: "its defaults"})
}

// sure says whether the set is what the application is started with: a call's, or where none is known the hint file, or else the defaults.
func (c *chartRun) sure(set int) bool {
	last := len(c.sets) - 1
	switch {
	case len(c.calls) > 0:
		return set < last-1
	case c.res.Chart.Hint != "":
		return set == last-1
	}
	return set == last
}

func (c *chartRun) label(set int) string {
	v := c.sets[set]
	if v.WithHint && c.res.Chart.Hint != "" {
		if set == len(c.sets)-2 {
			return c.res.Chart.Hint
		}
		return v.Label + " with " + c.res.Chart.Hint
	}
	return v.Label
}

func (c *chartRun) labels() []string {
	var out []string
	for i := range c.sets {
		if l := c.label(i); !c.res.Outcomes[i].Skipped && !slices.Contains(out, l) {
			out = append(out, l)
		}
	}
	return out
}

// document scans a text of the chart.
func (c *chartRun) document(chart render.Chart, d render.Document) error {
	c.res.Chart = chart
	_, rest, _ := strings.Cut(d.Name, "/")
	o := Origin{
		File: path.Join(c.file, rest), Line: d.Line, Chart: c.res.Chart.Name + " " + c.res.Chart.Version,
		Values: c.label(d.Set), Maybe: !c.sure(d.Set),
	}
	switch d.Kind {
	case render.Annotation:
		o.Kind, o.Path, o.Line, o.Maybe = kindAnnotation, d.Key, 0, true
		c.annotation(d.Text, o)
	case render.CRD:
		scanDocuments(d.Text, &document{finds: c.finds, base: o}, where{})
	default:
		c.text(d, o)
	}
	return nil
}

func (c *chartRun) text(d render.Document, o Origin) {
	if ext := path.Ext(d.Name); ext == ".txt" || ext == ".md" {
		c.finds.scanLines(d.Text, o)
		return
	}
	line, message := c.scanText(d.Text, o)
	switch {
	case message == "":
	case o.Maybe:
		c.warn(o.File, line, "with %s the template renders to no valid YAML: %s", o.Values, message)
	default:
		c.fail(&Problem{File: o.File, Line: line, Err: fmt.Errorf("with %s the template renders to no valid YAML, which helm refuses: %s", o.Values, message)})
	}
}

// annotation reads a list of {name, image} or of names.
func (c *chartRun) annotation(text string, o Origin) {
	d := &document{finds: c.finds, base: o, seen: map[visit]bool{}}
	n, err := decode(text)
	if err != nil || n == nil {
		c.warn(o.File, 0, "annotation %s is no YAML list of images", o.Path)
		return
	}
	d.base.Line = 1
	d.walk(n, where{trail: &trail{key: "images"}})
}

// judge turns the outcomes into problems and warnings.
func (c *chartRun) judge(err error) {
	if err != nil && !c.ended(err) {
		return
	}
	c.dependencies()
	failed := map[string]string{}
	for i, o := range c.res.Outcomes {
		for _, w := range o.Warnings {
			c.warn(c.file, 0, "%s", w)
		}
		switch where := c.sets[i].Label; {
		case o.Skipped, !o.Done:
		case !c.sure(i):
			if o.Error != "" {
				c.warn(c.file, 0, "chart %s does not render with %s: %s", c.res.Chart.Name, c.label(i), o.Error)
			}
		case o.Error == "":
			failed[where] = ""
		default:
			if _, known := failed[where]; !known {
				failed[where] = o.Error
			}
		}
	}
	c.refuse(failed)
}

// dependencies are missing: helm refuses to install such a chart. One that no command installs for certain may be there for something else.
func (c *chartRun) dependencies() {
	certain := slices.ContainsFunc(c.calls, func(i start.Invocation) bool { return !i.Conditional })
	for _, d := range c.res.Chart.Missing {
		if certain {
			c.fail(&Problem{File: c.file, Err: fmt.Errorf("dependency %s of Chart.yaml is not in charts/, so helm refuses to install the chart: run helm dependency build in the download step", d)})
		} else {
			c.warn(c.file, 0, "dependency %s of Chart.yaml is not in charts/: helm will refuse to install the chart (run helm dependency build)", d)
		}
	}
}

// ended says why the render process gave no whole answer. It is true when everything that the start command needs was answered before.
func (c *chartRun) ended(err error) bool {
	open := slices.IndexFunc(c.res.Outcomes, func(o render.Outcome) bool { return !o.Done })
	switch {
	case errors.Is(err, render.ErrChart) || open < 0 || c.res.Chart.Name == "":
		c.fail(&Problem{File: c.file, Err: err})
		return false
	case c.sure(open):
		c.fail(&Problem{File: c.file, Err: fmt.Errorf("chart %s %s with %s: %w", c.res.Chart.Name, c.res.Chart.Version, c.label(open), err)})
		return false
	}
	c.warn(c.file, 0, "chart %s does not render with %s: %v", c.res.Chart.Name, c.label(open), err)
	return true
}

// refuse reports the calls under which the chart does not render. One in a branch is a warning as long as another call renders.
func (c *chartRun) refuse(failed map[string]string) {
	rendered := false
	for _, message := range failed {
		rendered = rendered || message == ""
	}
	for where, message := range failed {
		if message == "" {
			continue
		}
		if rendered && c.conditional(where) {
			c.warn(c.file, 0, "chart %s does not render with the values of %s: %s", c.res.Chart.Name, where, message)
			continue
		}
		c.fail(&Problem{File: c.file, Err: c.explain(where, message)})
	}
}

func (c *chartRun) conditional(where string) bool {
	return slices.ContainsFunc(c.calls, func(i start.Invocation) bool { return i.Where == where && i.Conditional })
}

func (c *chartRun) explain(where, message string) error {
	return fmt.Errorf("chart %s %s does not render with %s: %s; if it asks for values, give them in %s/%s.values.yaml or with --set in the start command (ENV HELM_OPTS)",
		c.res.Chart.Name, c.res.Chart.Version, where, message, chartsDir, c.res.Chart.Name)
}
