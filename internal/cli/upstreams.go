package cli

import (
	"os"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/labring-actions/cluster-image/internal/registry"
	"github.com/labring-actions/cluster-image/internal/source"
)

// upstreams say how the places are reached where projects publish.
type upstreams struct {
	reach
	sourceMirrors source.Mirrors
}

func (u *upstreams) flags() []cli.Flag {
	return append(u.reach.flags(), sourceMirrorFlag(&u.sourceMirrors))
}

// sourceClient asks upstream servers and registries; the token of the environment goes to the GitHub API alone.
func (p *Program) sourceClient(u upstreams, api string) (*source.Client, error) {
	r, err := registry.New(p.registryOptions(u.reach, nil))
	if err != nil {
		return nil, err
	}
	c := source.FromEnvironment()
	c.Registry, c.ImageMirrors, c.Mirrors = r, u.mirrors, u.sourceMirrors
	_, host, _ := strings.Cut(api, "://")
	host, _, _ = strings.Cut(host, "/")
	if token := os.Getenv("GITHUB_TOKEN"); token != "" {
		p.Secrets.Add(token)
		c.Tokens = map[string]string{host: token}
	}
	return c, nil
}
