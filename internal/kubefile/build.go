package kubefile

import (
	"fmt"
	"path"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/shell"
)

// defaultPath is the PATH that builders put into an image that has none.
const defaultPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// Build is what a build file says for one platform.
type Build struct {
	// Config is the configuration: environment, command, labels and so on.
	Config v1.Config
	// Author is who MAINTAINER names.
	Author string
	// Copies are what fills the image, in order.
	Copies []Copy
}

// Build evaluates the file for a platform such as linux/arm64. TARGETPLATFORM and its parts are known to the ARGs
// that ask for them; BUILDPLATFORM is the same, since nothing runs while an image is assembled, and the machine that
// does it must not show in the result.
func (k *Kubefile) Build(platform string) (Build, error) {
	f, err := k.parse()
	if err != nil {
		return Build{}, err
	}
	builtin, err := platformArgs(platform)
	if err != nil {
		return Build{}, err
	}
	e := &evaluation{file: f, lex: shell.NewLex(f.escape), given: k.args, builtin: builtin, args: map[string]string{}}
	e.out.Config.Env = []string{defaultPath}
	if err := e.begin(); err != nil {
		return Build{}, err
	}
	for _, c := range f.commands {
		if err := e.run(c); err != nil {
			return Build{}, err
		}
	}
	return e.out, nil
}

// Config is the configuration of the image for a platform.
func (k *Kubefile) Config(platform string) (v1.Config, error) {
	b, err := k.Build(platform)
	return b.Config, err
}

// Copies are what the file puts into the image for a platform, in order.
func (k *Kubefile) Copies(platform string) ([]Copy, error) {
	b, err := k.Build(platform)
	return b.Copies, err
}

// evaluation goes through the instructions and keeps what they have said so far.
type evaluation struct {
	*file
	lex            *shell.Lex
	given, builtin map[string]string // from --build-arg; from the platform
	globals, args  map[string]string // declared before FROM; declared after it
	out            Build
}

func platformArgs(platform string) (map[string]string, error) {
	p, err := v1.ParsePlatform(platform)
	if err != nil || p.OS == "" || p.Architecture == "" {
		return nil, fmt.Errorf("platform %q is not like linux/amd64", platform)
	}
	args := map[string]string{}
	for _, side := range []string{"TARGET", "BUILD"} {
		args[side+"PLATFORM"], args[side+"OS"], args[side+"ARCH"], args[side+"VARIANT"] = p.String(), p.OS, p.Architecture, p.Variant
	}
	return args, nil
}

// begin evaluates what stands before and in FROM.
func (e *evaluation) begin() error {
	e.globals = map[string]string{}
	visible := getter(func(name string) (string, bool) {
		if v, ok := e.globals[name]; ok {
			return v, true
		}
		v, ok := e.builtin[name]
		return v, ok
	})
	for _, c := range e.file.globals {
		for _, a := range c.Args {
			if err := e.declare(a, e.globals, visible, c.Location()[0].Start.Line); err != nil {
				return err
			}
		}
	}
	base, _, err := e.lex.ProcessWord(e.from.BaseName, visible)
	if err != nil {
		return e.problem(e.fromLine, "FROM: %s", err)
	}
	platform, _, err := e.lex.ProcessWord(e.from.Platform, visible)
	if err != nil {
		return e.problem(e.fromLine, "FROM: %s", err)
	}
	switch {
	case base != "scratch":
		return e.engine(e.fromLine, "FROM %s: a base image other than scratch", base)
	case platform != "" && platform != e.builtin["TARGETPLATFORM"]:
		return e.problem(e.fromLine, "FROM --platform=%s: leave --platform out, the command line says which platforms are built", platform)
	}
	return nil
}

// declare gives an ARG its value: that of the command line, else its default, else what is known before FROM.
func (e *evaluation) declare(a instructions.KeyValuePairOptional, into map[string]string, env shell.EnvGetter, line int) error {
	if v, ok := e.given[a.Key]; ok {
		into[a.Key] = v
		return nil
	}
	if a.Value != nil {
		v, _, err := e.lex.ProcessWord(*a.Value, env)
		if err != nil {
			return e.problem(line, "ARG %s: %s", a.Key, err)
		}
		into[a.Key] = v
		return nil
	}
	for _, known := range []map[string]string{e.globals, e.builtin} {
		if v, ok := known[a.Key]; ok {
			into[a.Key] = v
			return nil
		}
	}
	return nil
}

// run evaluates one instruction after FROM.
func (e *evaluation) run(c command) error {
	if _, isArg := c.Command.(*instructions.ArgCommand); !isArg {
		if err := e.expand(c); err != nil {
			return err
		}
	}
	cfg := &e.out.Config
	switch i := c.Command.(type) {
	case *instructions.ArgCommand:
		for _, a := range i.Args {
			if err := e.declare(a, e.args, e, c.line); err != nil {
				return err
			}
		}
	case *instructions.EnvCommand:
		for _, kv := range i.Env {
			e.setenv(kv.Key, kv.Value)
		}
	case *instructions.LabelCommand:
		for _, kv := range i.Labels {
			put(&cfg.Labels, kv.Key, kv.Value)
		}
	case *instructions.CmdCommand:
		cfg.Cmd = e.words(i.ShellDependantCmdLine)
	case *instructions.EntrypointCommand:
		cfg.Entrypoint = e.words(i.ShellDependantCmdLine)
	case *instructions.UserCommand:
		cfg.User = i.User
	case *instructions.StopSignalCommand:
		cfg.StopSignal = i.Signal
	case *instructions.MaintainerCommand:
		e.out.Author = i.Maintainer
	case *instructions.VolumeCommand:
		for _, v := range i.Volumes {
			put(&cfg.Volumes, v, struct{}{})
		}
	case *instructions.ExposeCommand:
		return e.expose(i, c.line)
	case *instructions.WorkdirCommand:
		return e.workdir(i.Path, c)
	case *instructions.CopyCommand:
		return e.copy(c, i.SourcesAndDest, options{chown: i.Chown, chmod: i.Chmod, exclude: i.ExcludePatterns})
	case *instructions.AddCommand:
		return e.copy(c, i.SourcesAndDest, options{chown: i.Chown, chmod: i.Chmod, exclude: i.ExcludePatterns, unpack: i.Unpack == nil})
	}
	return nil
}

// expand replaces variables where the format has them replaced.
func (e *evaluation) expand(c command) error {
	lex := e.lex
	expander := func(word string) (string, error) {
		s, _, err := lex.ProcessWord(word, e)
		return s, err
	}
	if x, ok := c.Command.(instructions.SupportsSingleWordExpansion); ok {
		if err := x.Expand(expander); err != nil {
			return e.problem(c.line, "%s: %s", strings.ToUpper(c.Name()), err)
		}
	}
	if x, ok := c.Command.(instructions.SupportsSingleWordExpansionRaw); ok {
		lex = shell.NewLex('\\')
		lex.SkipProcessQuotes = true
		if err := x.ExpandRaw(expander); err != nil {
			return e.problem(c.line, "%s: %s", strings.ToUpper(c.Name()), err)
		}
	}
	return nil
}

// Get is the value of a variable; ENV goes before ARG.
func (e *evaluation) Get(name string) (string, bool) {
	for _, kv := range e.out.Config.Env {
		if k, v, _ := strings.Cut(kv, "="); k == name {
			return v, true
		}
	}
	v, ok := e.args[name]
	return v, ok
}

// Keys is what shell.EnvGetter asks for besides Get.
func (e *evaluation) Keys() (keys []string) {
	for _, kv := range e.out.Config.Env {
		k, _, _ := strings.Cut(kv, "=")
		keys = append(keys, k)
	}
	for k := range e.args {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

// getter is a shell.EnvGetter of one function.
type getter func(string) (string, bool)

func (g getter) Get(name string) (string, bool) { return g(name) }
func (g getter) Keys() []string                 { return nil }

func (e *evaluation) setenv(key, value string) {
	env := e.out.Config.Env
	i := slices.IndexFunc(env, func(kv string) bool { return strings.HasPrefix(kv, key+"=") })
	if i < 0 {
		e.out.Config.Env = append(env, key+"="+value)
		return
	}
	env[i] = key + "=" + value
}

// words are the arguments of CMD or ENTRYPOINT; the shell form is given to the shell as one.
func (e *evaluation) words(c instructions.ShellDependantCmdLine) []string {
	if !c.PrependShell {
		return c.CmdLine
	}
	return []string{"/bin/sh", "-c", strings.Join(c.CmdLine, " ")}
}

// workdir sets the working directory and makes it, as builders do.
func (e *evaluation) workdir(dir string, c command) error {
	if dir == "" {
		return e.problem(c.line, "WORKDIR is empty")
	}
	e.out.Config.WorkingDir = path.Join("/", e.out.Config.WorkingDir, dir)
	if path.IsAbs(dir) {
		e.out.Config.WorkingDir = path.Clean(dir)
	}
	e.out.Copies = append(e.out.Copies, Copy{File: e.name, Line: c.line, Text: c.text, Dest: e.out.Config.WorkingDir + "/", Makes: true})
	return nil
}

func put[V any](m *map[string]V, key string, value V) {
	if *m == nil {
		*m = map[string]V{}
	}
	(*m)[key] = value
}
