package sandbox_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/labring-actions/cluster-image/internal/sandbox"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == sandbox.Command {
		os.Exit(sandbox.Main(os.Args[2:]))
	}
	os.Exit(m.Run())
}

// bash gives the shell that the tests' programs are written for.
func bash(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("bash is not installed: apt-get install bash")
	}
	return path
}

func needLandlock(t *testing.T) {
	t.Helper()
	if level := sandbox.Detect(); level.Reason != "" {
		t.Skip("the sandbox cannot be tested: " + level.Reason)
	}
}

// world is a home with a secret in it, a directory of the program's own beside, and the environment that a program gets.
type world struct {
	own, home string
	env       []string
}

func newWorld(t *testing.T) world {
	t.Helper()
	top, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	w := world{own: filepath.Join(top, "home/checkout/own"), home: filepath.Join(top, "home")}
	write(t, filepath.Join(w.home, ".docker/config.json"), `{"auths":{"secret":{}}}`)
	write(t, filepath.Join(w.own, "input"), "given\n")
	w.env = []string{"PATH=/usr/local/bin:/usr/bin:/bin", "HOME=" + w.own, "TMPDIR=" + w.own, "OUTSIDE=" + w.home}
	return w
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func (w world) program(t *testing.T, script string, out io.Writer) sandbox.Program {
	return sandbox.Program{Path: bash(t), Args: []string{"-c", script}, Dir: w.own, Env: w.env, Write: []string{w.own}, Output: out}
}

// run gives the output and the exit status of a script in the sandbox.
func (w world) run(t *testing.T, script string, o sandbox.Options) (string, int) {
	t.Helper()
	var out bytes.Buffer
	err := sandbox.Run(t.Context(), w.program(t, script, &out), o)
	var exit *sandbox.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("run: %v; output:\n%s", err, out.String())
	}
	if exit != nil {
		return out.String(), exit.Code
	}
	return out.String(), 0
}

func TestOwnDirectoryIsUsable(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	out, code := w.run(t, `set -e
		cat input; mkdir -p a/b c; echo x > a/b/f; mv a/b/f c/f; ln -s f c/link; ln c/f c/hard; chmod 755 c/f; : > c/f; rm -r a
		tar -cf all.tar c; mkdir d; tar -xf all.tar -C d; mktemp >/dev/null; echo told >/dev/stderr; echo gone >/dev/null
		read -r line || echo "no input"; cat <(echo piped)`, sandbox.Options{})
	if code != 0 || out != "given\ntold\nno input\npiped\n" {
		t.Errorf("status %d, output %q", code, out)
	}
}

// TestOutsideIsDenied runs each forbidden thing as a script that says "done" when it was possible.
func TestOutsideIsDenied(t *testing.T) {
	t.Parallel()
	needLandlock(t)
	secret := exec.Command("sleep", "1000")
	secret.Env = []string{"TOKEN=hidden"}
	if err := secret.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = secret.Process.Kill(), secret.Wait() })
	pid := strconv.Itoa(secret.Process.Pid)
	for name, script := range map[string]string{
		"docker configuration":   `cat "$OUTSIDE/.docker/config.json"`,
		"listing of the home":    `ls "$OUTSIDE"`,
		"file in the home":       `echo x > "$OUTSIDE/file"`,
		"truncation in the home": `truncate -s 0 "$OUTSIDE/.docker/config.json"`,
		"removal in the home":    `rm "$OUTSIDE/.docker/config.json"`,
		"link to the outside":    `ln -s "$OUTSIDE/.docker/config.json" here && cat here`,
		"hard link":              `ln "$OUTSIDE/.docker/config.json" here`,
		"parent directory":       `ls ..`,
		"temporary directory":    `ls /tmp`,
		"root's home":            `ls /root`,
		"password hashes":        `cat /etc/shadow`,
		"system":                 `touch /usr/probe`,
		"other's environment":    `cat /proc/` + pid + `/environ`,
		"helper's parent":        `cat /proc/` + strconv.Itoa(os.Getpid()) + `/environ`,
		"other's root":           `ls /proc/` + pid + `/root/`,
		"device node":            `mknod node b 8 0 && cat node`,
		"raw disk":               `ls /dev/disk`,
		"kernel setting":         `echo 1 > /proc/sys/vm/drop_caches`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			out, code := w.run(t, "("+script+") && echo done", sandbox.Options{})
			if code == 0 || strings.Contains(out, "done") || strings.Contains(out, "hidden") || strings.Contains(out, "secret\":{}") {
				t.Errorf("status %d, output %q", code, out)
			}
			if b, err := os.ReadFile(filepath.Join(w.home, ".docker/config.json")); err != nil || len(b) == 0 {
				t.Errorf("the file outside is changed: %q, %v", b, err)
			}
		})
	}
	// The same things are possible without the sandbox, else the test above shows nothing.
	w := newWorld(t)
	if out, code := w.run(t, `cat "$OUTSIDE/.docker/config.json" && echo x > "$OUTSIDE/file" && cat /proc/`+pid+`/environ`, sandbox.Options{Off: true}); code != 0 || !strings.Contains(out, "hidden") {
		t.Errorf("without the sandbox: status %d, output %q", code, out)
	}
}

func TestSignalsToOthersAreDenied(t *testing.T) {
	t.Parallel()
	if sandbox.Detect().ABI < 6 {
		t.Skip("signals cannot be confined: Landlock version 6 (Linux 6.12) is needed")
	}
	w := newWorld(t)
	if out, code := w.run(t, `kill -0 `+strconv.Itoa(os.Getpid())+` && echo done`, sandbox.Options{}); code == 0 {
		t.Errorf("status %d, output %q", code, out)
	}
}

func TestUnixSocketsAreDenied(t *testing.T) {
	t.Parallel()
	needLandlock(t)
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("python3 is not installed: apt-get install python3")
	}
	w := newWorld(t)
	socket := filepath.Join(w.own, "s") // even inside its own directory, so that it is the filter that refuses
	script := python + ` -c 'import socket,sys
s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); print("done")' ` + socket
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Skipf("no socket in the test's directory: %v", err)
	}
	defer l.Close()
	if out, code := w.run(t, script, sandbox.Options{}); code == 0 || !strings.Contains(out, "Permission denied") {
		t.Errorf("status %d, output %q", code, out)
	}
	if out, code := w.run(t, script, sandbox.Options{Off: true}); code != 0 {
		t.Errorf("without the sandbox: status %d, output %q", code, out)
	}
}

func TestLoopbackIsReachable(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		if c, err := l.Accept(); err == nil {
			_, _ = io.WriteString(c, "hello\n")
			c.Close()
		}
	}()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	w := newWorld(t)
	if out, code := w.run(t, `exec 5<>/dev/tcp/127.0.0.1/`+port+`; cat <&5`, sandbox.Options{}); code != 0 || out != "hello\n" {
		t.Errorf("status %d, output %q", code, out)
	}
}

func TestExitStatus(t *testing.T) {
	t.Parallel()
	for script, want := range map[string]string{
		"true":        "",
		"exit 3":      "exited with status 3",
		"exit 125":    "exited with status 125",
		"kill -9 $$":  "was killed by a signal: killed",
		"kill -11 $$": "was killed by a signal: segmentation fault",
	} {
		w := newWorld(t)
		got := ""
		if err := sandbox.Run(t.Context(), w.program(t, script, io.Discard), sandbox.Options{}); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", script, got, want)
		}
	}
}

// gone says whether a process has ended; a zombie has.
func gone(pid string) bool {
	b, err := os.ReadFile("/proc/" + pid + "/stat")
	return err != nil || strings.Contains(string(b), ") Z ")
}

func TestNothingIsLeftRunning(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	out, code := w.run(t, `sleep 1000 & echo $!; setsid sleep 1001 & echo $!; read -r deep < <(setsid bash -c 'sleep 1002 >/dev/null & echo $!'); echo $deep`, sandbox.Options{})
	if code != 0 {
		t.Fatalf("status %d, output %q", code, out)
	}
	pids := strings.Fields(out)
	if len(pids) != 3 {
		t.Fatalf("three processes should have been started: %q", out)
	}
	for _, pid := range pids {
		if !gone(pid) {
			t.Errorf("process %s is still there", pid)
		}
	}
}

// marker cancels the run as soon as the program has told the processes to look for.
type marker struct {
	text   bytes.Buffer
	cancel context.CancelCauseFunc
}

func (m *marker) Write(b []byte) (int, error) {
	n, err := m.text.Write(b)
	if strings.Contains(m.text.String(), "ready\n") {
		m.cancel(errStop)
	}
	return n, err
}

var errStop = errors.New("stopped by the test")

func TestCancelEndsEverything(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	out := &marker{cancel: cancel}
	err := sandbox.Run(ctx, w.program(t, `trap '' TERM INT HUP; setsid sleep 1000 & echo $$ $!; echo ready; while :; do sleep 1000; done`, out), sandbox.Options{})
	if !errors.Is(err, errStop) {
		t.Errorf("error %v, want the cause of the cancellation", err)
	}
	for _, pid := range strings.Fields(strings.TrimSuffix(out.text.String(), "ready\n")) {
		if !gone(pid) {
			t.Errorf("process %s is still there", pid)
		}
	}
}

// TestHelperEndsWithItsCaller kills a process that runs a program, and waits for the program to go.
func TestHelperEndsWithItsCaller(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	pids := filepath.Join(w.own, "pids")
	if err := syscall.Mkfifo(pids, 0o600); err != nil {
		t.Fatal(err)
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	caller := exec.Command(exe, "-test.run=^TestCallerToBeKilled$")
	caller.Env = append(os.Environ(), "CALLER_DIR="+w.own, "CALLER_BASH="+bash(t))
	if err := caller.Start(); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(pids) // opens when the program writes its process number, and ends when it is gone
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	head := make([]byte, 32)
	if _, err := f.Read(head); err != nil {
		t.Fatal(err)
	}
	if err := caller.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = caller.Wait()
	if _, err := io.Copy(io.Discard, f); err != nil {
		t.Fatal(err)
	}
}

// TestCallerToBeKilled is the process that [TestHelperEndsWithItsCaller] kills.
func TestCallerToBeKilled(t *testing.T) {
	dir := os.Getenv("CALLER_DIR")
	if dir == "" {
		t.Skip("runs as the child of TestHelperEndsWithItsCaller")
	}
	p := sandbox.Program{
		Path: os.Getenv("CALLER_BASH"), Args: []string{"-c", `exec 7>pids; echo $$ >&7; setsid sleep 1000 & sleep 1000`},
		Dir: dir, Env: []string{"PATH=/usr/bin:/bin"}, Write: []string{dir}, Output: io.Discard,
	}
	_ = sandbox.Run(t.Context(), p, sandbox.Options{})
}

func TestRequire(t *testing.T) {
	t.Parallel()
	_, err := sandbox.Options{Require: true, Off: true}.Check()
	if !errors.Is(err, sandbox.ErrUnavailable) {
		t.Errorf("error %v, want ErrUnavailable", err)
	}
	_, err = sandbox.Options{Require: true}.Check()
	if whole := sandbox.Detect().Reason == ""; whole != (err == nil) {
		t.Errorf("whole sandbox here: %v, error %v", whole, err)
	}
}
