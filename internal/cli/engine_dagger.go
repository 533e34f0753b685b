package cli

import (
	"context"
	"encoding/base64"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
	registries "github.com/google/go-containerregistry/pkg/name"
	"github.com/urfave/cli/v2"

	"github.com/labring-actions/cluster-image/internal/assemble"
	"github.com/labring-actions/cluster-image/internal/failure"
	"github.com/labring-actions/cluster-image/internal/pipeline"
	"github.com/labring-actions/cluster-image/internal/progress"
	"github.com/labring-actions/cluster-image/internal/publish"
	"github.com/labring-actions/cluster-image/internal/recipe"
	"github.com/labring-actions/cluster-image/internal/remote"
)

// defaultModule is called where no module is at hand.
const defaultModule = "github.com/labring-actions/cluster-image"

// loginsVariable hands the logins for the registries that are pushed to over to dagger.
const loginsVariable = "CLUSTER_IMAGE_LOGINS"

// engineName is where a build runs.
type engineName string

const (
	inProcess engineName = "process"
	onDagger  engineName = "dagger"
)

// engineChoice says where a build runs.
type engineChoice struct {
	engine    engineName
	runner    string
	module    string
	arguments []string
}

func (e *engineChoice) flags() []cli.Flag {
	e.engine = inProcess
	return []cli.Flag{
		&cli.GenericFlag{Name: "engine", Usage: "build in this `ENGINE`: process, or dagger, which runs every step in a container", Value: choiceValue(&e.engine, inProcess, onDagger)},
		&cli.StringFlag{
			Name: "runner", Usage: "use the Dagger engine at `ADDRESS`: ssh://, tcp://, unix://, kube-pod://, container://",
			DefaultText: "$" + remote.RunnerVariable + ", else one that dagger starts", Destination: &e.runner,
		},
		&cli.StringFlag{
			Name: "module", Usage: "call the Dagger module at `ADDRESS`", DefaultText: "the current directory, else " + defaultModule,
			EnvVars: []string{"CLUSTER_IMAGE_MODULE"}, Destination: &e.module,
		},
		&cli.GenericFlag{Name: "engine-argument", Usage: "give the Dagger module `ARGUMENT`, for example --https-proxy=URL; repeatable", Value: textsValue(&e.arguments)},
	}
}

// buildOnDagger is build by the Dagger module.
func (p *Program) buildOnDagger(ctx context.Context, app, version string, o *buildOptions, targets []publish.Target) error {
	if err := o.refuseForDagger(); err != nil {
		return err
	}
	keychain, err := o.keychain(p, hostsOf(targets))
	if err != nil {
		return err
	}
	e, err := p.daggerEngine(o)
	if err != nil {
		return err
	}
	answer, err := e.Probe(ctx)
	if err != nil {
		return daggerFailure(err)
	}
	p.Reporter().Note("Dagger engine %s %s", answer.Name, answer.Version)
	p.Reporter().Close() // dagger has the terminal now
	b := daggerBuild{Engine: e, ctx: ctx, chain: o.chain(app, version)}
	if o.kind == recipe.DockerImage {
		b.chain = o.dockerImageChain(app, version)
	}
	text, doc, err := b.run(o, targets, o.archive(app, version, targets), keychain)
	if err != nil {
		return daggerFailure(err)
	}
	return p.Result(text, doc)
}

// refuseForDagger names the flags that have no meaning there.
func (o *buildOptions) refuseForDagger() error {
	for flag, given := range map[string]bool{
		"--dry-run": o.dryRun, "--jobs": o.jobs != 0, "--timeout": o.timeout != 0, "--require-sandbox": o.requireSandbox, "--meant-for": o.meant != nil, "--work": o.work != "",
		"--format docker-archive": o.format == pipeline.DockerArchive,
	} {
		if given {
			return usage("%s does not go with --engine dagger", flag)
		}
	}
	if o.kind == recipe.Config {
		return usage("--kind %s does not go with --engine dagger", o.kind).Advise("leave --engine out: nothing of it needs a container")
	}
	if o.kind != recipe.DockerImage {
		if len(o.buildArgs) > 0 {
			return usage("--build-arg does not go with --engine dagger and --kind %s", o.kind)
		}
		return nil
	}
	for flag, given := range map[string]bool{"--locked": o.locked, "--label": len(o.labels) > 0, "--annotation": len(o.annotations) > 0} {
		if given {
			return usage("%s does not go with --engine dagger and --kind %s", flag, o.kind).Advise("write it into the Dockerfile")
		}
	}
	return nil
}

func (p *Program) daggerEngine(o *buildOptions) (remote.Engine, error) {
	e := remote.Engine{Runner: o.runner, Module: o.module, Log: p.Stderr, Flags: []string{"--progress=" + daggerProgress(p.mode)}}
	if e.Module == "" {
		e.Module = defaultModule
		if _, err := os.Stat("dagger.json"); err == nil {
			e.Module = "."
		}
	}
	if p.mode == progress.Quiet {
		e.Log = io.Discard
	}
	recipes := o.recipesHere()
	if o.kind == recipe.DockerImage {
		recipes = "" // it is an argument of the function
	}
	for _, file := range []struct{ flag, path string }{{"--recipes", recipes}, {"--locks", o.locks}, {"--ca", o.ca}} {
		if file.path == "" {
			continue
		}
		abs, err := filepath.Abs(file.path)
		if err != nil {
			return e, fmt.Errorf("find %s: %w", file.path, err)
		}
		e.Constructor = append(e.Constructor, file.flag, abs)
	}
	for _, m := range o.mirrors {
		e.Constructor = append(e.Constructor, "--mirror", m.Prefix+"="+m.Target)
	}
	for _, m := range o.sourceMirrors {
		e.Constructor = append(e.Constructor, "--source-mirror", oneOfList(m.Prefix+"="+m.Target))
	}
	for _, host := range o.plainHTTP {
		e.Constructor = append(e.Constructor, "--plain-http", host)
	}
	e.Constructor = append(e.Constructor, o.arguments...)
	return e, nil
}

// recipesHere is the directory of recipes on this machine; empty leaves those of the module.
func (o *buildOptions) recipesHere() string {
	if info, err := os.Stat(string(o.kind)); o.recipes == "" && err == nil && info.IsDir() {
		return string(o.kind)
	}
	return o.recipes
}

// daggerProgress is what dagger calls a way to show progress.
func daggerProgress(m progress.Mode) string {
	if m == progress.Auto {
		return "auto"
	}
	return "plain"
}

// chain is the call of build, to which a leaf is added.
func (o *buildOptions) chain(app, version string) []string {
	args := []string{"build", "--app", app, "--version", version, "--maybe", string(o.maybe)}
	for _, platform := range o.platforms {
		args = append(args, "--platform", platform)
	}
	if o.locked {
		args = append(args, "--locked")
	}
	for flag, pairs := range map[string]map[string]string{"--label": o.labels, "--annotation": o.annotations} {
		for _, k := range slices.Sorted(maps.Keys(pairs)) {
			args = append(args, flag, oneOfList(k+"="+pairs[k]))
		}
	}
	if at, err := strconv.ParseInt(os.Getenv("SOURCE_DATE_EPOCH"), 10, 64); err == nil {
		args = append(args, "--source-date-epoch", strconv.FormatInt(at, 10))
	}
	return args
}

// dockerImageChain is the call of docker-image, to which a leaf is added.
func (o *buildOptions) dockerImageChain(name, version string) []string {
	args := []string{"docker-image", "--name", name, "--version", version}
	for _, platform := range o.platforms {
		args = append(args, "--platform", platform)
	}
	for _, k := range slices.Sorted(maps.Keys(o.buildArgs)) {
		args = append(args, "--build-arg", oneOfList(k+"="+o.buildArgs[k]))
	}
	if dir := o.recipesHere(); dir != "" {
		args = append(args, "--recipes", dir)
	}
	return args
}

// oneOfList writes one item of a list as dagger reads it, which parts lists as CSV.
func oneOfList(s string) string {
	var b strings.Builder
	w := csv.NewWriter(&b)
	_ = w.Write([]string{s}) // a strings.Builder does not fail
	w.Flush()
	return strings.TrimSuffix(b.String(), "\n")
}

// daggerBuild is one build on an engine: calls of the same build with different ends, of which only the first does the work.
type daggerBuild struct {
	remote.Engine
	ctx   context.Context
	chain []string
}

func (b daggerBuild) end(secrets map[string]string, leaf ...string) (string, error) {
	return b.Call(b.ctx, slices.Concat(b.chain, leaf), secrets)
}

func (b daggerBuild) run(o *buildOptions, targets []publish.Target, to pipeline.Output, keychain authn.Keychain) (string, builtImage, error) {
	var doc builtImage
	text, err := b.end(nil, "document")
	if err != nil {
		return "", doc, err
	}
	if err := json.Unmarshal([]byte(text), &doc); err != nil {
		return "", doc, fmt.Errorf("read document of the build: %w", err)
	}
	doc.Archive = to.Path
	if to.Path != "" {
		leaf := "archive"
		if to.Format == pipeline.OCILayout {
			leaf = "layout"
		}
		if _, err := b.end(nil, leaf, "export", "--path", to.Path); err != nil {
			return "", doc, err
		}
		if err := doc.readBack(to.Path); err != nil {
			return "", doc, err
		}
	}
	secrets, err := logins(keychain, hostsOf(targets))
	if err != nil {
		return "", doc, err
	}
	var lines []string
	for _, t := range targets {
		line, err := b.end(secrets, publishCall(t, len(secrets) > 0)...)
		if err != nil {
			return "", doc, err
		}
		lines = append(lines, line)
		doc.Pushed = append(doc.Pushed, pushedImage{Reference: line, Outcome: "pushed"})
	}
	if len(lines) == 0 {
		lines = append(lines, withDigest(to.Name, doc.Digest))
	}
	return strings.Join(lines, "\n"), doc, nil
}

// readBack takes what is on disk for what was built: of an image that the engine built, each call may give another.
func (doc *builtImage) readBack(path string) error {
	x, err := assemble.Open(path)
	if err != nil {
		return fmt.Errorf("read what was exported: %w", err)
	}
	doc.Digest, doc.Platforms = x.Digest.String(), platformsOf(x)
	return nil
}

func publishCall(t publish.Target, login bool) []string {
	args := []string{"publish", "--address", t.Ref.String()}
	if t.Force {
		args = append(args, "--force")
	}
	if login {
		args = append(args, "--config", "env:"+loginsVariable)
	}
	return args
}

// logins writes a docker configuration with the logins for a few registries, wherever they come from here: credential helpers cannot be called there.
func logins(keychain authn.Keychain, hosts []string) (map[string]string, error) {
	auths := map[string]authn.AuthConfig{}
	for _, host := range hosts {
		registry, err := registries.NewRegistry(host)
		if err != nil {
			return nil, fmt.Errorf("find login for %s: %w", host, err)
		}
		found, err := keychain.Resolve(registry)
		if err != nil {
			return nil, fmt.Errorf("find login for %s: %w", host, err)
		}
		login, err := found.Authorization()
		if err != nil {
			return nil, fmt.Errorf("find login for %s: %w", host, err)
		}
		if *login == (authn.AuthConfig{}) {
			continue
		}
		if login.Username != "" {
			login.Auth = base64.StdEncoding.EncodeToString([]byte(login.Username + ":" + login.Password))
		}
		auths[registry.RegistryStr()] = *login
		if host == "docker.io" {
			auths[authn.DefaultAuthKey] = *login
		}
	}
	if len(auths) == 0 {
		return nil, nil
	}
	text, err := json.Marshal(map[string]any{"auths": auths})
	if err != nil {
		return nil, fmt.Errorf("write logins: %w", err)
	}
	return map[string]string{loginsVariable: string(text)}, nil
}

// daggerFailure says what to do about what is missing.
func daggerFailure(err error) error {
	var old *remote.VersionError
	switch {
	case errors.Is(err, context.Canceled):
		return err
	case errors.Is(err, remote.ErrNoCLI):
		return failure.New(failure.Usage, "%w", err).Advise("install it (https://docs.dagger.io/install), or build without --engine dagger")
	case errors.Is(err, remote.ErrNoEngine):
		return failure.New(failure.Usage, "%w", err).Advise("name an engine that runs with --runner, or start Docker, with which dagger starts one")
	case errors.As(err, &old):
		return failure.New(failure.Usage, "%w", err).Advise("bring it up to date")
	default:
		return err
	}
}
