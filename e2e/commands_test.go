package e2e

import (
	"archive/tar"
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/labring-actions/cluster-image/internal/sandbox"
)

// fails CODE ARG...: the program ends with the code, and says why on standard error alone. The file err is what it says, with the variables of the
// script in the place of their values.
func fails(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: fails CODE ARG...")
	}
	err := ts.Exec("cluster-image", append(args[1:], "--progress=quiet")...)
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		ts.Fatalf("the program ended with %v, want exit code %s", err, args[0])
	}
	if got := strconv.Itoa(exit.ExitCode()); got != args[0] {
		ts.Fatalf("the program ended with exit code %s, want %s", got, args[0])
	}
	if out := ts.ReadFile("stdout"); out != "" {
		ts.Fatalf("an error with standard output %q", out)
	}
	text := ts.ReadFile("stderr")
	for _, name := range []string{"SOURCE", "ONE", "TWO", "FILES", "DIGEST", "LAYER", "INDEX", "WORK"} {
		if value := ts.Getenv(name); value != "" {
			text = strings.ReplaceAll(text, value, "$"+name)
		}
	}
	ts.Check(os.WriteFile(filepath.Join(ts.Getenv("WORK"), "err"), []byte(text), 0o644))
}

// image REGISTRY NAME:TAG [PLATFORM,...] [SIZE]: the registry has an image. $DIGEST is that of its index, $LAYER that of the layer for its first platform.
func addImage(ts *testscript.TestScript, _ bool, args []string) {
	s := sample{name: args[1], platforms: []string{"amd64", "arm64"}, size: 10_000}
	if len(args) > 2 {
		s.platforms = strings.Split(args[2], ",")
	}
	if len(args) > 3 {
		n, err := strconv.Atoi(args[3])
		ts.Check(err)
		s.size = n
	}
	index, layers, err := s.push(worldOf(ts).registries[args[0]])
	ts.Check(err)
	ts.Setenv("DIGEST", index.String())
	ts.Setenv("LAYER", layers[0].String())
}

// break REGISTRY DIGEST digest|truncated|oversized: the registry gives something else for a blob.
func breakBlob(ts *testscript.TestScript, _ bool, args []string) {
	worldOf(ts).registries[args[0]].fail(args[1], args[2])
}

// requests REGISTRY KIND N...: since the last such command, there were so many requests of each kind. With ! there were others.
func requests(ts *testscript.TestScript, neg bool, args []string) {
	s := worldOf(ts).registries[args[0]]
	defer s.forget()
	for i := 1; i+1 < len(args); i += 2 {
		if got := strconv.Itoa(s.count(args[i])); (got == args[i+1]) == neg {
			ts.Fatalf("%s was asked for %s %s times (all: %v)", args[0], args[i], got, s.counts)
		}
	}
}

// expand FILE...: the variables of the script in the files get their values.
func expand(ts *testscript.TestScript, _ bool, args []string) {
	for _, file := range args {
		text := os.Expand(ts.ReadFile(file), ts.Getenv)
		ts.Check(os.WriteFile(ts.MkAbs(file), []byte(text), 0o644))
	}
}

// login REGISTRY PASSWORD: the registry wants a password from now on.
func wantLogin(ts *testscript.TestScript, _ bool, args []string) {
	s := worldOf(ts).registries[args[0]]
	s.mu.Lock()
	defer s.mu.Unlock()
	s.login = args[1]
}

// digest FILE FILE...: the results in the files, of which each ends in @DIGEST, name one digest. $INDEX is it.
func sameDigest(ts *testscript.TestScript, _ bool, args []string) {
	first := ""
	for _, file := range args {
		for line := range strings.Lines(ts.ReadFile(file)) {
			_, d, ok := strings.Cut(strings.TrimSpace(line), "@")
			if !ok {
				ts.Fatalf("%s: no digest in %q", file, line)
			}
			if first == "" {
				first = d
			}
			if d != first {
				ts.Fatalf("%s has %s, another has %s", file, d, first)
			}
		}
	}
	ts.Setenv("INDEX", first)
}

// serve FILE PATH: the file server has the file at the path from now on.
func serveFile(ts *testscript.TestScript, _ bool, args []string) {
	worldOf(ts).files.add("/"+args[1], []byte(ts.ReadFile(args[0])))
}

// pack FILE.tgz ENTRY...: makes an archive. An entry is NAME=FILE, NAME->TARGET for a symbolic link, or NAME=>TARGET for a hard one.
func pack(ts *testscript.TestScript, _ bool, args []string) {
	var out bytes.Buffer
	gz := gzip.NewWriter(&out)
	w := tar.NewWriter(gz)
	for _, entry := range args[1:] {
		h := &tar.Header{Mode: 0o644, Format: tar.FormatUSTAR}
		var content string
		if name, target, ok := strings.Cut(entry, "->"); ok {
			h.Name, h.Linkname, h.Typeflag = name, target, tar.TypeSymlink
		} else if name, target, ok := strings.Cut(entry, "=>"); ok {
			h.Name, h.Linkname, h.Typeflag = name, target, tar.TypeLink
		} else {
			name, file, _ := strings.Cut(entry, "=")
			content = ts.ReadFile(file)
			h.Name, h.Size, h.Typeflag = name, int64(len(content)), tar.TypeReg
		}
		ts.Check(w.WriteHeader(h))
		_, err := io.WriteString(w, content)
		ts.Check(err)
	}
	ts.Check(w.Close())
	ts.Check(gz.Close())
	ts.Check(os.MkdirAll(filepath.Dir(ts.MkAbs(args[0])), 0o755))
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), out.Bytes(), 0o644))
}

// bomb FILE alias|deep: writes YAML that unfolds to far more than its own size, or lies deeper than a reader can follow.
func bomb(ts *testscript.TestScript, _ bool, args []string) {
	var b strings.Builder
	switch args[1] {
	case "alias":
		b.WriteString("a0: &a0 [{image: web:1},x,x,x,x,x,x,x,x,x]\n")
		for i := 1; i < 12; i++ {
			fmt.Fprintf(&b, "a%d: &a%[1]d [%s]\n", i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d,", i-1), 10), ","))
		}
	case "deep":
		b.WriteString("a: " + strings.Repeat("[", 200_000) + strings.Repeat("]", 200_000) + "\n")
	}
	ts.Check(os.MkdirAll(filepath.Dir(ts.MkAbs(args[0])), 0o755))
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(b.String()), 0o644))
}

// fileServer serves files that are added to it.
type fileServer struct {
	url   string
	mu    sync.Mutex
	pages map[string][]byte
	// asked are the paths that somebody wanted.
	asked []string
}

func newFileServer(t testing.TB) *fileServer {
	f := &fileServer{pages: map[string][]byte{}}
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		b, ok := f.pages[r.URL.Path]
		f.asked = append(f.asked, r.URL.Path)
		f.mu.Unlock()
		if !ok {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write(b)
	}))
	t.Cleanup(h.Close)
	f.url = h.URL
	return f
}

func (f *fileServer) add(path string, b []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.pages[path] = b
}

// readAll reads to the end and closes.
func readAll(rc io.ReadCloser) ([]byte, error) {
	b, err := io.ReadAll(rc)
	return b, errors.Join(err, rc.Close())
}

// condition knows [sandbox]: the kernel can confine an init.sh.
func condition(name string) (bool, error) {
	if name != "sandbox" {
		return false, fmt.Errorf("unknown condition %q", name)
	}
	return sandbox.Detect().Confined(), nil
}

// served DIR: the program serves a registry directory until the script ends, at $SERVED.
func served(ts *testscript.TestScript, _ bool, args []string) {
	cmd := exec.Command(filepath.Join(filepath.SplitList(ts.Getenv("PATH"))[0], "cluster-image"), "registry", "serve", ts.MkAbs(args[0]), "--address", "127.0.0.1:0")
	out, err := cmd.StdoutPipe()
	ts.Check(err)
	ts.Check(cmd.Start())
	ts.Defer(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		if err := cmd.Wait(); err != nil {
			ts.Fatalf("the server ended with %v", err)
		}
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	ts.Check(err)
	ts.Setenv("SERVED", strings.TrimPrefix(strings.TrimSpace(line), "http://"))
}

// damage DIR: one byte of the largest blob in a registry directory is another.
func damage(ts *testscript.TestScript, _ bool, args []string) {
	files, err := filepath.Glob(filepath.Join(ts.MkAbs(args[0]), "docker/registry/v2/blobs/sha256/*/*/data"))
	ts.Check(err)
	largest, size := "", int64(0)
	for _, f := range files {
		if info, err := os.Stat(f); err == nil && info.Size() > size {
			largest, size = f, info.Size()
		}
	}
	b, err := os.ReadFile(largest)
	ts.Check(err)
	b[len(b)/2]++
	ts.Check(os.Remove(largest)) // it may be the store's own file
	ts.Check(os.WriteFile(largest, b, 0o644))
}
