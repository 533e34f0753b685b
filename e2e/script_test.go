package e2e

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/labring-actions/cluster-image/internal/toolbox"
)

var update = flag.Bool("update", false, "write what the program says into the scripts, to be read before it is committed")

// TestScripts runs testdata/script. Each script has a world of its own: $SOURCE is the registry that $MIRROR puts behind docker.io, quay.io is put
// behind $QUAY, $ONE and $TWO are registries to push to, and $FILES is a server of what the command serve gave it.
func TestScripts(t *testing.T) {
	t.Parallel()
	bin := programDir(t)
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		UpdateScripts:       *update,
		Condition:           condition,
		Setup:               func(e *testscript.Env) error { return setup(e, bin) },
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"fails": fails, "image": addImage, "break": breakBlob, "requests": requests, "pack": pack, "serve": serveFile, "login": wantLogin,
			"digest": sameDigest, "bomb": bomb, "expand": expand, "served": served, "damage": damage,
			"chart": addChart, "unpublish": unpublish, "downloads": downloads, "repository": repository,
		},
	})
}

// programDir is a directory with the program in it, under its own name and those of its tools.
func programDir(t testing.TB) string {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := toolbox.Install(dir, exe); err != nil {
		t.Fatal(err)
	}
	return dir
}

// world is what surrounds a script.
type world struct {
	registries map[string]*server
	files      *fileServer
}

type worldKey struct{}

func worldOf(ts *testscript.TestScript) *world { return ts.Value(worldKey{}).(*world) }

func setup(e *testscript.Env, bin string) error {
	t := e.T().(testing.TB)
	w := &world{registries: map[string]*server{}, files: newFileServer(t)}
	e.Values[worldKey{}] = w
	for _, name := range []string{"SOURCE", "ONE", "TWO"} {
		w.registries[name] = newServer(t)
		e.Setenv(name, w.registries[name].host)
	}
	e.Setenv("FILES", w.files.url)
	e.Setenv("MIRROR", "--mirror=docker.io="+w.registries["SOURCE"].host)
	e.Setenv("QUAY", "--mirror=quay.io="+w.registries["SOURCE"].host+"/quay")
	e.Setenv("PATH", bin+string(filepath.ListSeparator)+os.Getenv("PATH"))
	home := filepath.Join(e.WorkDir, "home")
	e.Setenv("HOME", home)
	e.Setenv("HTTPS_PROXY", "http://127.0.0.1:1") // nothing leaves this machine
	e.Setenv("XDG_CACHE_HOME", filepath.Join(e.WorkDir, "cache"))
	return os.MkdirAll(home, 0o755)
}
