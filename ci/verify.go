package main

import (
	"context"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/labring-actions/cluster-image/ci/internal/dagger"
)

const (
	// imageDir is where the files of an image are mounted.
	imageDir = "/image"
	// served is the name of the registry that serves the image's own registry directory.
	served = "served:5000"
	// nowhere is a proxy that answers nothing.
	nowhere = "http://127.0.0.1:9"
	// standIns is the file of a build context with what stands for passwords and the like while charts are rendered. No image has it.
	standIns = "render.env"
)

// Prove that a cluster finds in a finished image everything that it needs.
//
// Every byte of the registry directory is read. Then what charts, manifests and lists of the image ask for is fetched once more, from a registry that
// has nothing but that directory.
//
// +cache="never"
func (m *ClusterImage) Verify(
	ctx context.Context,

	// The image as an OCI archive.
	archive *dagger.File,

	// Verify these platforms: name the one of an archive that has only one.
	// +default=["linux/amd64", "linux/arm64"]
	platform []dagger.Platform,

	// The build context of the image, as download leaves it: a recipe with passwords has values there that stand for them while charts are rendered.
	// +optional
	context *dagger.Directory,
) (string, error) {
	var out strings.Builder
	for _, p := range platform {
		stand, err := standInsOf(ctx, context, string(p))
		if err != nil {
			return "", err
		}
		found, err := m.verify(ctx, dag.Container(dagger.ContainerOpts{Platform: p}).Import(archive), stand, string(p))
		if err != nil {
			return "", fmt.Errorf("verify %s: %w", p, err)
		}
		fmt.Fprintf(&out, "%s: complete, %d images needed, %d in the image\n", p, found.needed, found.held)
	}
	return out.String(), nil
}

// verification is what was counted.
type verification struct{ needed, held int }

// standInsOf is the file with the stand-ins of a platform, which a context has in itself or in the directory of the platform; nil when there is none.
func standInsOf(ctx context.Context, context *dagger.Directory, platform string) (*dagger.File, error) {
	if context == nil {
		return nil, nil
	}
	for _, file := range []string{path.Join(strings.ReplaceAll(platform, "/", "-"), standIns), standIns} {
		there, err := context.Exists(ctx, file)
		if err != nil {
			return nil, fmt.Errorf("look at the context: %w", err)
		}
		if there {
			return context.File(file), nil
		}
	}
	return nil, nil
}

// verify looks at the image of one platform. What stands for passwords may be nil.
func (m *ClusterImage) verify(ctx context.Context, image *dagger.Container, stand *dagger.File, platform string) (verification, error) {
	var v verification
	start, err := startOf(ctx, image)
	if err != nil {
		return v, err
	}
	files := image.Rootfs().WithNewFile("Kubefile", start)
	if stand != nil {
		files = files.WithFile(standIns, stand)
	}
	c := m.Toolbox().WithMountedDirectory(imageDir, files)
	only := []string{"--platform", platform, "--json"}
	var held []struct{ Images int }
	if err := m.document(ctx, c, &held, append([]string{"registry", "verify", imageDir + "/registry"}, only...)...); err != nil {
		return v, err
	}
	for _, h := range held {
		v.held += h.Images
	}
	var needs struct {
		Needs []struct{ Ref string }
	}
	if err := m.document(ctx, c, &needs, append([]string{"images", imageDir}, only...)...); err != nil {
		return v, err
	}
	args := append([]string{"registry", "save", imageDir, "--registry-dir", "/build/again", "--cache", "/var/cache/cluster-image", "--plain-http", served}, only...)
	var hosts []string
	for _, n := range needs.Needs {
		host, _, _ := strings.Cut(n.Ref, "/")
		if !slices.Contains(hosts, host) {
			hosts = append(hosts, host)
			args = append(args, "--mirror", host+"="+served)
		}
	}
	var again []savedImage
	if err := m.document(ctx, m.alone(c), &again, args...); err != nil {
		return v, err
	}
	v.needed = len(again)
	return v, nil
}

// alone is a container that reaches nothing but the registry directory of the image.
func (m *ClusterImage) alone(c *dagger.Container) *dagger.Container {
	registry := c.WithExposedPort(5000).AsService(dagger.ContainerAsServiceOpts{
		Args: []string{"cluster-image", "registry", "serve", imageDir + "/registry", "--address", "0.0.0.0:5000"},
	})
	c = c.WithServiceBinding("served", registry)
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"} {
		c = c.WithEnvVariable(name, nowhere)
	}
	return c.WithEnvVariable("NO_PROXY", "served").WithEnvVariable("no_proxy", "served")
}

// document runs a command and reads its JSON result.
func (m *ClusterImage) document(ctx context.Context, c *dagger.Container, into any, args ...string) error {
	out, err := result(ctx, m.run(c, args...))
	if err != nil {
		return err
	}
	if err := json.Unmarshal([]byte(out), into); err != nil {
		return fmt.Errorf("read result of %s: %w", args[0], err)
	}
	return nil
}

// startOf writes environment and command of an image as a Kubefile, since charts are rendered with the values that the command uses.
func startOf(ctx context.Context, image *dagger.Container) (string, error) {
	var b strings.Builder
	fmt.Fprintln(&b, "FROM scratch")
	env, err := image.EnvVariables(ctx)
	if err != nil {
		return "", fmt.Errorf("read environment of the image: %w", err)
	}
	for _, e := range env {
		name, err := e.Name(ctx)
		if err != nil {
			return "", fmt.Errorf("read environment of the image: %w", err)
		}
		value, err := e.Value(ctx)
		if err != nil {
			return "", fmt.Errorf("read environment of the image: %w", err)
		}
		fmt.Fprintf(&b, "ENV %s=\"%s\"\n", name, strings.NewReplacer(`\`, `\\`, `"`, `\"`, `$`, `\$`, "\n", " ").Replace(value))
	}
	command, err := image.DefaultArgs(ctx)
	if err != nil {
		return "", fmt.Errorf("read command of the image: %w", err)
	}
	if len(command) > 0 {
		text, err := json.Marshal(command)
		if err != nil {
			return "", fmt.Errorf("write command of the image: %w", err)
		}
		fmt.Fprintf(&b, "CMD %s\n", text)
	}
	return b.String(), nil
}
