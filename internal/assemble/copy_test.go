package assemble_test

import (
	"net"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/labring-actions/cluster-image/internal/assemble"
)

// base is a context with something of everything.
var base = files{
	"a.txt": "A", "b.txt": "B", "run.sh": "#!/bin/sh", "charts/x/Chart.yaml": "name: x", "charts/x/templates/a.yaml": "kind: A", "charts/y.tgz": "tgz",
	"docs/README.md": "read", "docs/deep/x.md": "deep", "docs/deep/y.txt": "y", "link": "-> a.txt", "dirlink": "-> charts/x", "docs/up": "-> ../a.txt", "empty/": "",
}

func with(more files) files {
	all := files{}
	for _, f := range []files{base, more} {
		for k, v := range f {
			all[k] = v
		}
	}
	return all
}

func names(img map[string]found) string {
	var out []string
	for n := range img {
		out = append(out, n)
	}
	return strings.Join(sorted(out), " ")
}

func TestCopy(t *testing.T) {
	t.Parallel()
	cases := map[string]struct{ kubefile, want string }{
		"file to name":         {"COPY a.txt x/y", "x x/y"},
		"file to directory":    {"COPY a.txt x/", "x x/a.txt"},
		"file to existing":     {"WORKDIR /x\nCOPY a.txt /x", "x x/a.txt"},
		"file to workdir":      {"WORKDIR /x\nCOPY a.txt .", "x x/a.txt"},
		"directory":            {"COPY charts/x c", "c c/Chart.yaml c/templates c/templates/a.yaml"},
		"directory to root":    {"COPY charts/x /", "Chart.yaml templates templates/a.yaml"},
		"directory with slash": {"COPY charts/x/ c/", "c c/Chart.yaml c/templates c/templates/a.yaml"},
		"content":              {"COPY charts/x/. c", "c c/Chart.yaml c/templates c/templates/a.yaml"},
		"empty directory":      {"COPY empty e", "e"},
		"absolute source":      {"COPY /a.txt /x", "x"},
		"dot source":           {"COPY ./a.txt x", "x"},
		"climbing source":      {"COPY ../a.txt x", "x"},
		"wildcard":             {"COPY *.txt x/", "x x/a.txt x/b.txt"},
		"wildcard one":         {"COPY a*.txt x", "x"},
		"wildcard inside":      {"COPY charts/*/Chart.yaml x/", "x x/Chart.yaml"},
		"question mark":        {"COPY ?.txt x/", "x x/a.txt x/b.txt"},
		"range":                {"COPY [a-b].txt x/", "x x/a.txt x/b.txt"},
		"wildcard directory":   {"COPY ch*s c", "c c/x c/x/Chart.yaml c/x/templates c/x/templates/a.yaml c/y.tgz"},
		"several":              {"COPY a.txt docs/deep x/", "x x/a.txt x/x.md x/y.txt"},
		"merge":                {"COPY charts/x c\nCOPY docs/deep c", "c c/Chart.yaml c/templates c/templates/a.yaml c/x.md c/y.txt"},
		"link to file":         {"COPY link x", "x"},
		"link name":            {"COPY link x/", "x x/link"},
		"link to directory":    {"COPY dirlink x", "x x/Chart.yaml x/templates x/templates/a.yaml"},
		"through a link":       {"COPY dirlink/Chart.yaml x", "x"},
		"exclude":              {"COPY --exclude=*.md --exclude=up docs d", "d d/deep d/deep/x.md d/deep/y.txt"},
		"exclude deep":         {"COPY --exclude=**/*.md docs/deep d", "d d/y.txt"},
		"inline":               {"COPY <<A <<B etc/\na\nA\nb\nB", "etc etc/A etc/B"},
		"add":                  {"ADD a.txt x", "x"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := with(files{"Kubefile": "FROM scratch\n" + c.kubefile}).write(t, t.TempDir())
			if got := names(unpack(t, image(t, input(t, dir, amd64, nil)))); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestCopyContent(t *testing.T) {
	t.Parallel()
	dir := with(files{"Kubefile": "FROM scratch\nCOPY a.txt x\nCOPY b.txt x\nCOPY link l\nCOPY docs d\nCOPY --chmod=0600 run.sh r\nCOPY run.sh s\nCOPY <<E t\ntext\nE"}).write(t, t.TempDir())
	tree := unpack(t, image(t, input(t, dir, amd64, nil)))
	for name, want := range map[string]string{
		"x": `-rw-r--r-- "B"`, "l": `-rw-r--r-- "A"`, "d/up": `Lrwxrwxrwx "../a.txt"`, "r": `-rw------- "#!/bin/sh"`, "s": `-rwxr-xr-x "#!/bin/sh"`, "t": `-rw-r--r-- "text\n"`,
	} {
		if got := listing(map[string]found{"": tree[name]}); got != " "+want {
			t.Errorf("%s: got%s, want %s", name, got, want)
		}
	}
}

func TestIgnoreFile(t *testing.T) {
	t.Parallel()
	cases := map[string]struct{ ignore, want string }{
		"files":      {"*.txt\n# comment\n\ncharts\ndocs/deep\nrun.sh\n*link\nempty\nKubefile\n.dockerignore", "docs docs/README.md docs/up"},
		"again":      {"*\n!docs\ndocs/*\n!docs/deep/x.md", "docs docs/deep docs/deep/x.md"},
		"everywhere": {"*\n!charts\n**/templates", "charts charts/x charts/x/Chart.yaml charts/y.tgz"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := with(files{"Kubefile": "FROM scratch\nCOPY . .", ".dockerignore": c.ignore}).write(t, t.TempDir())
			if got := names(unpack(t, image(t, input(t, dir, amd64, nil)))); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestCopyRefused(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		kubefile string
		more     files
		want     string
	}{
		"missing":          {"COPY carts charts", nil, "Kubefile:2: COPY carts charts: carts is not in the build context: correct the name, or let the download step make it"},
		"missing pattern":  {"COPY *.zip /", nil, "Kubefile:2: COPY *.zip /: *.zip is not in the build context: correct the name, or let the download step make it"},
		"ignored":          {"COPY docs /", files{".dockerignore": "docs"}, "Kubefile:2: COPY docs /: docs is hidden by .dockerignore"},
		"several for one":  {"COPY *.txt x", nil, "Kubefile:2: COPY *.txt x: several files for one destination: write /x/"},
		"file over dir":    {"COPY charts x\nCOPY a.txt x/\nCOPY a.txt x/x", files{}, ""},
		"dir over file":    {"COPY a.txt x\nCOPY charts x", nil, "Kubefile:3: COPY charts x: /x cannot be a directory: line 2 makes it a file"},
		"below a file":     {"COPY a.txt x\nCOPY b.txt x/y", nil, "Kubefile:3: COPY b.txt x/y: /x cannot be a directory: line 2 makes it a file"},
		"link over dir":    {"COPY charts/x u\nCOPY m .", files{"m/u": "-> x"}, "Kubefile:3: COPY m .: /u cannot be a symbolic link: line 2 makes it a directory"},
		"link out":         {"COPY docs d", files{"docs/out": "-> ../../etc/passwd"}, "Kubefile:2: COPY docs d: link docs/out -> ../../etc/passwd leads out of the context or the image"},
		"link out of root": {"COPY docs/in /", files{"docs/in/l": "-> ../up"}, "Kubefile:2: COPY docs/in /: link docs/in/l -> ../up leads out of the context or the image"},
		"absolute link":    {"COPY docs d", files{"docs/abs": "-> /etc/passwd"}, "Kubefile:2: COPY docs d: link docs/abs -> /etc/passwd is absolute, and on a node would lead to the node's own files: make it relative"},
		"source link out":  {"COPY out x", files{"out": "-> ../secret"}, "Kubefile:2: COPY out x: link out -> ../secret leads out of the context"},
		"link loop":        {"COPY l x", files{"l": "-> m", "m": "-> l"}, "Kubefile:2: COPY l x: too many links at l"},
		"dangling":         {"COPY dangling x", files{"dangling": "-> nowhere"}, "Kubefile:2: COPY dangling x: dangling is not in the build context: correct the name, or let the download step make it"},
		"bad pattern":      {"COPY [a x", nil, "Kubefile:2: COPY [a x: pattern [a: syntax error in pattern"},
		"add archive":      {"ADD t.tar.gz /", files{"t.tar.gz": gzipTar}, "Kubefile:2: ADD t.tar.gz /: t.tar.gz is an archive: ADD would unpack it: unpack it in init.sh and COPY the directory, or COPY the archive as it is"},
		"nothing":          {"ENV A=1", nil, "Kubefile: the image would hold nothing but registry/, and sealos makes no working directory for such an image, so its start command fails (labring/sealos#4478): COPY something else too, if only a README"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := with(c.more).write(t, t.TempDir())
			files{"Kubefile": "FROM scratch\n" + c.kubefile}.write(t, dir)
			_, err := assemble.Check(t.Context(), input(t, dir, amd64, nil), false)
			if got := text(err, dir); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

// text is an error's message without the directory of this run.
func text(err error, dir string) string {
	if err == nil {
		return ""
	}
	return strings.ReplaceAll(err.Error(), dir, "DIR")
}

func TestSocketIsRefused(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("sockets are no files on windows")
	}
	dir := files{"Kubefile": "FROM scratch\nCOPY . ."}.write(t, t.TempDir())
	l, err := net.Listen("unix", filepath.Join(dir, "s"))
	must(t, err)
	defer l.Close()
	_, err = assemble.Check(t.Context(), input(t, dir, amd64, nil), false)
	if got := text(err, dir); got != "Kubefile:2: COPY . .: s is a socket: an image holds files, directories and links" {
		t.Error(got)
	}
}

func TestSourceOutsideIsNotRead(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	files{"secret": "s", "ctx/Kubefile": "FROM scratch\nCOPY ../secret x\n"}.write(t, dir)
	_, err := assemble.Check(t.Context(), input(t, filepath.Join(dir, "ctx"), amd64, nil), false)
	if err == nil {
		t.Error("a file outside the context was taken")
	}
}
