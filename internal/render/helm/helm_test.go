package helm_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/labring-actions/cluster-image/internal/render"
	"github.com/labring-actions/cluster-image/internal/render/helm"
)

const (
	// childArg makes the test binary a render process.
	childArg = "render-chart"
	// dyingArg makes it one that dies with its next argument as last words.
	dyingArg = "die-saying"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == childArg {
		os.Exit(helm.Main(os.Stdin, os.Stdout))
	}
	if len(os.Args) > 2 && os.Args[1] == dyingArg {
		fmt.Fprint(os.Stderr, os.Args[2])
		os.Exit(2)
	}
	os.Exit(m.Run())
}

func write(t testing.TB, dir string, files map[string]string) string {
	t.Helper()
	for name, text := range files {
		full := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// chart is a chart x with one template.
func chart(template string) map[string]string {
	return map[string]string{"x/Chart.yaml": "apiVersion: v2\nname: x\nversion: 1.0.0\n", "x/templates/a.yaml": template}
}

func request(dir string, sets ...render.Values) render.Request {
	if len(sets) == 0 {
		sets = []render.Values{{Label: "defaults"}}
	}
	return render.Request{Root: dir, Chart: "x", Sets: sets, Limits: limits()}
}

func limits() render.Limits {
	l := render.Limits{}
	if raceEnabled {
		l.Memory = -1
	}
	return l
}

func children(t testing.TB) render.Renderer {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return render.Child(exe, childArg)
}

func texts(t testing.TB, r render.Renderer, req render.Request) ([]string, render.Response, error) {
	t.Helper()
	var out []string
	res, err := r.Render(t.Context(), req, func(_ render.Chart, d render.Document) error {
		out = append(out, fmt.Sprintf("%d %s:%d %s", d.Set, d.Name, d.Line, strings.TrimSpace(d.Text)))
		return nil
	})
	return out, res, err
}

// TestSame renders the same in this process and in a child.
func TestSame(t *testing.T) {
	t.Parallel()
	files := chart("a: {{ .Values.a }}\n---\nb: {{ .Values.b | default .Release.Name }}\n")
	files["x/values.yaml"] = "a: 1\n"
	files["more.yaml"] = "a: 2\n"
	files["hints/x.values.yaml"] = "b: hint\n"
	req := request(write(t, t.TempDir(), files),
		render.Values{Release: "r", Set: []string{"b=set"}, Files: []render.File{{Path: "more.yaml"}, {Text: "c: 1"}}},
		render.Values{WithHint: true}, render.Values{})
	req.Hints = "hints"
	want := []string{"0 x/templates/a.yaml:1 a: 2", "0 x/templates/a.yaml:2 ---\nb: set", "1 x/templates/a.yaml:1 a: 1", "1 x/templates/a.yaml:2 ---\nb: hint", "2 x/templates/a.yaml:2 ---\nb: release"}
	for name, r := range map[string]render.Renderer{"in process": helm.Renderer{}, "child": children(t)} {
		got, res, err := texts(t, r, req)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: got %q, %v", name, got, err)
		}
		if res.Chart.Name != "x" || res.Chart.Hint != "hints/x.values.yaml" || len(res.Outcomes) != 3 || !res.Outcomes[2].Done {
			t.Errorf("%s: %+v", name, res)
		}
		if name == "child" && res.PeakMemory < 10<<20 {
			t.Errorf("peak memory %d", res.PeakMemory)
		}
	}
}

// TestBombs starts children on charts that never end or grow without end.
func TestBombs(t *testing.T) {
	t.Parallel()
	if raceEnabled {
		t.Skip("the race detector maps more memory than the limit allows")
	}
	for name, c := range map[string]struct {
		template string
		want     []error
	}{
		"template recursion": {`{{ define "a" }}{{ template "a" . }}{{ end }}{{ template "a" . }}`, nil},
		"include recursion":  {`{{ define "a" }}{{ include "a" . }}{{ end }}{{ include "a" . }}`, nil},
		"tpl recursion":      {`{{ $t := "{{ tpl .T . }}" }}{{ tpl $t (dict "T" $t "Template" .Template) }}`, []error{render.ErrTooMuchMemory}},
		"huge range":         {`{{ range until 2000000000 }}x{{ end }}`, []error{render.ErrTooMuchMemory}},
		"repeat":             {`{{ repeat 2000000000 "x" }}`, []error{render.ErrTooMuchMemory}},
		"doubling":           {`{{ $x := "xxxxxxxx" }}{{ range until 40 }}{{ $x = print $x $x }}{{ end }}{{ $x }}`, []error{render.ErrTooMuchMemory}},
		"output":             {`{{ range until 70 }}{{ repeat 1000000 "x" }}{{ end }}`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			req := request(write(t, t.TempDir(), chart(c.template)))
			_, res, err := texts(t, children(t), req)
			is := func(want error) bool { return errors.Is(err, want) }
			if c.want != nil && !slices.ContainsFunc(c.want, is) || c.want == nil && (err != nil || res.Outcomes[0].Error == "") {
				t.Errorf("got %v, %+v, want %v", err, res.Outcomes, c.want)
			}
		})
	}
}

// TestLastWords tells a child that the memory limit killed from one that has a mistake.
func TestLastWords(t *testing.T) {
	t.Parallel()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for words, memory := range map[string]bool{
		"fatal error: runtime: out of memory\n":                                                                                                        true,
		"SIGSEGV: segmentation violation\nPC=0x43771d m=3 sigcode=1 addr=0x0\n":                                                                        true,
		"fatal error: unexpected signal during runtime execution\n[signal SIGSEGV: segmentation violation":                                             true,
		"panic: runtime error: invalid memory address or nil pointer dereference\n[signal SIGSEGV: segmentation violation code=0x1 addr=0x0 pc=0x1]\n": false,
	} {
		_, _, err := texts(t, render.Child(exe, dyingArg, words), request(write(t, t.TempDir(), chart("a: 1"))))
		if err == nil || errors.Is(err, render.ErrTooMuchMemory) != memory {
			t.Errorf("%q is taken for %v", words, err)
		}
	}
}

// TestEndlessIsKilled gives a child less time than it takes to start.
func TestEndlessIsKilled(t *testing.T) {
	t.Parallel()
	req := request(write(t, t.TempDir(), chart(`{{ range until 30000 }}{{ range until 30000 }}{{ end }}{{ end }}`)))
	req.Limits.Time = time.Nanosecond
	_, res, err := texts(t, children(t), req)
	if !errors.Is(err, render.ErrTooLong) || err.Error() != "rendering took too long: killed after 1ns" || len(res.Outcomes) != 1 || res.Outcomes[0].Done {
		t.Errorf("%+v %v", res, err)
	}
	req.Limits.Time = time.Millisecond
	if _, _, err = texts(t, children(t), req); !errors.Is(err, render.ErrTooLong) {
		t.Error(err)
	}
}

// TestBombKeepsWhatIsDone has a bomb in the second set only.
func TestBombKeepsWhatIsDone(t *testing.T) {
	t.Parallel()
	files := chart(`{{ if .Values.bomb }}{{ repeat 2000000000 "x" }}{{ end }}fine`)
	req := request(write(t, t.TempDir(), files), render.Values{}, render.Values{Set: []string{"bomb=true"}})
	got, res, err := texts(t, children(t), req)
	if !errors.Is(err, render.ErrTooMuchMemory) || len(got) != 1 || !res.Outcomes[0].Done || res.Outcomes[1].Done {
		t.Errorf("%q %+v %v", got, res, err)
	}
}

func TestCancel(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	req := request(write(t, t.TempDir(), chart("a")), render.Values{}, render.Values{Set: []string{"b=1"}})
	_, err := children(t).Render(ctx, req, func(render.Chart, render.Document) error { cancel(); return nil })
	if err != nil && !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	failed := errors.New("no more")
	_, err = children(t).Render(t.Context(), req, func(render.Chart, render.Document) error { return failed })
	if !errors.Is(err, failed) {
		t.Error(err)
	}
}

func TestNoChild(t *testing.T) {
	t.Parallel()
	_, _, err := texts(t, render.Child("/nonexistent/program"), request(t.TempDir()))
	if err == nil || !strings.Contains(err.Error(), "start the render process /nonexistent/program") {
		t.Error(err)
	}
}

// TestNothingOutside renders a chart that asks for the environment, the network, the cluster and other files.
func TestNothingOutside(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	files := chart(`dns: "{{ getHostByName "localhost" }}" cluster: "{{ lookup "v1" "Pod" "a" "b" }}" file: "{{ .Files.Get "../secret" }}{{ .Files.Get "/etc/hostname" }}"`)
	files["secret"] = "secret"
	files["x/values.schema.json"] = `{"$ref": "file:///etc/passwd"}`
	got, res, err := texts(t, children(t), request(write(t, dir, files)))
	if err != nil || len(got) != 1 || !strings.Contains(got[0], `dns: "" cluster: "map[]" file: ""`) {
		t.Errorf("%q %v", got, err)
	}
	if w := res.Outcomes[0].Warnings; len(w) != 1 || !strings.Contains(w[0], "is not enforced: it refers to file:///etc/passwd") {
		t.Errorf("%+v", res.Outcomes)
	}
	for _, f := range []string{"env", "expandenv"} {
		_, res, err = texts(t, helm.Renderer{}, request(write(t, t.TempDir(), chart(`{{ `+f+` "HOME" }}`))))
		if err != nil || !strings.Contains(res.Outcomes[0].Error, "not defined") {
			t.Errorf("%s: %+v %v", f, res, err)
		}
	}
}

// entry is a member of an archive.
type entry struct {
	name, text, link string
	kind             byte
}

func packed(t testing.TB, entries ...entry) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for _, e := range entries {
		h := &tar.Header{Name: e.name, Mode: 0o644, Size: int64(len(e.text)), Linkname: e.link, Typeflag: e.kind}
		if e.kind == 0 {
			h.Typeflag = tar.TypeReg
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(e.text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), z.Close()); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

var meta = entry{name: "x/Chart.yaml", text: "apiVersion: v2\nname: x\nversion: 1.0.0\n"}

func TestArchives(t *testing.T) {
	t.Parallel()
	good := entry{name: "x/templates/a.yaml", text: "good"}
	sub := packed(t, entry{name: "s/Chart.yaml", text: "apiVersion: v2\nname: s\nversion: 1.0.0\n"}, entry{name: "s/templates/b.yaml", text: "sub"})
	for name, c := range map[string]struct {
		archive, want string
	}{
		"plain":            {packed(t, meta, good), ""},
		"global header":    {packed(t, entry{name: "x/", kind: tar.TypeDir}, meta, good), ""},
		"packed subchart":  {packed(t, meta, good, entry{name: "x/charts/s-1.0.0.tgz", text: sub}), ""},
		"slip":             {packed(t, meta, entry{name: "x/../../etc/passwd"}), "leads out of the chart"},
		"absolute":         {packed(t, meta, entry{name: "/etc/passwd"}), "leads out of the chart"},
		"backslash":        {packed(t, meta, entry{name: `x\..\..\a`}), "leads out of the chart"},
		"drive":            {packed(t, meta, entry{name: `c:/a`}), "leads out of the chart"},
		"symbolic link":    {packed(t, meta, entry{name: "x/values.yaml", kind: tar.TypeSymlink, link: "/etc/passwd"}), `holds the link "x/values.yaml" to "/etc/passwd"`},
		"hard link":        {packed(t, meta, entry{name: "x/values.yaml", kind: tar.TypeLink, link: "x/Chart.yaml"}), "holds the link"},
		"device":           {packed(t, meta, entry{name: "x/dev", kind: tar.TypeChar}), "no regular file"},
		"pipe":             {packed(t, meta, entry{name: "x/fifo", kind: tar.TypeFifo}), "no regular file"},
		"twice":            {packed(t, meta, good, good), `holds "templates/a.yaml" twice`},
		"no directory":     {packed(t, entry{name: "Chart.yaml", text: meta.text}), "outside of the chart's directory"},
		"long name":        {packed(t, meta, entry{name: "x/" + strings.Repeat("a", 2000)}), "a name of 2002 characters"},
		"no Chart.yaml":    {packed(t, good), "Chart.yaml file is missing"},
		"not gzip":         {"hello", "not a gzipped archive"},
		"truncated":        {packed(t, meta, good)[:60], "read the archive"},
		"bomb":             {packed(t, meta, entry{name: "x/big", text: strings.Repeat("\x00", 2<<20)}), "larger than 1 MiB"},
		"subchart bomb":    {packed(t, meta, entry{name: "x/charts/s.tgz", text: packed(t, entry{name: "s/big", text: strings.Repeat("\x00", 2<<20)})}), "larger than 1 MiB"},
		"subchart link":    {packed(t, meta, entry{name: "x/charts/s.tgz", text: packed(t, entry{name: "s/a", kind: tar.TypeSymlink, link: "b"})}), "subchart charts/s.tgz: the archive holds the link"},
		"too many files":   {packed(t, append([]entry{meta}, manyEntries(60)...)...), "more than 50 files"},
		"name of a parent": {packed(t, entry{name: "x/Chart.yaml", text: "apiVersion: v2\nname: ../x\nversion: 1.0.0\n"}), "invalid"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			req := request(write(t, t.TempDir(), map[string]string{"x.tar.gz": c.archive}))
			req.Chart = "x.tar.gz"
			req.Limits.ChartSize, req.Limits.ChartFiles = 1<<20, 50
			got, _, err := texts(t, helm.Renderer{}, req)
			switch {
			case c.want == "" && (err != nil || !slices.Contains(got, "0 x/templates/a.yaml:1 good")):
				t.Errorf("%q %v", got, err)
			case c.want != "" && (!errors.Is(err, render.ErrChart) || !strings.Contains(err.Error(), c.want)):
				t.Errorf("got %v, want %s", err, c.want)
			}
			if name == "packed subchart" && !slices.Contains(got, "0 x/charts/s/templates/b.yaml:1 sub") {
				t.Errorf("%q", got)
			}
		})
	}
}

func manyEntries(n int) []entry {
	var out []entry
	for i := range n {
		out = append(out, entry{name: fmt.Sprintf("x/templates/%d.yaml", i)})
	}
	return out
}

func TestDirectories(t *testing.T) {
	t.Parallel()
	dir := write(t, t.TempDir(), chart("{{ .Values.a }}"))
	write(t, dir, map[string]string{"shared/values.yaml": "a: shared\n", "x/.helmignore": "ignored*\n", "x/templates/ignored.yaml": "{{ fail }}"})
	link := func(target, name string) {
		t.Helper()
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Skip(err)
		}
	}
	link("../shared/values.yaml", "x/values.yaml")
	got, _, err := texts(t, helm.Renderer{}, request(dir))
	if err != nil || !slices.Equal(got, []string{"0 x/templates/a.yaml:1 shared"}) {
		t.Errorf("a link that stays in the context: %q %v", got, err)
	}
	link("/etc/passwd", "x/templates/out.yaml")
	_, _, err = texts(t, helm.Renderer{}, request(dir))
	if err == nil || !strings.Contains(err.Error(), "x/templates/out.yaml is a link that leads out of the build context") {
		t.Error(err)
	}
	if err := os.Remove(filepath.Join(dir, "x/templates/out.yaml")); err != nil {
		t.Fatal(err)
	}
	link("..", "x/loop")
	_, _, err = texts(t, helm.Renderer{}, request(dir))
	if !errors.Is(err, render.ErrChart) {
		t.Error(err)
	}
}

// TestFlags gives values in every way that helm has.
func TestFlags(t *testing.T) {
	t.Parallel()
	files := chart("{{ toJson .Values }}")
	files["f"] = "text"
	set := render.Values{
		Set: []string{"a=1,b.c={x,y}", "n=null"}, SetString: []string{"s=1"}, SetFile: []string{"f=f"},
		SetJSON: []string{`j={"k":[1]}`, `{"m":{"n":true}}`}, SetLiteral: []string{"l=a,b"},
	}
	got, _, err := texts(t, helm.Renderer{}, request(write(t, t.TempDir(), files), set))
	want := `0 x/templates/a.yaml:1 {"a":1,"b":{"c":["x","y"]},"f":"text","j":{"k":[1]},"l":"a,b","m":{"n":true},"n":null,"s":"1"}`
	if err != nil || len(got) != 1 || got[0] != want {
		t.Errorf("%q %v", got, err)
	}
	for _, bad := range []render.Values{
		{Set: []string{"a[99999999]=1"}}, {SetFile: []string{"a=../f"}}, {SetJSON: []string{"a={"}}, {Files: []render.File{{Path: "nothing"}}},
		{Files: []render.File{{Text: "a: [b"}}}, {Files: []render.File{{Text: "a: &a [1]\nb: &b [" + strings.Repeat("*a,", 9) + "*a]\n[c"}}},
	} {
		_, res, err := texts(t, helm.Renderer{}, request(write(t, t.TempDir(), files), bad))
		if err != nil || res.Outcomes[0].Error == "" {
			t.Errorf("%+v: %+v %v", bad, res, err)
		}
	}
}

func TestMissingDependency(t *testing.T) {
	t.Parallel()
	for _, condition := range []string{"", ", condition: gone.enabled"} { // helm wants what is switched off, too
		files := chart("a")
		files["x/values.yaml"] = "gone: {enabled: false}\n"
		files["x/Chart.yaml"] += "dependencies: [{name: gone, version: 1.x.x, repository: https://example.com" + condition + "}]\n"
		_, res, err := texts(t, helm.Renderer{}, request(write(t, t.TempDir(), files)))
		if err != nil || len(res.Chart.Missing) != 1 || res.Chart.Missing[0] != "gone 1.x.x" {
			t.Errorf("%q: %+v %v", condition, res, err)
		}
	}
}

func BenchmarkChild(b *testing.B) {
	req := request(write(b, b.TempDir(), chart("a: b\n")))
	r := children(b)
	for b.Loop() {
		if _, _, err := texts(b, r, req); err != nil {
			b.Fatal(err)
		}
	}
}
