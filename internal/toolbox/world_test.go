package toolbox_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/labring-actions/cluster-image/internal/sandbox"
	"github.com/labring-actions/cluster-image/internal/source"
	"github.com/labring-actions/cluster-image/internal/toolbox"
)

// TestMain makes the test's binary what the program is: the tools by their names, the sandbox's helper, and the commands that recipes call.
func TestMain(m *testing.M) {
	if code, ok := toolbox.Main(os.Args); ok {
		os.Exit(code)
	}
	if len(os.Args) > 1 && os.Args[1] == sandbox.Command {
		os.Exit(sandbox.Main(os.Args[2:]))
	}
	if filepath.Base(os.Args[0]) == toolbox.Self {
		if err := command(context.Background(), os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, "cluster-image:", err)
			os.Exit(4)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// command does what the program's commands of these names do, with the flags that the recipes use.
func command(ctx context.Context, args []string) error {
	switch {
	case len(args) == 4 && args[0] == "chart-version":
		c, err := source.FindChart(ctx, source.Query{Repository: args[1], Chart: args[2], AppVersion: args[3]})
		if err != nil {
			return err
		}
		fmt.Println(c.Version)
		return nil
	case len(args) >= 4 && args[0] == "fetch":
		f, output := source.File{URL: args[1]}, ""
		for i := 2; i+1 < len(args); i += 2 {
			switch args[i] {
			case "--output":
				output = args[i+1]
			case "--sha256-url":
				f.SHA256URL = args[i+1]
			case "--mode":
				n, err := strconv.ParseUint(args[i+1], 8, 32)
				if err != nil {
					return err
				}
				f.Mode = fs.FileMode(n)
			}
		}
		_, err := source.FromEnvironment().Download(ctx, f, output)
		return err
	}
	return fmt.Errorf("what is %q?", args)
}

// upstream is a server with charts and programs of the test's own making.
type upstream struct {
	t     *testing.T
	pages map[string][]byte
	url   string
}

func newUpstream(t *testing.T) *upstream {
	t.Helper()
	u := &upstream{t: t, pages: map[string][]byte{}}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		page, ok := u.pages[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write(page)
	}))
	t.Cleanup(s.Close)
	u.url = s.URL
	return u
}

// chart puts a chart into the repository /charts, as chart version and application version.
func (u *upstream) chart(name, version, appVersion, values string) {
	file := name + "-" + version + ".tgz"
	packed := pack(u.t, map[string]string{
		name + "/Chart.yaml":             fmt.Sprintf("apiVersion: v2\nname: %s\nversion: %s\nappVersion: %q\n", name, version, appVersion),
		name + "/values.yaml":            values,
		name + "/templates/service.yaml": "kind: Service\nmetadata:\n  name: {{ .Release.Name }}\nspec:\n  type: {{ .Values.service.type }}\n",
		name + "/.helmignore":            "*.orig\n",
	})
	u.pages["/charts/"+file] = packed
	if u.pages["/charts/index.yaml"] == nil {
		u.pages["/charts/index.yaml"] = []byte("apiVersion: v1\nentries:\n  " + name + ":\n")
	}
	u.pages["/charts/index.yaml"] = fmt.Appendf(u.pages["/charts/index.yaml"],
		"  - apiVersion: v2\n    name: %s\n    version: %s\n    appVersion: %q\n    digest: %x\n    urls:\n    - %s\n", name, version, appVersion, sha256.Sum256(packed), file)
}

// archive puts a packed archive at a path, and its checksum beside it.
func (u *upstream) archive(path string, files map[string]string) {
	packed := pack(u.t, files)
	u.pages[path] = packed
	u.pages[path+".sha256sum"] = fmt.Appendf(nil, "%x  %s\n", sha256.Sum256(packed), filepath.Base(path))
}

func pack(t *testing.T, files map[string]string) []byte {
	t.Helper()
	var out bytes.Buffer
	gz := gzip.NewWriter(&out)
	w := tar.NewWriter(gz)
	for name, text := range files {
		err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o755, Size: int64(len(text))})
		if _, werr := w.Write([]byte(text)); errors.Join(err, werr) != nil {
			t.Fatal(err, werr)
		}
	}
	if err := errors.Join(w.Close(), gz.Close()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// program is the header of an ELF file for an architecture.
func program(arch string) string {
	b := make([]byte, 64)
	copy(b, elf.ELFMAG)
	b[elf.EI_CLASS], b[elf.EI_DATA], b[elf.EI_VERSION] = byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), 1
	machine := map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}[arch]
	binary.LittleEndian.PutUint16(b[18:], uint16(machine))
	return string(b)
}

// tools installs the tools and gives their directory.
func tools(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "tools")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := toolbox.InstallSelf(dir); err != nil {
		t.Fatal(err)
	}
	return dir
}

// call runs a tool in a home of its own.
func call(t *testing.T, home, stdin string, argv ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, errs strings.Builder
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env, cmd.Dir, cmd.Stdin, cmd.Stdout, cmd.Stderr = []string{"HOME=" + home}, home, strings.NewReader(stdin), &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}
