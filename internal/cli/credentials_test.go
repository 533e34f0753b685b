package cli

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	registryname "github.com/google/go-containerregistry/pkg/name"

	"github.com/labring-actions/cluster-image/internal/failure"
	"github.com/labring-actions/cluster-image/internal/progress"
)

// asker is a program whose standard input holds the text.
func asker(stdin string) *Program {
	return &Program{Env: Env{Stdin: strings.NewReader(stdin)}, Secrets: new(progress.Secrets)}
}

func TestLoginGoesToThePushedHostsAlone(t *testing.T) {
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	p := asker("hunter2hunter2\r\nsecond line\n")
	c := &credentials{username: "anna", fromStdin: true}
	chain, err := c.keychain(p, []string{"registry.example.com", "docker.io"})
	if err != nil {
		t.Fatal(err)
	}
	for host, want := range map[string]string{"registry.example.com": "anna", "index.docker.io": "anna", "quay.io": ""} {
		r, err := registryname.NewRegistry(host)
		if err != nil {
			t.Fatal(err)
		}
		auth, err := chain.Resolve(r)
		if err != nil {
			t.Fatal(err)
		}
		got, err := authn.Authorization(t.Context(), auth)
		if err != nil || got.Username != want || want != "" && got.Password != "hunter2hunter2" {
			t.Errorf("%s: user %q, %v; want %q", host, got.Username, err, want)
		}
	}
	if got := p.Secrets.Clean("hunter2hunter2"); got != "***" {
		t.Errorf("the password is not kept out of output: %s", got)
	}
}

func TestBadLogins(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		c     credentials
		stdin string
		hosts []string
	}{
		"no password":       {credentials{username: "anna"}, "", []string{"x"}},
		"no name":           {credentials{fromStdin: true}, "x\n", []string{"x"}},
		"empty input":       {credentials{username: "anna", fromStdin: true}, "", []string{"x"}},
		"empty line":        {credentials{username: "anna", fromStdin: true}, "\nsecret\n", []string{"x"}},
		"endless line":      {credentials{username: "anna", fromStdin: true}, strings.Repeat("x", maxPassword+1), []string{"x"}},
		"nothing is pushed": {credentials{username: "anna", fromStdin: true}, "secret\n", nil},
	} {
		_, err := c.c.keychain(asker(c.stdin), c.hosts)
		var f *failure.Failure
		if !errors.As(err, &f) || f.Class != failure.Usage {
			t.Errorf("%s: %v, want an error of usage", what, err)
		}
	}
}
