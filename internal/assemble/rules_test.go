package assemble_test

import (
	"bytes"
	"compress/gzip"
	"slices"
	"strings"
	"testing"

	"archive/tar"

	"github.com/labring-actions/cluster-image/internal/assemble"
)

func sorted(s []string) []string { slices.Sort(s); return s }

// gzipTar is a small archive.
var gzipTar = func() string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	_ = w.WriteHeader(&tar.Header{Name: "x", Mode: 0o644, Typeflag: tar.TypeReg})
	_ = w.Close()
	_ = z.Close()
	return b.String()
}()

const (
	tree   = "registry/docker/registry/v2/blobs/sha256/00/x/data"
	line   = "Kubefile: no COPY brings the container images to /registry: add the line\n    COPY registry registry"
	wrong  = "where sealos does not look for it (labring/sealos#1545): write COPY registry registry"
	deeper = "where sealos does not look for it (labring/sealos#1545): write COPY registry /registry"
	looks  = " holds a registry directory (docker/registry/v2): sealos looks for it in /registry only, and an image that has one elsewhere exhausts the memory when it is run (labring/sealos#1545): move it to registry/ at the top of the context, or remove it"
	isNone = ", but sealos takes /registry for a registry directory, and registry/ is none: move it elsewhere, for example to charts/"
)

// TestRegistryPlace is about how registry/ gets into the image. The words on the left say whether there are needs and
// whether the context has a registry directory of its own.
func TestRegistryPlace(t *testing.T) {
	t.Parallel()
	own := files{tree: "x"}
	cases := map[string]struct {
		copies string
		needs  bool
		more   files
		want   string
	}{
		"everything":            {"COPY . .", true, nil, ""},
		"everything, own":       {"COPY . .", true, own, ""},
		"by name":               {"COPY a.txt .\nCOPY registry registry", true, nil, ""},
		"by ./name":             {"COPY a.txt .\nCOPY ./registry ./registry", true, nil, ""},
		"by /name":              {"COPY a.txt .\nCOPY /registry /registry", true, nil, ""},
		"with slashes":          {"COPY a.txt .\nCOPY registry/ registry/", true, own, ""},
		"by pattern":            {"COPY a.txt .\nCOPY regis* registry", true, nil, ""},
		"add":                   {"COPY a.txt .\nADD registry registry", true, nil, ""},
		"from a workdir":        {"WORKDIR /w\nCOPY a.txt .\nCOPY registry /registry", true, nil, ""},
		"no needs, by name":     {"COPY a.txt .\nCOPY registry registry", false, nil, ""},
		"no needs, anywhere":    {"COPY a.txt .\nCOPY registry x", false, nil, ""},
		"no needs, empty":       {"COPY a.txt .\nCOPY registry registry", false, files{"registry/": ""}, ""},
		"no needs, none":        {"COPY a.txt .", false, nil, ""},
		"missing":               {"COPY a.txt .", true, nil, line},
		"missing, own":          {"COPY charts charts", true, own, line},
		"excluded":              {"COPY --exclude=registry . .", true, nil, line},
		"to the root":           {"COPY a.txt .\nCOPY registry .", true, nil, "Kubefile:3: COPY registry .: this brings the registry directory to /, " + wrong},
		"to another place":      {"COPY . app", true, nil, "Kubefile:2: COPY . app: this brings the registry directory to /app/registry, " + wrong},
		"workdir":               {"WORKDIR /w\nCOPY . .", true, nil, "Kubefile:3: COPY . .: this brings the registry directory to /w/registry, " + deeper},
		"workdir, missing":      {"WORKDIR /w\nCOPY a.txt .", true, nil, "Kubefile: no COPY brings the container images to /registry: add the line\n    COPY registry /registry"},
		"back to the root":      {"WORKDIR /w\nWORKDIR /\nCOPY a.txt .", true, nil, line},
		"to charts, own":        {"COPY a.txt .\nCOPY registry charts/registry", false, own, "Kubefile:3: COPY registry charts/registry: this brings the registry directory to /charts/registry, " + wrong},
		"only registry":         {"COPY registry registry", true, nil, "Kubefile: the image would hold nothing but registry/, and sealos makes no working directory for such an image, so its start command fails (labring/sealos#4478): COPY something else too, if only a README"},
		"ignored":               {"COPY . .", true, files{".dockerignore": "docs\nregistry\n"}, `.dockerignore:2: "registry" hides registry/, so the container images would be missing: remove it, or add the line !registry`},
		"ignored by star":       {"COPY . .", true, files{".dockerignore": "*\n!charts\n!a.txt\n"}, `.dockerignore:1: "*" hides registry/, so the container images would be missing: remove it, or add the line !registry`},
		"ignored, by name":      {"COPY a.txt .\nCOPY registry registry", true, files{".dockerignore": "reg*"}, `Kubefile:3: COPY registry registry: .dockerignore:1: "reg*" hides registry/, so the container images would be missing: remove it, or add the line !registry`},
		"ignored and shown":     {"COPY . .", true, files{".dockerignore": "*\n!a.txt\n!registry\n"}, ""},
		"ignored, no needs":     {"COPY . .", false, files{".dockerignore": "registry"}, ""},
		"misplaced":             {"COPY . .", false, files{"charts/" + tree: "x"}, "charts/registry" + looks},
		"below registry":        {"COPY . .", false, files{"registry/linux-amd64/docker/registry/v2/x": "x"}, "registry/linux-amd64 holds a registry directory (docker/registry/v2), as registry save leaves it for several platforms: move registry/ out of the context, and name it with --registry-dir"},
		"misplaced at the top":  {"COPY . .", false, files{"docker/registry/v2/x": "x"}, "." + looks},
		"misplaced and ignored": {"COPY . .", false, files{"charts/" + tree: "x", ".dockerignore": "charts/registry"}, ""},
		"a chart":               {"COPY . .", false, files{"registry/Chart.yaml": "name: registry"}, "Kubefile:2: COPY . .: this makes /registry/Chart.yaml" + isNone},
		"a chart, moved":        {"COPY registry charts/registry", false, files{"registry/Chart.yaml": "name: registry"}, ""},
		"a chart, needs":        {"COPY registry charts/registry", true, files{"registry/Chart.yaml": "name: registry"}, "registry in the build context is no registry directory, and the container images need its place: move it elsewhere, for example to charts/"},
		"a file":                {"COPY . .", false, files{"registry": "x"}, "Kubefile:2: COPY . .: this makes /registry, but sealos takes /registry for a registry directory, and registry is none: move it elsewhere, for example to charts/"},
		"something beside":      {"COPY . .", true, files{tree: "x", "registry/README": "x"}, "registry/README is no part of a registry directory, which holds docker/registry/v2 only: move it out of registry/"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := with(c.more).write(t, t.TempDir())
			files{"Kubefile": "FROM scratch\n" + c.copies}.write(t, dir)
			_, err := assemble.Check(t.Context(), input(t, dir, amd64, nil), c.needs)
			if got := text(err, dir); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestOwnRegistryIsNotRead(t *testing.T) {
	t.Parallel()
	dir := with(files{tree: "stale", "Kubefile": "FROM scratch\nCOPY . ."}).write(t, t.TempDir())
	for _, r := range []assemble.Registry{nil, registry{}, someRegistry()} {
		for name, f := range unpack(t, image(t, input(t, dir, amd64, r))) {
			if f.Text == "stale" {
				t.Errorf("%s came from the context", name)
			}
		}
	}
}

func TestTemplates(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		more          files
		want, warning string
	}{
		"rendered":       {files{"manifests/a.yaml.tmpl": "", "etc/x/b.tmpl": "", "scripts/c.tpl": ""}, "", ""},
		"beside":         {files{"manifests/a.yaml.tmpl": "", "manifests/a.yaml": ""}, "Kubefile:2: COPY . .: manifests/a.yaml.tmpl is beside manifests/a.yaml, which sealos overwrites when it renders the template: keep one", ""},
		"beside on node": {files{"etc/a.tpl": "", "etc/a": ""}, "Kubefile:2: COPY . .: etc/a.tpl is beside etc/a, which sealos overwrites when it renders the template: keep one", ""},
		"elsewhere":      {files{"opt/a.tmpl": "", "charts/x.values.yaml.tmpl": "", "b.tmpl": "", "c.tmpl": "", "opt/d": ""}, "", "b.tmpl, c.tmpl, charts/x.values.yaml.tmpl and 1 more: sealos renders templates in etc/, scripts/ and manifests/ only and leaves these as they are"},
		"of a chart":     {files{"charts/x/files/a.tmpl": "", "charts/x/files/a": ""}, "", ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := with(c.more).write(t, t.TempDir())
			files{"Kubefile": "FROM scratch\nCOPY . ."}.write(t, dir)
			warnings, err := assemble.Check(t.Context(), input(t, dir, amd64, nil), false)
			if got := text(err, dir); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			if got := strings.Join(warnings, "\n"); got != c.warning {
				t.Errorf("warned %s\nwant   %s", got, c.warning)
			}
		})
	}
}
