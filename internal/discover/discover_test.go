package discover_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/labring-actions/cluster-image/internal/discover"
	"github.com/labring-actions/cluster-image/internal/render/helm"
)

var update = flag.Bool("update", false, "rewrite what the corpus wants")

// TestCorpus discovers the contexts of testdata/corpus. A file may hold start (command lines), env (NAME=value), and what is wanted: want (all
// needs, sorted), error (all lines of the error, by their beginning), warnings (some of them, by their beginning).
func TestCorpus(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/corpus/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no corpus", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			corpus(t, file)
		})
	}
}

func corpus(t *testing.T, file string) {
	a, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	special := map[string]string{}
	files := map[string]string{}
	for _, f := range a.Files {
		if strings.ContainsAny(f.Name, "/.") {
			files[f.Name] = string(f.Data)
		} else {
			special[f.Name] = string(f.Data)
		}
	}
	r, err := discover.Discover(t.Context(), write(t, files), options(special))
	if got := listing(r); got != special["want"] {
		if *update {
			rewrite(t, a, file, got)
		}
		t.Errorf("got\n%swant\n%s", got, special["want"])
	}
	compareErrors(t, err, special["error"])
	for _, w := range lines(special["warnings"]) {
		if !hasWarning(r, w) {
			t.Errorf("no warning %q in %v", w, r.Warnings)
		}
	}
}

func options(special map[string]string) discover.Options {
	env := map[string]string{}
	for _, l := range lines(special["env"]) {
		k, v, _ := strings.Cut(l, "=")
		env[k] = v
	}
	return discover.Options{Renderer: helm.Renderer{}, Start: discover.Start{Commands: lines(special["start"]), Env: env}}
}

func rewrite(t *testing.T, a *txtar.Archive, file, want string) {
	for i := range a.Files {
		if a.Files[i].Name == "want" {
			a.Files[i].Data = []byte(want)
		}
	}
	if err := os.WriteFile(file, txtar.Format(a), 0o644); err != nil {
		t.Fatal(err)
	}
}

func compareErrors(t *testing.T, err error, want string) {
	t.Helper()
	var got []string
	if err != nil {
		got = strings.Split(err.Error(), "\n")
	}
	wanted := lines(want)
	if len(got) != len(wanted) {
		t.Fatalf("error\n%v\nwant\n%s", err, want)
	}
	for i := range got {
		if !strings.HasPrefix(got[i], wanted[i]) {
			t.Errorf("error\n%s\nwant\n%s", got[i], wanted[i])
		}
	}
}

func hasWarning(r discover.Result, prefix string) bool {
	for _, w := range r.Warnings {
		s := w.File + ": " + w.Message
		if w.Line > 0 {
			s = fmt.Sprintf("%s:%d: %s", w.File, w.Line, w.Message)
		}
		if strings.HasPrefix(s, prefix) {
			return true
		}
	}
	return false
}

// listing is what the want of a corpus file holds.
func listing(r discover.Result) string {
	var maybe, sure strings.Builder
	for _, n := range r.Needs {
		b, word := &sure, "sure"
		if n.Maybe {
			b, word = &maybe, "maybe"
		}
		fmt.Fprintf(b, "%s %s %s\n", word, n.Ref, n.Origins[0].Kind)
	}
	for _, n := range r.Ignored {
		fmt.Fprintf(&sure, "ignored %s\n", n.Ref)
	}
	for _, t := range r.Tars {
		fmt.Fprintf(&sure, "tar %s %s %s\n", t.Kind, t.File, t.Ref)
	}
	return maybe.String() + sure.String()
}

func lines(s string) []string {
	var out []string
	for l := range strings.Lines(s) {
		if l = strings.TrimSpace(l); l != "" {
			out = append(out, l)
		}
	}
	return out
}

func write(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		full := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func find(t testing.TB, files map[string]string) (discover.Result, error) {
	t.Helper()
	return discover.Discover(context.Background(), write(t, files), discover.Options{Renderer: helm.Renderer{}})
}
