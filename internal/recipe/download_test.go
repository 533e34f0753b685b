package recipe_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/labring-actions/cluster-image/internal/progress"
	"github.com/labring-actions/cluster-image/internal/recipe"
	"github.com/labring-actions/cluster-image/internal/sandbox"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == sandbox.Command {
		os.Exit(sandbox.Main(os.Args[2:]))
	}
	os.Exit(m.Run())
}

func needBash(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("bash"); err != nil {
		t.Skip("bash is not installed: apt-get install bash")
	}
}

// files makes a recipe in memory, as one embedded in a program is.
func files(texts map[string]string) fstest.MapFS {
	m := fstest.MapFS{}
	for name, text := range texts {
		m[name] = &fstest.MapFile{Data: []byte(text), Mode: 0o444}
	}
	return m
}

func load(t *testing.T, texts map[string]string) recipe.Recipe {
	t.Helper()
	r, err := recipe.Load(recipe.Application, "demo", "1.2.3", "latest", files(texts))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// download runs the recipe that an init.sh makes and gives the context.
func download(t *testing.T, texts map[string]string, o recipe.Options) (string, error) {
	t.Helper()
	needBash(t)
	dest := filepath.Join(t.TempDir(), "context")
	err := recipe.Download(t.Context(), load(t, texts), "linux/arm64", dest, o)
	if err != nil {
		if _, serr := os.Stat(dest); !errors.Is(serr, fs.ErrNotExist) {
			t.Errorf("a failed download left %s", dest)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(dest), ".*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	return dest, err
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestDownload(t *testing.T) {
	t.Parallel()
	dest, err := download(t, map[string]string{
		"init.sh":          "set -eu\necho \"$@\" > args\necho 'FROM scratch' > Kubefile\nmkdir -p opt; cp .hidden/file opt/copy; mkdir closed; touch closed/f; chmod 0 closed",
		".hidden/file":     "dotted\n",
		"manifests/a.yaml": "kind: List\n",
		"entrypoint.sh":    "#!/bin/bash\n",
	}, recipe.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"args": "arm64 demo 1.2.3\n", "Kubefile": "FROM scratch\n", "opt/copy": "dotted\n", ".hidden/file": "dotted\n", "closed/f": ""} {
		if got := read(t, filepath.Join(dest, name)); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	for name, want := range map[string]fs.FileMode{"entrypoint.sh": 0o755, "manifests/a.yaml": 0o644, "init.sh": 0o644} {
		if info, err := os.Stat(filepath.Join(dest, name)); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: mode %v, %v, want %v", name, info.Mode(), err, want)
		}
	}
}

func TestDownloadWithoutScript(t *testing.T) {
	t.Parallel()
	for _, texts := range []map[string]string{{"Kubefile": "FROM scratch\n"}, {"Kubefile": "FROM scratch\n", "init.sh": ""}} {
		dest := filepath.Join(t.TempDir(), "deep/context")
		if err := recipe.Download(t.Context(), load(t, texts), "linux/amd64", dest, recipe.Options{}); err != nil {
			t.Fatal(err)
		}
		if got := read(t, filepath.Join(dest, "Kubefile")); got != "FROM scratch\n" {
			t.Errorf("Kubefile %q", got)
		}
	}
}

func TestEnvironment(t *testing.T) {
	t.Parallel()
	dest, err := download(t, map[string]string{"init.sh": "env | sort > env; command -v tool > tool; cat >stdin; test -d \"$HOME\" -a -d \"$TMPDIR\""}, recipe.Options{
		Environ: []string{
			"HTTPS_PROXY=http://proxy.example.com", "RECIPE_BITNAMI_REPO=https://charts.example.com", "GITHUB_TOKEN=hidden", "DOCKER_CONFIG=/hidden",
			"HOME=/hidden", "REGISTRY_PASSWORD=hidden", "LD_PRELOAD=hidden", "BASH_ENV=/hidden", "CLUSTER_IMAGE_PASSWORD=hidden",
		},
		Env:   []string{"EXTRA=1"},
		Tools: toolDir(t),
	})
	if err != nil {
		t.Fatal(err)
	}
	env := read(t, filepath.Join(dest, "env"))
	if strings.Contains(env, "hidden") {
		t.Errorf("something hidden is seen:\n%s", env)
	}
	for _, want := range []string{"HTTPS_PROXY=http://proxy.example.com\n", "RECIPE_BITNAMI_REPO=https://charts.example.com\n", "EXTRA=1\n", "LANG=C\n"} {
		if !strings.Contains(env, want) {
			t.Errorf("%q is missing in\n%s", want, env)
		}
	}
	if got := read(t, filepath.Join(dest, "tool")); !strings.HasSuffix(got, "/tools/tool\n") {
		t.Errorf("tool found at %q", got)
	}
	if got := read(t, filepath.Join(dest, "stdin")); got != "" {
		t.Errorf("standard input has %q", got)
	}
}

func toolDir(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "tools")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "tool"), []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestScriptFailures(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ script, want string }{
		"status": {"echo fetching; printf 'meter 1%%\\rmeter 99%%\\n'; echo 'no such chart' >&2; exit 3",
			"demo 1.2.3 for linux/arm64: init.sh exited with status 3; its last lines:\n    fetching\n    meter 99%\n    no such chart"},
		"silent":          {"exit 7", "demo 1.2.3 for linux/arm64: init.sh exited with status 7; it wrote nothing"},
		"signal":          {"kill -9 $$", "demo 1.2.3 for linux/arm64: init.sh was killed by a signal: killed; it wrote nothing"},
		"escape sequence": {`printf '\033[2Jgone\n'; exit 1`, "demo 1.2.3 for linux/arm64: init.sh exited with status 1; its last lines:\n    ?[2Jgone"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := download(t, map[string]string{"init.sh": c.script}, recipe.Options{})
			if err == nil || err.Error() != c.want {
				t.Errorf("error\n%v\nwant\n%s", err, c.want)
			}
			var failed *recipe.ScriptError
			if !errors.As(err, &failed) {
				t.Errorf("error is a %T", err)
			}
		})
	}
}

func TestOnlyTheLastLinesAreShown(t *testing.T) {
	t.Parallel()
	_, err := download(t, map[string]string{"init.sh": "for i in {1..1000}; do echo line $i; done; exit 1"}, recipe.Options{})
	var failed *recipe.ScriptError
	if !errors.As(err, &failed) || len(failed.Lines) != 20 || failed.Lines[0] != "line 981" || failed.Lines[19] != "line 1000" {
		t.Errorf("error %v", err)
	}
}

// TestDenied is what a script may not do: the exact message says so.
func TestDenied(t *testing.T) {
	t.Parallel()
	if level := sandbox.Detect(); level.Reason != "" {
		t.Skip("the sandbox cannot be tested: " + level.Reason)
	}
	home := t.TempDir()
	config := filepath.Join(home, ".docker", "config.json")
	if err := os.MkdirAll(filepath.Dir(config), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(config, []byte(`{"auths":{}}`), 0o644); err != nil {
		t.Fatal(err)
	}
	const hint = "\ninit.sh may write only in its own directory, $HOME and $TMPDIR, and read nothing but these and the system's programs"
	for script, want := range map[string]string{
		"cat " + config:           "cat: " + config + ": Permission denied",
		"echo x > " + home + "/f": "init.sh: line 1: " + home + "/f: Permission denied",
		"touch ../outside":        "touch: cannot touch '../outside': Permission denied",
	} {
		_, err := download(t, map[string]string{"init.sh": script}, recipe.Options{})
		if want := "demo 1.2.3 for linux/arm64: init.sh exited with status 1; its last lines:\n    " + want + hint; err == nil || err.Error() != want {
			t.Errorf("error\n%v\nwant\n%s", err, want)
		}
	}
}

func TestHangIsEnded(t *testing.T) {
	t.Parallel()
	_, err := download(t, map[string]string{"init.sh": "trap '' TERM; while :; do sleep 1000; done"}, recipe.Options{Timeout: time.Millisecond})
	const want = "demo 1.2.3 for linux/arm64: init.sh ran for too long: it was ended after 1ms; it wrote nothing"
	if err == nil || err.Error() != want || !errors.Is(err, recipe.ErrTimeout) {
		t.Errorf("error %v, want %s", err, want)
	}
}

// canceller cancels when the reporter's output shows that the script runs.
type canceller struct{ cancel context.CancelFunc }

func (c canceller) Write(b []byte) (int, error) {
	if bytes.Contains(b, []byte("it runs")) {
		c.cancel()
	}
	return len(b), nil
}

func TestCancel(t *testing.T) {
	t.Parallel()
	needBash(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	reporter := progress.New(progress.Options{Mode: progress.Plain, Out: canceller{cancel}})
	defer reporter.Close()
	r := load(t, map[string]string{"init.sh": "echo it runs; sleep 1000 & wait"})
	err := recipe.Download(ctx, r, "linux/amd64", filepath.Join(t.TempDir(), "context"), recipe.Options{Reporter: reporter})
	const want = "demo 1.2.3 for linux/amd64: init.sh context canceled; its last lines:\n    it runs"
	if !errors.Is(err, context.Canceled) || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}

func TestPlatformLimits(t *testing.T) {
	t.Parallel()
	r := load(t, map[string]string{"build_arch": " amd64 \r\n", "Kubefile": "FROM scratch\n"})
	dest := filepath.Join(t.TempDir(), "context")
	err := recipe.Download(t.Context(), r, "linux/arm64", dest, recipe.Options{})
	const want = "demo 1.2.3 for linux/arm64: the recipe does not serve this platform: build_arch limits it to [linux/amd64]"
	if err == nil || err.Error() != want || !errors.Is(err, recipe.ErrPlatform) {
		t.Errorf("error %v, want %s", err, want)
	}
	if err := recipe.Download(t.Context(), r, "linux/amd64", dest, recipe.Options{}); err != nil {
		t.Error(err)
	}
	if err := recipe.Download(t.Context(), r, "linux/amd64", dest, recipe.Options{}); !errors.Is(err, recipe.ErrExists) {
		t.Errorf("into a full directory: %v", err)
	}
}

func TestLinks(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, target := range map[string]string{"good/link": "../text", "bad/link": "../../secret", "absolute/link": "/etc/passwd"} {
		if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(name), "x"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(target, filepath.Join(dir, filepath.Dir(name), "x", "link")); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]string{
		"good": "", "bad": "demo 1 for linux/amd64: copy x/link: the link leads out of the recipe, to ../../secret",
		"absolute": "demo 1 for linux/amd64: copy x/link: the link leads out of the recipe, to /etc/passwd",
	} {
		root, err := os.OpenRoot(dir)
		if err != nil {
			t.Fatal(err)
		}
		sub, err := fs.Sub(root.FS(), name)
		if err != nil {
			t.Fatal(err)
		}
		r, err := recipe.Load(recipe.Application, "demo", "1", "latest", sub)
		if err != nil {
			t.Fatal(err)
		}
		dest, got := filepath.Join(t.TempDir(), "context"), ""
		if err := recipe.Download(t.Context(), r, "linux/amd64", dest, recipe.Options{}); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s: error %q, want %q", name, got, want)
		}
		if target, err := os.Readlink(filepath.Join(dest, "x/link")); want == "" && (err != nil || target != "../text") {
			t.Errorf("%s: link to %q, %v", name, target, err)
		}
	}
}

// program is the header of an ELF file for a machine.
func program(m elf.Machine) []byte {
	b := make([]byte, 64)
	copy(b, elf.ELFMAG)
	b[elf.EI_CLASS], b[elf.EI_DATA], b[elf.EI_VERSION] = byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), 1
	binary.LittleEndian.PutUint16(b[16:], uint16(elf.ET_EXEC))
	binary.LittleEndian.PutUint16(b[18:], uint16(m))
	return b
}

func archive(t *testing.T, name string, content []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	gz := gzip.NewWriter(&out)
	w := tar.NewWriter(gz)
	err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o755, Size: int64(len(content))})
	if err == nil {
		_, err = w.Write(content)
	}
	if err := errors.Join(err, w.Close(), gz.Close()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestJudgement(t *testing.T) {
	t.Parallel()
	needBash(t)
	const html = "\n<!DOCTYPE html><html>404</html>"
	whole := archive(t, "bin/tool", program(elf.EM_AARCH64))
	for name, c := range map[string]struct {
		path    string
		content []byte
		want    string
	}{
		"page":             {"opt/tool", []byte(html), "opt/tool is an HTML page: the download was answered with a page in place of the file"},
		"page as archive":  {"opt/tool.tar.gz", []byte(html), "opt/tool.tar.gz is an HTML page: the download was answered with a page in place of the file"},
		"page as manifest": {"manifests/a.yaml", []byte(html), "manifests/a.yaml is an HTML page: the download was answered with a page in place of the file"},
		"page as chart":    {"charts/a.tgz", []byte(html), "charts/a.tgz is an HTML page: the download was answered with a page in place of the file"},
		"page by name":     {"opt/index.html", []byte(html), ""},
		"page elsewhere":   {"charts/a/files/page", []byte(html), ""},
		"error as XML":     {"opt/tool", []byte(`<?xml version="1.0"?><Error><Code>NoSuchKey</Code></Error>`), "opt/tool is an XML error message: the download was answered with it in place of the file"},
		"not found":        {"manifests/a.yaml", []byte("404: Not Found"), `manifests/a.yaml holds nothing but "404: Not Found": the download was answered with it in place of the file`},
		"empty":            {"opt/tool", nil, "opt/tool is empty"},
		"empty elsewhere":  {"charts/a/values.yaml", nil, ""},
		"empty dot file":   {"opt/.keep", nil, ""},
		"wrong machine":    {"opt/tool", program(elf.EM_X86_64), "opt/tool is a program for linux/amd64, not for linux/arm64"},
		"wrong anywhere":   {"etc/deep/tool", program(elf.EM_X86_64), "etc/deep/tool is a program for linux/amd64, not for linux/arm64"},
		"strange machine":  {"opt/tool", program(elf.EM_SPARC), "opt/tool is a program for another machine (EM_SPARC), not for linux/arm64"},
		"right machine":    {"opt/tool", program(elf.EM_AARCH64), ""},
		"kernel's machine": {"opt/probe.o", program(elf.EM_BPF), ""},
		"right archive":    {"opt/tool.tgz", whole, ""},
		"wrong archive":    {"opt/tool.tgz", archive(t, "bin/tool", program(elf.EM_386)), "opt/tool.tgz!bin/tool is a program for linux/386, not for linux/arm64"},
		"cut archive":      {"opt/tool.tgz", whole[:len(whole)-12], "opt/tool.tgz cannot be unpacked: unexpected EOF"},
		"text":             {"opt/notes.txt", []byte("hello"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// The bytes come as octal escapes, so that the recipe does not bring the file itself.
			script := fmt.Sprintf("mkdir -p %s\nprintf '%s' > %s\n", filepath.Dir(c.path), octal(c.content), c.path)
			_, err := download(t, map[string]string{"init.sh": script}, recipe.Options{})
			got, want := "", ""
			if err != nil {
				got = err.Error()
			}
			if c.want != "" {
				want = "demo 1.2.3 for linux/arm64: init.sh ended well, but what it left is wrong:\n    " + c.want +
					"\na file that is meant to be so is named in unchecked.txt of the recipe: a pattern, # and the reason"
			}
			if got != want {
				t.Errorf("error\n%s\nwant\n%s", got, want)
			}
			if c.want != "" {
				if _, err := download(t, map[string]string{"init.sh": script, "unchecked.txt": filepath.Dir(c.path) + "/*  # meant so\n"}, recipe.Options{}); err != nil {
					t.Errorf("in unchecked.txt: %v", err)
				}
			}
		})
	}
}

func octal(b []byte) string {
	var s strings.Builder
	for _, c := range b {
		fmt.Fprintf(&s, "\\%03o", c)
	}
	return s.String()
}

func TestJudgementFindsSpecialFiles(t *testing.T) {
	t.Parallel()
	_, err := download(t, map[string]string{"init.sh": "mkdir etc; mkfifo etc/pipe"}, recipe.Options{})
	if err == nil || !strings.Contains(err.Error(), "\n    etc/pipe is neither a file nor a directory nor a link\n") {
		t.Errorf("error %v", err)
	}
}

// TestLinksOfAScriptAreNotFollowed makes init.sh leave a link to a file outside, whose content would be judged.
func TestLinksOfAScriptAreNotFollowed(t *testing.T) {
	t.Parallel()
	if dest, err := download(t, map[string]string{"init.sh": "mkdir opt; ln -s /dev/zero opt/zero; ln -s / opt/root"}, recipe.Options{}); err != nil {
		t.Errorf("%s: %v", dest, err)
	}
}

func TestRecipeFilesAreJudgedToo(t *testing.T) {
	t.Parallel()
	r := load(t, map[string]string{"opt/tool": string(program(elf.EM_X86_64)), "opt/empty": ""})
	err := recipe.Download(t.Context(), r, "linux/arm64", filepath.Join(t.TempDir(), "context"), recipe.Options{})
	const want = "demo 1.2.3 for linux/arm64: the recipe's files are wrong:\n    opt/tool is a program for linux/amd64, not for linux/arm64" +
		"\na file that is meant to be so is named in unchecked.txt of the recipe: a pattern, # and the reason"
	if err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}

func TestNoBash(t *testing.T) {
	t.Parallel()
	empty := t.TempDir()
	err := recipe.Download(t.Context(), load(t, map[string]string{"init.sh": "true"}), "linux/amd64", filepath.Join(t.TempDir(), "context"), recipe.Options{Path: empty})
	want := "demo 1.2.3 for linux/amd64: no bash on this machine (looked in " + empty + "): install bash, or use --engine dagger, which brings its own"
	if err == nil || err.Error() != want || !errors.Is(err, recipe.ErrNoBash) {
		t.Errorf("error %v, want %s", err, want)
	}
}

func TestMissingSandboxIsTold(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	reporter := progress.New(progress.Options{Mode: progress.Plain, Out: &out})
	_, err := download(t, map[string]string{"init.sh": "true"}, recipe.Options{Sandbox: sandbox.Options{Off: true}, Reporter: reporter})
	reporter.Close()
	const want = "init.sh of demo 1.2.3 is not fully confined: it is turned off; --engine dagger runs it in a container, --require-sandbox refuses"
	if err != nil || strings.Count(out.String(), want) != 1 {
		t.Errorf("error %v, told %q", err, out.String())
	}
	_, err = download(t, map[string]string{"init.sh": "true"}, recipe.Options{Sandbox: sandbox.Options{Off: true, Require: true}})
	if !errors.Is(err, sandbox.ErrUnavailable) {
		t.Errorf("required: error %v", err)
	}
}
