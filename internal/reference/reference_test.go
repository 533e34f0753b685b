package reference_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/labring-actions/cluster-image/internal/reference"
)

var (
	hex64  = strings.Repeat("0123456789abcdef", 4)
	sha256 = "sha256:" + hex64
	sha512 = "sha512:" + hex64 + hex64
	deep   = "quay.io/" + strings.Repeat("a/", 127) + "a"
)

func TestParse(t *testing.T) {
	t.Parallel()
	tests := []struct {
		in, want string
		r        reference.Reference
	}{
		{"nginx", "docker.io/library/nginx:latest", reference.Reference{Host: "docker.io", Path: "library/nginx", Tag: "latest"}},
		{"nginx:1", "docker.io/library/nginx:1", reference.Reference{Host: "docker.io", Path: "library/nginx", Tag: "1"}},
		{"x/y", "docker.io/x/y:latest", reference.Reference{Host: "docker.io", Path: "x/y", Tag: "latest"}},
		{"docker.io/nginx:1", "docker.io/library/nginx:1", reference.Reference{Host: "docker.io", Path: "library/nginx", Tag: "1"}},
		{"docker.io/library/nginx:1", "docker.io/library/nginx:1", reference.Reference{Host: "docker.io", Path: "library/nginx", Tag: "1"}},
		{"index.docker.io/x/y:1", "docker.io/x/y:1", reference.Reference{Host: "docker.io", Path: "x/y", Tag: "1"}},
		{"Index.Docker.IO/nginx", "docker.io/library/nginx:latest", reference.Reference{Host: "docker.io", Path: "library/nginx", Tag: "latest"}},
		{"registry.k8s.io/pause:3.9", "registry.k8s.io/pause:3.9", reference.Reference{Host: "registry.k8s.io", Path: "pause", Tag: "3.9"}},
		{"QUAY.io/x/y:TAG", "quay.io/x/y:TAG", reference.Reference{Host: "quay.io", Path: "x/y", Tag: "TAG"}},
		{"localhost/x", "localhost/x:latest", reference.Reference{Host: "localhost", Path: "x", Tag: "latest"}},
		{"LocalHost:5000/x", "localhost:5000/x:latest", reference.Reference{Host: "localhost:5000", Path: "x", Tag: "latest"}},
		{"x:5000/y", "x:5000/y:latest", reference.Reference{Host: "x:5000", Path: "y", Tag: "latest"}},
		{"127.0.0.1:5000/x/y:z", "127.0.0.1:5000/x/y:z", reference.Reference{Host: "127.0.0.1:5000", Path: "x/y", Tag: "z"}},
		{"[2001:DB8::1]:5000/x:1", "[2001:db8::1]:5000/x:1", reference.Reference{Host: "[2001:db8::1]:5000", Path: "x", Tag: "1"}},
		{"[::1]/x", "[::1]/x:latest", reference.Reference{Host: "[::1]", Path: "x", Tag: "latest"}},
		{"quay.io", "docker.io/library/quay.io:latest", reference.Reference{Host: "docker.io", Path: "library/quay.io", Tag: "latest"}},
		{"x.io/a.b_c__d-e--f/g", "x.io/a.b_c__d-e--f/g:latest", reference.Reference{Host: "x.io", Path: "a.b_c__d-e--f/g", Tag: "latest"}},
		{"x@" + sha256, "docker.io/library/x@" + sha256, reference.Reference{Host: "docker.io", Path: "library/x", Digest: sha256}},
		{"x@" + sha512, "docker.io/library/x@" + sha512, reference.Reference{Host: "docker.io", Path: "library/x", Digest: sha512}},
		{"x:1@" + sha256, "docker.io/library/x:1@" + sha256, reference.Reference{Host: "docker.io", Path: "library/x", Tag: "1", Digest: sha256}},
		{"x:" + strings.Repeat("t", 128), "docker.io/library/x:" + strings.Repeat("t", 128), reference.Reference{Host: "docker.io", Path: "library/x", Tag: strings.Repeat("t", 128)}},
		{deep, deep + ":latest", reference.Reference{Host: "quay.io", Path: strings.TrimPrefix(deep, "quay.io/"), Tag: "latest"}},
	}
	for _, tt := range tests {
		r, err := reference.Parse(tt.in)
		if err != nil || r != tt.r || r.String() != tt.want {
			t.Errorf("%s: %+v %v, want %+v", tt.in, r, err, tt.r)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	const form = "it is not of the form [host/]name[:tag][@sha256:digest]"
	const letters = "it has a space, a control character or a letter outside ASCII"
	tests := []struct{ in, want string }{
		{"", "it is empty"},
		{"Nginx", "repository name (library/Nginx) must be lowercase"},
		{"quay.io/X/y", "repository name (X/y) must be lowercase"},
		{"FOO/bar", "repository name must be lowercase (FOO could only be a host without a domain)"},
		{"x:" + strings.Repeat("t", 129), "the tag has 129 characters, at most 128 are allowed"},
		{deep + "/b", "repository name must not be more than 255 characters"},
		{"x@md5:" + hex64[:32], "unsupported digest algorithm"},
		{"x@sha384:" + hex64 + hex64[:32], "the digest is sha384; registries have sha256 and sha512"},
		{"x@sha256:" + strings.ToUpper(hex64), "invalid checksum digest format"},
		{"x@sha256:abc", form},
		{"x@" + sha256 + "0", "invalid checksum digest length"},
		{hex64, "invalid repository name (" + hex64 + "), cannot specify 64-byte hexadecimal strings"},
		{"http://x.io/y", "leave the scheme out"},
		{"x:{{ .tag }}", "a template that was not rendered"},
		{"x y", letters}, {"x\n", letters}, {"x\x00", letters}, {"ng\u0456nx", letters}, {"x\u202e", letters}, {"ｎginx", letters},
		{"x:", form}, {"x@", form}, {"-x", form}, {"x/", form}, {"/x", form}, {"x//y", form}, {"x/../y", form}, {"../x", form},
		{"x:1:2", form}, {"a___b", form}, {"x@" + sha256 + ":y", form}, {"[::1/x", form},
		{"x:99999/y", "99999 is not a port"}, {"x.io:0/y", "0 is not a port"},
		{"a_b.io/x", "a_b.io is not a host name"},
	}
	for _, tt := range tests {
		_, err := reference.Parse(tt.in)
		want := `invalid image reference ` + quote(tt.in) + `: ` + tt.want
		if !errors.Is(err, reference.ErrInvalid) || err.Error() != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
	_, err := reference.Parse(strings.Repeat("a", 1<<20))
	if !errors.Is(err, reference.ErrInvalid) || err.Error() != "invalid image reference: 1048576 characters, at most 1024 can be one" {
		t.Error(err)
	}
}

func TestWanted(t *testing.T) {
	t.Parallel()
	tests := []struct{ in, wanted, fallback, digestTag string }{
		{"x:1", "1", "1", ""},
		{"x", "latest", "latest", ""},
		{"x@" + sha256, sha256, "latest", "sha256-" + hex64},
		{"x:1@" + sha256, sha256, "1", "sha256-" + hex64},
		{"x@" + sha512, sha512, "latest", ""},
	}
	for _, tt := range tests {
		r, err := reference.Parse(tt.in)
		if err != nil {
			t.Fatal(err)
		}
		if r.Wanted() != tt.wanted || r.FallbackTag() != tt.fallback || r.DigestTag() != tt.digestTag {
			t.Errorf("%s: wanted %s, fallback %s, digest tag %s", r, r.Wanted(), r.FallbackTag(), r.DigestTag())
		}
		if got := r.WithTag("9").String(); got != "docker.io/library/x:9" {
			t.Error(got)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"nginx", "x:1@" + sha256, "[::1]:5000/x/y:1", "INDEX.docker.io/x", "FOO/bar", "localhost/x", "x@" + sha512, "docker.io/docker.io/x", deep} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, err := reference.Parse(s)
		if err != nil {
			if !errors.Is(err, reference.ErrInvalid) || r != (reference.Reference{}) {
				t.Errorf("%q: %+v %v", s, r, err)
			}
			return
		}
		if again, err := reference.Parse(r.String()); err != nil || again != r {
			t.Errorf("%q: %s became %s, %v", s, r, again, err)
		}
		if r.Host == "" || r.Path == "" || r.Tag == "" && r.Digest == "" || strings.Contains(r.Path, "..") {
			t.Errorf("%q: %+v", s, r)
		}
	})
}
