package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/labring-actions/cluster-image/ci/internal/dagger"
)

// caFile is where the given certificates are in a container; update-ca-certificates looks there.
const caFile = "/usr/local/share/ca-certificates/cluster-image.crt"

// Network says how containers reach the world.
type Network struct {
	// +private
	GoProxy string
	// +private
	DebianMirror string
	// +private
	Mirrors []string
	// +private
	SourceMirrors []string
	// +private
	PlainHTTP []string
	// +private
	CA *dagger.File
	// +private
	HTTPProxy string
	// +private
	HTTPSProxy string
	// +private
	NoProxy string
}

// apply gives a container the proxies and certificates.
func (n Network) apply(c *dagger.Container) *dagger.Container {
	for _, v := range []struct{ upper, lower, value string }{
		{"HTTP_PROXY", "http_proxy", n.HTTPProxy},
		{"HTTPS_PROXY", "https_proxy", n.HTTPSProxy},
		{"NO_PROXY", "no_proxy", n.NoProxy},
	} {
		if v.value != "" {
			c = c.WithEnvVariable(v.upper, v.value).WithEnvVariable(v.lower, v.value)
		}
	}
	if n.CA != nil {
		c = c.WithFile(caFile, n.CA, dagger.ContainerWithFileOpts{Permissions: 0o644})
	}
	return c
}

// trust adds the given certificates to those of the system, for curl, git and the Go toolchain. The container has update-ca-certificates.
func (n Network) trust(c *dagger.Container) *dagger.Container {
	if n.CA == nil {
		return c
	}
	return c.WithExec([]string{"update-ca-certificates"})
}

// flags are those of the program's commands that talk to registries.
func (n Network) flags() []string {
	var out []string
	for _, m := range n.Mirrors {
		out = append(out, "--mirror", m)
	}
	for _, h := range n.PlainHTTP {
		out = append(out, "--plain-http", h)
	}
	if n.CA != nil {
		out = append(out, "--ca", caFile)
	}
	return out
}

// sourceFlags are those of the commands that carry out a recipe.
func (n Network) sourceFlags() []string {
	out := n.flags()
	for _, m := range n.SourceMirrors {
		out = append(out, "--source-mirror", m)
	}
	return out
}

// registriesConf says mirrors, and registries without TLS, to a program that reads registries.conf, as sealos does; it is empty when there are none.
func (n Network) registriesConf() string {
	if len(n.Mirrors)+len(n.PlainHTTP) == 0 {
		return ""
	}
	var b strings.Builder
	fmt.Fprintln(&b, `unqualified-search-registries = ["docker.io"]`)
	for _, m := range n.Mirrors {
		prefix, location, _ := strings.Cut(m, "=")
		host, _, _ := strings.Cut(location, "/")
		fmt.Fprintf(&b, "[[registry]]\nprefix = %q\nlocation = %q\ninsecure = %t\n", prefix, location, slices.Contains(n.PlainHTTP, host))
	}
	for _, host := range n.PlainHTTP {
		fmt.Fprintf(&b, "[[registry]]\nlocation = %q\ninsecure = true\n", host)
	}
	return b.String()
}
