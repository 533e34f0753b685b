package recipe

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/labring-actions/cluster-image/internal/sandbox"
)

// DefaultPath is where init.sh finds the machine's programs, behind the program's own tools.
const DefaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/run/current-system/sw/bin"

// passing are the variables of the caller's environment that init.sh gets: how the network and its certificates are reached.
var passing = []string{
	"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "no_proxy", "all_proxy",
	"SSL_CERT_FILE", "SSL_CERT_DIR", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO", "SOURCE_DATE_EPOCH",
}

// certificates are those of them that name files.
var certificates = []string{"SSL_CERT_FILE", "SSL_CERT_DIR", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO"}

// PassingPrefix begins the names of further variables that init.sh gets: what a recipe documents for whoever runs it, such as the address of a mirror.
const PassingPrefix = "RECIPE_"

// Passing says whether init.sh gets a variable of the caller's environment. Everything else, tokens and passwords above all, stays out of its sight.
func Passing(name string) bool {
	return slices.Contains(passing, name) || strings.HasPrefix(name, PassingPrefix)
}

// ScriptError says how an init.sh ended that did not end well.
type ScriptError struct {
	Name, Version, Platform string
	// Lines are the last that it wrote.
	Lines []string
	// Confined says that it ran in the sandbox.
	Confined bool
	// Err is what happened: a [*sandbox.ExitError], a timeout, a cancellation.
	Err error
}

// maxLines is how much of the output an error shows.
const maxLines = 20

func (e *ScriptError) Error() string {
	var s strings.Builder
	fmt.Fprintf(&s, "%s %s for %s: init.sh %v", e.Name, e.Version, e.Platform, e.Err)
	if len(e.Lines) == 0 {
		s.WriteString("; it wrote nothing")
	} else {
		s.WriteString("; its last lines:\n    " + strings.Join(e.Lines, "\n    "))
	}
	if e.Confined && slices.ContainsFunc(e.Lines, func(l string) bool { return strings.Contains(strings.ToLower(l), "permission denied") }) {
		s.WriteString("\ninit.sh may write only in its own directory, $HOME and $TMPDIR, and read nothing but these and the system's programs")
	}
	return s.String()
}

// Unwrap gives what happened.
func (e *ScriptError) Unwrap() error { return e.Err }

// ErrTimeout means that init.sh ran for longer than it may.
var ErrTimeout = errors.New("ran for too long")

// ErrNoBash means that the machine has no bash.
var ErrNoBash = errors.New("no bash on this machine")

// runScript runs init.sh in the context.
func (w workplace) runScript(ctx context.Context, r Recipe, platform string, o Options) error {
	bash, err := findBash(o.path())
	if err != nil {
		return fmt.Errorf("%s for %s: %w", r, platform, err)
	}
	level, err := o.Sandbox.Check()
	if err != nil {
		return fmt.Errorf("%s for %s: %w", r, platform, err)
	}
	if level.Reason != "" {
		o.Reporter.Warn("init.sh of %s is not fully confined: %s; --engine dagger runs it in a container, --require-sandbox refuses", r, level.Reason)
	}
	limit := o.Timeout
	if limit == 0 {
		limit = DefaultTimeout
	}
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("%w: it was ended after %s", ErrTimeout, limit.Round(time.Millisecond)))
	defer cancel()
	out := newLines(r.Name+" "+platform, o.Reporter)
	err = sandbox.Run(ctx, w.program(bash, r, platform, o, out), o.Sandbox)
	if lines := out.flush(); err != nil {
		return &ScriptError{Name: r.Name, Version: r.Version, Platform: platform, Lines: lines, Confined: level.Confined(), Err: err}
	}
	return nil
}

func (w workplace) program(bash string, r Recipe, platform string, o Options, out *lines) sandbox.Program {
	arch := architecture(platform)
	p := sandbox.Program{
		Path: bash, Args: []string{r.script(), arch, r.Name, r.Version}, Dir: w.context, Env: w.environment(o),
		Write: []string{w.context, w.home, w.tmp}, Output: out,
	}
	for _, kv := range p.Env {
		if name, value, _ := strings.Cut(kv, "="); slices.Contains(certificates, name) {
			p.Read = append(p.Read, filepath.SplitList(value)...)
		}
	}
	if o.Tools != "" {
		p.Read = append(p.Read, o.Tools)
	}
	return p
}

// architecture is the second word of a platform: arm64 of linux/arm64 and of linux/arm64/v8.
func architecture(platform string) string {
	_, rest, _ := strings.Cut(platform, "/")
	arch, _, _ := strings.Cut(rest, "/")
	return arch
}

// environment is all that init.sh sees of its surroundings.
func (w workplace) environment(o Options) []string {
	path := o.path()
	if o.Tools != "" {
		path = o.Tools + string(os.PathListSeparator) + path
	}
	env := []string{
		"PATH=" + path, "HOME=" + w.home, "TMPDIR=" + w.tmp, "LANG=C", "TERM=dumb",
		"GIT_TERMINAL_PROMPT=0", "GIT_CONFIG_NOSYSTEM=1", "GIT_CEILING_DIRECTORIES=" + w.top,
	}
	environ := o.Environ
	if environ == nil {
		environ = os.Environ()
	}
	for _, kv := range environ {
		if name, _, _ := strings.Cut(kv, "="); Passing(name) {
			env = append(env, kv)
		}
	}
	return append(env, o.Env...)
}

func (o Options) path() string {
	if o.Path == "" {
		return DefaultPath
	}
	return o.Path
}

func findBash(path string) (string, error) {
	for _, dir := range filepath.SplitList(path) {
		bash := filepath.Join(dir, "bash")
		if info, err := os.Stat(bash); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			return bash, nil
		}
	}
	return "", fmt.Errorf("%w (looked in %s): install bash, or use --engine dagger, which brings its own", ErrNoBash, path)
}
