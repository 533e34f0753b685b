package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/urfave/cli/v2"

	"github.com/labring-actions/cluster-image/internal/failure"
	"github.com/labring-actions/cluster-image/internal/pipeline"
	"github.com/labring-actions/cluster-image/internal/reference"
	"github.com/labring-actions/cluster-image/internal/registry"
	"github.com/labring-actions/cluster-image/internal/render"
	"github.com/labring-actions/cluster-image/internal/sandbox"
	"github.com/labring-actions/cluster-image/internal/source"
)

// RenderCommand is the hidden command with which the program renders a chart in a process of its own.
const RenderCommand = "render-chart"

// reach says how registries are reached.
type reach struct {
	plainHTTP []string
	ca        string
	mirrors   reference.Mirrors
}

func (r *reach) flags() []cli.Flag {
	return []cli.Flag{
		&cli.GenericFlag{Name: "mirror", Usage: "fetch what `PREFIX=PREFIX` covers from there; the stored name stays; repeatable, the longest match counts, and of one prefix the first that has the image", Value: mirrorsValue(&r.mirrors)},
		&cli.GenericFlag{Name: "plain-http", Usage: "talk to `HOST` without TLS; repeatable", Value: hostsValue(&r.plainHTTP)},
		&cli.StringFlag{Name: "ca", Usage: "trust the certificates in `FILE` as well", Destination: &r.ca},
	}
}

// registryOptions are those of a client with these credentials.
func (p *Program) registryOptions(r reach, keychain authn.Keychain) registry.Options {
	if keychain == nil {
		keychain = authn.DefaultKeychain
	}
	return registry.Options{Keychain: keychain, PlainHTTP: r.plainHTTP, CAFile: r.ca, UserAgent: name + "/" + readBuild(p.Version).Version}
}

// access says how registries are reached and where their content is kept.
type access struct {
	reach
	cache  string
	jobs   int
	maxAge time.Duration
}

func (a *access) flags() []cli.Flag {
	return append(a.reach.flags(),
		a.cacheFlag(),
		&cli.GenericFlag{Name: "jobs", Usage: "run at most `N` transfers and charts at once", DefaultText: "adapts", Value: countValue(&a.jobs)},
		&cli.GenericFlag{Name: "max-age", Usage: "take what a tag named at most `TIME` ago for what it names now, and do not ask again", DefaultText: "always ask", Value: timeValue(&a.maxAge, 0)},
	)
}

func (a *access) cacheFlag() cli.Flag {
	return &cli.StringFlag{
		Name: "cache", Usage: "keep what was fetched in `DIR`", DefaultText: "the user's cache directory", EnvVars: []string{"CLUSTER_IMAGE_CACHE"}, Destination: &a.cache,
	}
}

// recipeRun says how an init.sh is run.
type recipeRun struct {
	requireSandbox bool
	timeout        time.Duration
	sourceMirrors  source.Mirrors
}

func (r *recipeRun) flags() []cli.Flag {
	return []cli.Flag{
		&cli.BoolFlag{Name: "require-sandbox", Usage: "refuse to run an init.sh where the kernel cannot confine it", Destination: &r.requireSandbox},
		&cli.GenericFlag{Name: "timeout", Usage: "end an init.sh after `TIME`", DefaultText: "30m", Value: timeValue(&r.timeout, time.Second)},
		sourceMirrorFlag(&r.sourceMirrors),
	}
}

func sourceMirrorFlag(dst *source.Mirrors) cli.Flag {
	return &cli.GenericFlag{
		Name: "source-mirror", Usage: "download what begins with PREFIX from another place, as `PREFIX=PREFIX`, for example https://github.com=https://mirror.example.com/github.com; repeatable",
		Value: sourceMirrorsValue(dst),
	}
}

// maybeFlag says what becomes of images that may be needed.
func maybeFlag(dst *pipeline.MaybePolicy) cli.Flag {
	*dst = pipeline.MaybeInclude
	return &cli.GenericFlag{
		Name:  "maybe",
		Usage: "`WHAT` to do with images that may be needed (named by an environment variable, an argument, free text): include those that resolve, list them, or fail when one does not resolve",
		Value: choiceValue(dst, pipeline.MaybeInclude, pipeline.MaybeList, pipeline.MaybeFail),
	}
}

// engine makes the engine of a command.
func (p *Program) engine(a access, r recipeRun, maybe pipeline.MaybePolicy, keychain authn.Keychain) (*pipeline.Engine, error) {
	cache, err := a.cacheDir()
	if err != nil {
		return nil, err
	}
	exe, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	return pipeline.New(pipeline.Options{
		Cache: cache, Jobs: a.jobs, Mirrors: a.mirrors, Believe: a.maxAge, Maybe: maybe, Reporter: p.Reporter(),
		Registry: p.registryOptions(a.reach, keychain),
		Renderer: render.Child(exe, RenderCommand),
		Sandbox:  sandbox.Options{Exe: exe, Require: r.requireSandbox}, Timeout: r.timeout, InstallTools: p.InstallTools,
		Source: pipeline.SourceOptions{Mirrors: r.sourceMirrors, PlainHTTP: source.FromEnvironment().PlainHTTP, Tokens: gitHubToken()},
	})
}

// cacheDir is absolute, since an init.sh runs elsewhere.
func (a access) cacheDir() (string, error) {
	dir := a.cache
	if dir == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			return "", failure.New(failure.Usage, "there is no cache directory: %v", err).Advise("name one with --cache DIR")
		}
		dir = filepath.Join(user, name)
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("find cache directory: %w", err)
	}
	return abs, nil
}

// gitHubToken raises the limit of questions that GitHub answers in an hour.
func gitHubToken() map[string]string {
	token := os.Getenv("GITHUB_TOKEN")
	if token == "" {
		return nil
	}
	return map[string]string{strings.TrimPrefix(source.GitHubAPI, "https://"): token}
}
