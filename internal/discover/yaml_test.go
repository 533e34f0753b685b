package discover_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	oracle "github.com/distribution/reference"

	"github.com/labring-actions/cluster-image/internal/discover"
	"github.com/labring-actions/cluster-image/internal/reference"
)

func pod(image string) string {
	return "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - name: c\n    image: " + image + "\n"
}

func TestManifestBytes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text, want, err string
	}{
		"byte order mark":   {"\uFEFF" + pod("a/b:1"), "sure docker.io/a/b:1 container\n", ""},
		"carriage returns":  {strings.ReplaceAll(pod("a/b:1")+"---\n"+pod("a/c:1"), "\n", "\r\n"), "sure docker.io/a/b:1 container\nsure docker.io/a/c:1 container\n", ""},
		"duplicate keys":    {pod("a/b:1\n    image: a/c:1"), "sure docker.io/a/b:1 key\nsure docker.io/a/c:1 container\n", ""},
		"alias":             {"x: &i a/b:1\n" + pod("*i"), "sure docker.io/a/b:1 container\n", ""},
		"merge":             {"x: &c {image: a/b:1}\n" + strings.Replace(pod("z"), "image: z", "<<: *c", 1), "sure docker.io/a/b:1 container\n", ""},
		"alias to itself":   {"a: &a {image: x/y:1, b: *a}\n", "maybe docker.io/x/y:1 key\n", ""},
		"null and true":     {pod("null") + "  x: {image: true}\n  y: {image: 1.5}\n  z: {image: [a]}\n", "maybe docker.io/library/null:latest line\n", ""},
		"comments only":     {"# image: a:1\n---\n# b\n", "", ""},
		"directive":         {"%YAML 1.1\n---\n" + pod("a/b:1"), "sure docker.io/a/b:1 container\n", ""},
		"separator+comment": {pod("a/b:1") + "---# text\n" + pod("a/c:1"), "sure docker.io/a/b:1 container\nsure docker.io/a/c:1 container\n", ""},
		"empty file":        {"", "", ""},
		"binary tag":        {pod("!!binary YS9iOjE="), "", ""},
		"nul":               {"a: b\nc: \x00\n", "", "manifests/x.yaml:2: the file is not valid YAML: control characters are not allowed"},
		"not UTF-8":         {"a: b\nc: \xff\n", "", "manifests/x.yaml:2: the file is not valid YAML: invalid leading UTF-8 octet"},
		"second document":   {pod("a/b:1") + "---\na: b: c\n", "sure docker.io/a/b:1 container\n", "manifests/x.yaml:9: the file is not valid YAML: mapping values are not allowed in this context"},
		"deep nesting":      {strings.Repeat("[", 100000), "", "manifests/x.yaml:1: the file is not valid YAML: exceeded max depth"},
		"deep indents":      {strings.Repeat("- ", 100000) + "a", "", "manifests/x.yaml:1: the file is not valid YAML: exceeded max depth"},
		"list":              {"apiVersion: v1\nkind: List\nitems:\n- " + strings.ReplaceAll(strings.TrimSpace(pod("a/b:1")), "\n", "\n  "), "sure docker.io/a/b:1 container\n", ""},
		"invalid reference": {pod("a/UPPER:1"), "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := find(t, map[string]string{"manifests/x.yaml": c.text})
			if got := listing(r); got != c.want {
				t.Errorf("got\n%swant\n%s", got, c.want)
			}
			compareErrors(t, err, c.err)
		})
	}
}

func TestOrigins(t *testing.T) {
	t.Parallel()
	r, err := find(t, map[string]string{"manifests/x.yaml": "# one\n---\n" + pod("a/b:1") + "---\n" + pod("a/b:1"), "images/shim/l": "a/b:1"})
	if err != nil || len(r.Needs) != 1 {
		t.Fatal(r, err)
	}
	var got []string
	for _, o := range r.Needs[0].Origins {
		got = append(got, fmt.Sprintf("%s:%d %s %s %s", o.File, o.Line, o.Kind, o.Object, o.Path))
	}
	want := []string{
		"images/shim/l:1 shim  ",
		"manifests/x.yaml:9 container Pod/p spec.containers[0].image",
		"manifests/x.yaml:17 container Pod/p spec.containers[0].image",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestBombs reads documents that would be huge if their aliases were expanded, and very many documents.
func TestBombs(t *testing.T) {
	t.Parallel()
	var laughs strings.Builder
	laughs.WriteString("a0: &a0 {image: lol/lol:1}\n")
	for i := 1; i < 60; i++ {
		ref := fmt.Sprintf("*a%d", i-1)
		fmt.Fprintf(&laughs, "a%d: &a%d [%s]\n", i, i, strings.Join([]string{ref, ref, ref, ref, ref, ref, ref, ref, ref}, ","))
	}
	var merges strings.Builder
	merges.WriteString("m0: &m0 {image: lol/merge:1}\n")
	for i := 1; i < 60; i++ {
		fmt.Fprintf(&merges, "m%d: &m%d {<<: [*m%d, *m%d, *m%d], k%d: 1}\n", i, i, i-1, i-1, i-1, i)
	}
	r, err := find(t, map[string]string{
		"manifests/laughs.yaml": laughs.String(),
		"manifests/merges.yaml": merges.String(),
		"manifests/many.yaml":   strings.Repeat("---\n{image: lol/many:1}\n", 20000),
	})
	if err != nil {
		t.Fatal(err)
	}
	want := "maybe docker.io/lol/lol:1 key\nmaybe docker.io/lol/many:1 key\nmaybe docker.io/lol/merge:1 key\n"
	if got := listing(r); got != want {
		t.Errorf("got\n%s", got)
	}
}

// scanner is what sealos does with a text, written from its description: what follows the first "image:" of a line.
func scanner(text string) []string {
	var out []string
	for line := range strings.SplitSeq(text, "\n") {
		for ; len(line) > 4096; line = line[4096:] {
			out = append(out, scannerLine(line[:4096])...)
		}
		out = append(out, scannerLine(line)...)
	}
	return out
}

func scannerLine(line string) []string {
	line = strings.TrimSpace(line)
	at := strings.Index(line, "image:")
	if strings.HasPrefix(line, "#") || at < 0 {
		return nil
	}
	v := strings.TrimSpace(line[at+len("image:"):])
	if n := len(v); n >= 2 && (v[0] == '"' && v[n-1] == '"' || v[0] == '\'' && v[n-1] == '\'') {
		v = v[1 : n-1]
	}
	named, err := oracle.ParseNormalizedNamed(v)
	if v == "" || err != nil {
		return nil
	}
	switch r := named.(type) {
	case oracle.Tagged:
		return []string{named.Name() + ":" + r.Tag()}
	case oracle.Digested:
		return []string{named.Name() + "@" + r.Digest().String()}
	}
	return []string{named.Name() + ":latest"}
}

// covered says whether a need stands for what the scanner found. A tag that came with a digest is kept with it.
func covered(r discover.Result, found string) bool {
	ref, err := reference.Parse(found)
	if err != nil {
		return false
	}
	for _, n := range r.Needs {
		tagged := n.Ref
		tagged.Digest = ""
		if n.Ref == ref || tagged == ref {
			return true
		}
	}
	return false
}

func checkSuperset(t *testing.T, text string) {
	t.Helper()
	for _, file := range []string{"manifests/x.yaml", "manifests/x.tmpl"} {
		r, _ := find(t, map[string]string{file: text})
		for _, found := range scanner(text) {
			if !covered(r, found) {
				t.Errorf("%s: the line scanner finds %s in %q, we find %s", file, found, text, listing(r))
			}
		}
	}
}

// TestSuperset puts lines together at random, most of them no valid YAML.
func TestSuperset(t *testing.T) {
	t.Parallel()
	pieces := []string{"image:", "image: ", "x-image: ", "- image: ", "  ", "a/b:1", `"a/b:2"`, "'q/r'", "nginx", "null", "true", "# ", "\n", "\n", "\n---\n", "{{ .x }}", "{", "}", "kind: Pod\n", "apiVersion: v1\n", "containers:\n", "quay.io/x/y@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", ":7", "\t", "\r", "|\n", "&a ", "*a", strings.Repeat("z", 4090)}
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		var b strings.Builder
		for range rnd.IntN(30) {
			b.WriteString(pieces[rnd.IntN(len(pieces))])
		}
		checkSuperset(t, b.String())
	}
}

func FuzzManifest(f *testing.F) {
	for _, seed := range []string{pod("a/b:1"), "image: x", "a: &a [*a]\n", "{{ if .x }}\nimage: {{ .y | default \"z:1\" }}\n{{ end }}", "- {<<: *a}\n", "repository: a\ntag: b\nimage: c\n"} {
		f.Add(seed)
	}
	f.Fuzz(checkSuperset)
}

func FuzzShim(f *testing.F) {
	f.Add("nginx\n# c\n\"a:1\" # d\n")
	f.Fuzz(func(t *testing.T, text string) {
		r, err := find(t, map[string]string{"images/shim/l": text})
		for _, n := range r.Needs {
			if _, err := reference.Parse(n.Ref.String()); err != nil || n.Maybe {
				t.Errorf("%v %v", n, err)
			}
		}
		_ = err
	})
}

func FuzzStart(f *testing.F) {
	for _, seed := range []string{"helm upgrade -i a charts/a --set x=$(X)", "f() { f; f; }; f", "a=$a$a$a$a; " + strings.Repeat("a=$a$a;", 64) + " helm install $a charts/a", "for i in {1..99999999}; do helm install $i charts/a; done", "bash $0", "helm template x charts/a -f <(cat)", "cat <<E >v.yaml\na: $b\nE\nhelm install a charts/a -f v.yaml",
		strings.Repeat("bash $0\n", 500), "f() { g; g; }; g() { h; h; }; h() { f; f; }; f", "a=" + strings.Repeat("x", 16000) + strings.Repeat("\nb=${a//x/$a}", 200),
		"a=xxxxxxxxxxxxxxxx\n" + strings.Repeat("a=$a$a\n", 12) + strings.Repeat("helm install $a charts/a --set $a=$a\n", 1000)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		dir := write(t, map[string]string{"entrypoint.sh": text})
		_, _ = discover.Discover(t.Context(), dir, discover.Options{Start: discover.Start{Commands: []string{text, "bash entrypoint.sh"}, Env: map[string]string{"X": "${X:-1}"}}})
	})
}
