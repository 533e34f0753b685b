package outcome

import (
	"io"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
)

// Login is a name and a password for the registry; without a name the docker configuration counts.
type Login struct{ Username, Password string }

// flags are those of a command of the program that logs in, and its standard input.
func (l Login) flags() ([]string, io.Reader) {
	if l.Username == "" {
		return nil, nil
	}
	return []string{"--username", l.Username, "--password-stdin"}, strings.NewReader(l.Password + "\n")
}

// keychain is the same for a client.
func (l Login) keychain() authn.Keychain {
	if l.Username == "" {
		return authn.DefaultKeychain
	}
	return fixed{authn.FromConfig(authn.AuthConfig{Username: l.Username, Password: l.Password})}
}

// fixed is one login, for the one registry that is asked.
type fixed struct{ authn.Authenticator }

// Resolve gives it.
func (f fixed) Resolve(authn.Resource) (authn.Authenticator, error) { return f.Authenticator, nil }
