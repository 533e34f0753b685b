package reference_test

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/labring-actions/cluster-image/internal/reference"
)

func quote(s string) string { return strconv.Quote(s) }

func mirrors(t testing.TB, texts ...string) reference.Mirrors {
	t.Helper()
	var all reference.Mirrors
	for _, s := range texts {
		m, err := reference.ParseMirror(s)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, m)
	}
	return all
}

func TestParseMirror(t *testing.T) {
	t.Parallel()
	tests := []struct{ in, prefix, target string }{
		{"docker.io=mirror.example.com", "docker.io", "mirror.example.com"},
		{"docker.io/=mirror.example.com:5000/hub/", "docker.io", "mirror.example.com:5000/hub"},
		{"index.docker.io/x=Registry-1.docker.io/y", "docker.io/x", "docker.io/y"},
		{"docker.io/bitnami=docker.io/bitnamilegacy", "docker.io/bitnami", "docker.io/bitnamilegacy"},
		{"localhost=[::1]:5000", "localhost", "[::1]:5000"},
		{"Quay.IO/a__b/c--d=127.0.0.1:5000", "quay.io/a__b/c--d", "127.0.0.1:5000"},
	}
	for _, tt := range tests {
		m, err := reference.ParseMirror(tt.in)
		if err != nil || m.Prefix != tt.prefix || m.Target != tt.target {
			t.Errorf("%s: %+v %v", tt.in, m, err)
		}
	}
}

func TestParseMirrorRefuses(t *testing.T) {
	t.Parallel()
	const part = " is not a registry host with an optional path"
	tests := []struct{ in, want string }{
		{"", "want PREFIX=PREFIX, for example docker.io=mirror.example.com"},
		{"docker.io", "want PREFIX=PREFIX, for example docker.io=mirror.example.com"},
		{"docker.io=http://x.io", "leave the scheme out; for a registry without TLS add --plain-http HOST"},
		{"=x.io", `""` + part},
		{"x.io=", `""` + part},
		{"x.io=y.io=z.io", `"y.io=z.io"` + part},
		{"x.io/A=y.io", `"x.io/A"` + part},
		{"x.io/a:1=y.io", `"x.io/a:1"` + part},
		{"x.io/a@sha256=y.io", `"x.io/a@sha256"` + part},
		{"x.io/../a=y.io", `"x.io/../a"` + part},
		{"x.io/a..b=y.io", `"x.io/a..b"` + part},
		{"x.io/a___b=y.io", `"x.io/a___b"` + part},
		{"x.io=y.io ", `"y.io "` + part},
		{"bitnami=docker.io/bitnamilegacy", `"bitnami" does not start with a registry host: write docker.io/bitnami for Docker Hub`},
		{"docker.io/bitnami=bitnamilegacy", `"bitnamilegacy" does not start with a registry host: write docker.io/bitnamilegacy for Docker Hub`},
	}
	for _, tt := range tests {
		_, err := reference.ParseMirror(tt.in)
		want := "invalid mirror " + quote(tt.in) + ": " + tt.want
		if !errors.Is(err, reference.ErrInvalidMirror) || err.Error() != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
}

func TestSources(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name         string
		ref          string
		recipe, user []string
		want         []string
	}{
		{"none", "x:1", nil, nil, []string{"docker.io/library/x:1"}},
		{"user's host", "x:1", nil, []string{"docker.io=m.io"}, []string{"m.io/library/x:1", "docker.io/library/x:1"}},
		{"another host", "quay.io/x:1", nil, []string{"docker.io=m.io"}, []string{"quay.io/x:1"}},
		{"not a part of a name", "docker.io/bitnamix/y:1", nil, []string{"docker.io/bitnami=m.io"}, []string{"docker.io/bitnamix/y:1"}},
		{"the digest stays", "x:1@" + sha256, nil, []string{"docker.io/library=m.io/hub"}, []string{"m.io/hub/x:1@" + sha256, "docker.io/library/x:1@" + sha256}},
		{"the longest counts", "docker.io/a/b:1", nil, []string{"docker.io=m.io", "docker.io/a=n.io/a", "docker.io/a/b/c=o.io"}, []string{"n.io/a/b:1", "docker.io/a/b:1"}},
		{"in their order", "docker.io/a/b:1", nil, []string{"docker.io=n.io", "docker.io=m.io"}, []string{"n.io/a/b:1", "m.io/a/b:1", "docker.io/a/b:1"}},
		{"one repository", "docker.io/a/b:1", nil, []string{"docker.io/a/b=m.io/z"}, []string{"m.io/z:1", "docker.io/a/b:1"}},
		{"a host is no repository", "docker.io/a/b:1", nil, []string{"docker.io/a/b=m.io"}, []string{"docker.io/a/b:1"}},
		{"recipe", "docker.io/bitnami/x:1", []string{"docker.io/bitnami=docker.io/bitnamilegacy"}, nil, []string{"docker.io/bitnamilegacy/x:1", "docker.io/bitnami/x:1"}},
		{"user on top of the recipe", "docker.io/bitnami/x:1", []string{"docker.io/bitnami=docker.io/bitnamilegacy"}, []string{"docker.io=m.io"},
			[]string{"m.io/bitnamilegacy/x:1", "docker.io/bitnamilegacy/x:1", "m.io/bitnami/x:1", "docker.io/bitnami/x:1"}},
		{"user as long as the recipe", "docker.io/bitnami/x:1", []string{"docker.io/bitnami=docker.io/bitnamilegacy"}, []string{"docker.io/bitnami=m.io/mine"},
			[]string{"m.io/mine/x:1", "docker.io/bitnami/x:1"}},
		{"user longer than the recipe", "docker.io/bitnami/x:1", []string{"docker.io/bitnami=docker.io/bitnamilegacy"}, []string{"docker.io/bitnami/x=m.io/x"},
			[]string{"m.io/x:1", "docker.io/bitnami/x:1"}},
		{"recipe's host is no repository", "docker.io/a/b:1", []string{"docker.io/a/b=m.io"}, []string{"docker.io=n.io"}, []string{"n.io/a/b:1", "docker.io/a/b:1"}},
		{"to Docker Hub", "registry.k8s.io/pause:1", nil, []string{"registry.k8s.io=docker.io"}, []string{"docker.io/library/pause:1", "registry.k8s.io/pause:1"}},
		{"the same twice", "docker.io/a/b:1", []string{"docker.io/a=docker.io/a"}, []string{"docker.io=docker.io"}, []string{"docker.io/a/b:1"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r, err := reference.Parse(tt.ref)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, s := range reference.Sources(r, mirrors(t, tt.recipe...), mirrors(t, tt.user...)) {
				got = append(got, s.String())
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got %q\nwant %q", got, tt.want)
			}
		})
	}
}

func FuzzParseMirror(f *testing.F) {
	for _, s := range []string{"docker.io=m.io", "docker.io/bitnami=docker.io/bitnamilegacy", "[::1]:5=localhost", "INDEX.docker.io=x.io:99999", "a.b/c__d=e.f"} {
		f.Add(s)
	}
	r, err := reference.Parse("docker.io/bitnami/x:1@" + sha256)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, s string) {
		m, err := reference.ParseMirror(s)
		if err != nil {
			if !errors.Is(err, reference.ErrInvalidMirror) {
				t.Error(err)
			}
			return
		}
		if again, err := reference.ParseMirror(m.Prefix + "=" + m.Target); err != nil || again != m {
			t.Errorf("%q: %+v became %+v, %v", s, m, again, err)
		}
		m.Prefix = "docker.io/bitnami"
		for _, source := range (reference.Mirrors{m}).Sources(r) {
			again, err := reference.Parse(source.String())
			if len(source.Path) <= 255 && (err != nil || again != source) {
				t.Errorf("%q leads to %s, which is %s, %v", s, source, again, err)
			}
		}
		if strings.Contains(m.Target, "..") {
			t.Errorf("%q", s)
		}
	})
}
