package discover_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/labring-actions/cluster-image/internal/discover"
	"github.com/labring-actions/cluster-image/internal/render"
	"github.com/labring-actions/cluster-image/internal/render/helm"
)

// childArg makes the test binary a render process.
const childArg = "render-chart"

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == childArg {
		os.Exit(helm.Main(os.Stdin, os.Stdout))
	}
	os.Exit(m.Run())
}

func children(t testing.TB) render.Renderer {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return render.Child(exe, childArg)
}

func chartFiles(name, template string) map[string]string {
	return map[string]string{
		"charts/" + name + "/Chart.yaml":          "apiVersion: v2\nname: " + name + "\nversion: 1.0.0\n",
		"charts/" + name + "/templates/main.yaml": template,
	}
}

// late is a renderer whose deadline comes when it has rendered all that precedes the defaults of one chart, however fast the machine is.
type late struct {
	render.Renderer
	chart string
}

func (l late) Render(ctx context.Context, req render.Request, emit render.Emit) (render.Response, error) {
	n := slices.IndexFunc(req.Sets, func(v render.Values) bool { return v.Label == "its defaults" })
	if req.Chart != l.chart || n < 0 {
		return l.Renderer.Render(ctx, req, emit)
	}
	rest := len(req.Sets) - n
	req.Sets = req.Sets[:n]
	res, err := l.Renderer.Render(ctx, req, emit)
	res.Outcomes = append(res.Outcomes, make([]render.Outcome, rest)...)
	return res, errors.Join(err, fmt.Errorf("%w: killed after %s", render.ErrTooLong, req.Limits.WithDefaults().Time))
}

// TestLateInDefaults has a chart whose defaults never end; the start command's values do.
func TestLateInDefaults(t *testing.T) {
	t.Parallel()
	files := chartFiles("x", "image: x/fine:1\n")
	o := discover.Options{Renderer: late{children(t), "charts/x"}, Limits: limits(), Start: discover.Start{Commands: []string{"helm install x charts/x --set fine=true"}}}
	r, err := discover.Discover(t.Context(), write(t, files), o)
	if err != nil || listing(r) != "maybe docker.io/x/fine:1 key\n" {
		t.Errorf("%s %v", listing(r), err)
	}
	if !hasWarning(r, "charts/x: chart x does not render with its defaults: rendering took too long: killed after 1h0m0s") {
		t.Error(r.Warnings)
	}
}

// TestBombsAndMore names every chart that is wrong, and finds what the others need.
func TestBombsAndMore(t *testing.T) {
	t.Parallel()
	files := chartFiles("endless", "")
	maps.Copy(files, chartFiles("huge", "{{ repeat 2000000000 \"x\" }}"))
	maps.Copy(files, chartFiles("fine", "image: x/fine:1\n"))
	files["charts/none/values.yaml"] = ""
	files["charts/bad.tgz"] = "no archive"
	files["charts/note.txt"] = "no chart"
	r, err := discover.Discover(t.Context(), write(t, files), discover.Options{Renderer: late{children(t), "charts/endless"}, Limits: limits()})
	want := "charts/bad.tgz: chart cannot be loaded: it is not a gzipped archive\n" +
		"charts/endless: chart endless 1.0.0 with its defaults: rendering took too long: killed after 1h0m0s\n" +
		"charts/huge: chart huge 1.0.0 with its defaults: rendering needs too much memory: more than 512 MiB\n" +
		"charts/none: chart cannot be loaded: Chart.yaml file is missing"
	if raceEnabled {
		t.Skip("the race detector maps more memory than the limit allows")
	}
	compareErrors(t, err, want)
	if listing(r) != "maybe docker.io/x/fine:1 key\n" {
		t.Error(listing(r))
	}
}

func limits() render.Limits {
	if raceEnabled {
		return render.Limits{Time: time.Hour, Memory: -1}
	}
	return render.Limits{Time: time.Hour}
}

// TestRealCharts lists what is found in charts that nobody wrote for a test, and checks that it covers what the line scanner finds.
func TestRealCharts(t *testing.T) {
	dir := os.Getenv("CLUSTER_IMAGE_CHARTS")
	if dir == "" {
		t.Skip("CLUSTER_IMAGE_CHARTS is not set: let it name a directory of packed charts")
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.tgz"))
	if err != nil || len(files) == 0 {
		t.Fatal("no charts", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			realChart(t, filepath.Base(file), string(b))
		})
	}
}

func realChart(t *testing.T, name, content string) {
	context := write(t, map[string]string{"charts/" + name: content})
	begun := time.Now()
	r, err := discover.Discover(t.Context(), context, discover.Options{Renderer: children(t)})
	took := time.Since(begun)
	if err != nil {
		t.Error(err)
	}
	scanned := map[string]bool{}
	_, err = helm.Renderer{}.Render(t.Context(), render.Request{Root: context, Chart: "charts/" + name, Sets: []render.Values{{}}}, func(_ render.Chart, d render.Document) error {
		if d.Kind == render.Template {
			for _, s := range scanner(d.Text) {
				scanned[s] = covered(r, s)
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	for s, ok := range scanned {
		if !ok {
			t.Errorf("%s is missed", s)
		}
	}
	report(t, r, len(scanned), took)
}

func report(t *testing.T, r discover.Result, scanned int, took time.Duration) {
	var sure, maybe []string
	for _, n := range r.Needs {
		s := fmt.Sprintf("%s (%s %s %s)", n.Ref, n.Origins[0].Kind, n.Origins[0].Path, n.Origins[0].File)
		if n.Maybe {
			maybe = append(maybe, s)
		} else {
			sure = append(sure, s)
		}
	}
	memory := int64(0)
	for _, c := range r.Charts {
		memory = max(memory, c.Memory)
	}
	t.Logf("%d sure, %d maybe, %d by the line scanner, %s, %d MiB\n  %s\n  maybe %s\n  %v", len(sure), len(maybe), scanned, took.Round(time.Millisecond), memory>>20,
		strings.Join(sure, "\n  "), strings.Join(maybe, "\n  maybe "), r.Warnings)
}

// BenchmarkDiscover discovers a context of 200 charts, in processes and in this one.
func BenchmarkDiscover(b *testing.B) {
	files := map[string]string{}
	for i := range 200 {
		name := fmt.Sprintf("c%d", i)
		maps.Copy(files, chartFiles(name, strings.Repeat("---\n"+pod("app/"+name+":{{ .Chart.Version }}"), 5)))
	}
	dir := write(b, files)
	for name, r := range map[string]render.Renderer{"processes": children(b), "in-process": helm.Renderer{}} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				res, err := discover.Discover(b.Context(), dir, discover.Options{Renderer: r})
				if err != nil || len(res.Needs) != 200 {
					b.Fatal(len(res.Needs), err)
				}
			}
		})
	}
}

// BenchmarkManifest decodes a manifest of 5000 objects.
func BenchmarkManifest(b *testing.B) {
	var text strings.Builder
	for i := range 5000 {
		text.WriteString("---\n" + pod(fmt.Sprintf("app/%d:1", i%100)))
	}
	dir := write(b, map[string]string{"manifests/all.yaml": text.String()})
	b.SetBytes(int64(text.Len()))
	b.ReportAllocs()
	for b.Loop() {
		res, err := discover.Discover(b.Context(), dir, discover.Options{})
		if err != nil || !slices.ContainsFunc(res.Needs, func(n discover.Need) bool { return !n.Maybe }) {
			b.Fatal(err)
		}
	}
}
