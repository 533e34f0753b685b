package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/labring-actions/cluster-image/ci/internal/dagger"
)

// Where secrets are mounted in the container that pushes, which runs no code of a recipe.
const (
	passwordFile = "/run/secrets/password"
	dockerConfig = "/run/secrets/docker"
)

// Push the image, and give its name with the digest.
//
// What the registry has is not sent again. A tag that names another image is left alone without force, unless it is one that moves: latest, main,
// stable, vX.Y.
//
// +cache="never"
func (i *Image) Publish(
	ctx context.Context,

	// Where to, for example docker.io/labring/nginx:1.29.1.
	address string,

	// The user name for the registry.
	// +optional
	username string,

	// The password or token for the registry, for example env:TOKEN.
	// +optional
	password *dagger.Secret,

	// A docker configuration with logins, for example file:$HOME/.docker/config.json, instead of name and password.
	// +optional
	config *dagger.Secret,

	// Replace a tag that names another image.
	// +optional
	force bool,
) (string, error) {
	if (username == "") != (password == nil) {
		return "", errors.New("username and password go together")
	}
	c := asking(i.Module.stored(), true).WithMountedFile(archiveFile, i.Archive)
	args := slices.Concat([]string{"cluster-image", "--progress", "plain", "push", archiveFile, address}, i.Module.Network.flags())
	if force {
		args = append(args, "--force")
	}
	if config != nil {
		c = c.WithEnvVariable("DOCKER_CONFIG", dockerConfig).WithMountedSecret(dockerConfig+"/config.json", config)
	}
	if password != nil {
		c = c.WithMountedSecret(passwordFile, password)
		args = slices.Concat([]string{"sh", "-c", `exec "$@" <` + passwordFile, "sh"}, args, []string{"--username", username, "--password-stdin"})
	}
	out, err := c.WithExec(args).Stdout(ctx)
	if err != nil {
		return "", fmt.Errorf("%s %s: push to %s: %w", i.App, i.Version, address, err)
	}
	return strings.TrimSpace(out), nil
}
