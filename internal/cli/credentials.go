package cli

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/urfave/cli/v2"
	"golang.org/x/term"

	"github.com/labring-actions/cluster-image/internal/failure"
	"github.com/labring-actions/cluster-image/internal/registry"
)

// maxPassword bounds what is read of standard input: tokens of cloud registries have a few thousand bytes.
const maxPassword = 64 << 10

// credentials are those for the registries that are pushed to.
type credentials struct {
	username  string
	fromStdin bool
}

func (c *credentials) flags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "username", Aliases: []string{"u"}, Usage: "log in to the registries that are pushed to as `NAME`", Destination: &c.username},
		&cli.BoolFlag{Name: "password-stdin", Usage: "read the password or token as one line from standard input", Destination: &c.fromStdin},
	}
}

// keychain is the docker configuration and its credential helpers; the name and password of the command line come first, and are shown to the given
// hosts alone.
func (c *credentials) keychain(p *Program, hosts []string) (authn.Keychain, error) {
	switch {
	case c.username == "" && !c.fromStdin:
		return authn.DefaultKeychain, nil
	case c.username == "" || !c.fromStdin:
		return nil, usage("--username and --password-stdin go together").Advise("printf %%s \"$TOKEN\" | %s … --username NAME --password-stdin", name)
	case len(hosts) == 0:
		return nil, usage("--username is for a registry that is pushed to, and there is none").Advise("add --push or --registry")
	}
	password, err := readPassword(p.Stdin)
	if err != nil {
		return nil, err
	}
	p.Secrets.Add(password)
	given := loginKeychain{hosts: hosts, auth: &authn.Basic{Username: c.username, Password: password}}
	return authn.NewMultiKeychain(given, authn.DefaultKeychain), nil
}

// explain says of a refused login that it was this one.
func (c *credentials) explain(err error) error {
	if c.username == "" || !errors.Is(err, registry.ErrUnauthorized) {
		return err
	}
	f := &failure.Failure{Err: err}
	return f.Advise("--username %s with the password given is refused: check both; some registries want a token in the place of the password", c.username)
}

// loginKeychain knows one login for a few hosts.
type loginKeychain struct {
	hosts []string
	auth  authn.Authenticator
}

func (k loginKeychain) Resolve(r authn.Resource) (authn.Authenticator, error) {
	if slices.Contains(k.hosts, dockerHub(r.RegistryStr())) {
		return k.auth, nil
	}
	return authn.Anonymous, nil
}

// dockerHub spells Docker Hub the way that references do.
func dockerHub(host string) string {
	if host == "index.docker.io" || host == "registry-1.docker.io" {
		return "docker.io"
	}
	return host
}

// readPassword reads one line without its end.
func readPassword(in io.Reader) (string, error) {
	if f, ok := in.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		return "", usage("--password-stdin reads from a pipe, and standard input is a terminal").
			Advise("printf %%s \"$TOKEN\" | %s … --password-stdin", name)
	}
	line, err := bufio.NewReader(io.LimitReader(in, maxPassword+1)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("read password from standard input: %w", err)
	}
	line = strings.TrimRight(line, "\r\n")
	if line == "" || len(line) > maxPassword {
		return "", usage("standard input holds no password in its first line")
	}
	return line, nil
}
