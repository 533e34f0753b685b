package catalog

import (
	"errors"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/labring-actions/cluster-image/internal/kubefile"
	"github.com/labring-actions/cluster-image/internal/recipe"
)

// classic looks at what a recipe of scripts shows from outside.
func (l *linter) classic(name, dir string) error {
	at := path.Join(name, dir)
	if _, err := l.load(name, dir, dir); err != nil {
		l.add(at, 0, LevelError, "%v", err)
	}
	switch kubefile, dockerfile := l.has(at, "Kubefile"), l.has(at, "Dockerfile"); {
	case kubefile && dockerfile:
		l.add(at, 0, LevelError, "it has both a Kubefile and a Dockerfile: one of them is enough, and which would count is a guess")
	case kubefile:
		l.buildFile(at, "Kubefile")
	case dockerfile && l.kind == recipe.Application:
		l.buildFile(at, "Dockerfile")
	case !dockerfile && !l.has(at, "init.sh"):
		l.add(at, 0, LevelError, "it has neither app.yaml nor a Kubefile, nor an init.sh that could make one")
	}
	return l.scripts(at)
}

func (l *linter) has(at, file string) bool {
	_, err := fs.Stat(l.fsys, path.Join(at, file))
	return err == nil
}

// scriptOf finds the script that a start command calls.
var scriptOf = regexp.MustCompile(`(?:^|[\s;&|])(?:bash|sh)\s+(?:-\S+\s+)*([\w][\w./-]*)`)

// buildFile looks at what a build file copies and starts. Files that an init.sh may make are believed.
func (l *linter) buildFile(at, name string) {
	file := path.Join(at, name)
	b, err := fs.ReadFile(l.fsys, file)
	if err != nil {
		l.add(file, 0, LevelError, "%v", err)
		return
	}
	k, err := kubefile.Parse(name, strings.NewReader(string(b)))
	if err == nil {
		err = l.checkBuild(at, file, k)
	}
	var wrong *kubefile.Error
	switch {
	case err == nil, errors.Is(err, kubefile.ErrEngine):
	case errors.As(err, &wrong):
		l.add(file, wrong.Line, LevelError, "%s", wrong.Problem)
	default:
		l.add(file, 0, LevelError, "%v", err)
	}
}

func (l *linter) checkBuild(at, file string, k *kubefile.Kubefile) error {
	build, err := k.Build("linux/amd64")
	if err != nil || l.has(at, "init.sh") {
		return err
	}
	for _, c := range build.Copies {
		for _, source := range c.Sources {
			source = path.Clean(strings.TrimPrefix(source, "/"))
			if source != "registry" && !strings.ContainsAny(source, "*?[") && !l.has(at, source) {
				l.add(file, c.Line, LevelError, "COPY %s: there is no such file, and no init.sh that could make it", source)
			}
		}
	}
	for _, command := range slices.Concat(build.Config.Entrypoint, build.Config.Cmd) {
		for _, m := range scriptOf.FindAllStringSubmatch(command, -1) {
			if !l.has(at, path.Clean(m[1])) {
				l.add(file, 0, LevelError, "the start command calls %s, which is not there, and no init.sh could make it", m[1])
			}
		}
	}
	return nil
}

var (
	plainAddress = regexp.MustCompile(`http://[A-Za-z0-9$][^\s"')]*`)
	anyAddress   = regexp.MustCompile(`https?://[A-Za-z0-9$][^\s"')]*`)
	machineWord  = regexp.MustCompile(`amd64|x86_64|arm64|aarch64`)
	downloads    = regexp.MustCompile(`\b(curl|wget)\b`)
	ownMachine   = regexp.MustCompile(`^http://(localhost|127\.|\$)`)
)

// scripts looks at the downloads of a recipe's init.sh.
func (l *linter) scripts(at string) error {
	file := path.Join(at, "init.sh")
	b, err := fs.ReadFile(l.fsys, file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	checked := strings.Contains(string(b), "sha256")
	n := 0
	for line := range strings.Lines(string(b)) {
		n++
		if line = strings.TrimSpace(line); !strings.HasPrefix(line, "#") {
			l.download(file, n, line, checked)
		}
	}
	return nil
}

// download looks at one line of a script.
func (l *linter) download(file string, n int, line string, checked bool) {
	for _, address := range plainAddress.FindAllString(line, -1) {
		if !ownMachine.MatchString(address) {
			l.add(file, n, LevelError, "%s: without TLS anybody on the way can change it: use https", address)
		}
	}
	address := anyAddress.FindString(line)
	if address == "" {
		return
	}
	if word := machineWord.FindString(address); word != "" {
		l.add(file, n, LevelNotice, "%s: it is for %s, whatever is built: make the address of $1, the platform's word", address, word)
	}
	if downloads.MatchString(line) && !checked {
		l.add(file, n, LevelNotice, "%s has no checksum: cluster-image fetch --sha256-url takes one", address)
	}
}
