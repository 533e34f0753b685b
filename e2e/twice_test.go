package e2e

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// TestTwoBuildsAtOnce builds the same from nothing in several processes with one store, and pushes it to one tag: all succeed with one digest, the
// archives are equal, the store is sound, and no layer is fetched twice.
func TestTwoBuildsAtOnce(t *testing.T) {
	t.Parallel()
	const processes = 3
	b := newBench(t, t.TempDir(), "FROM scratch\nCOPY . .\nCMD [\"true\"]\n", "one:1\ntwo:1\n")
	b.image(t, "library/one:1", 5_000_000)
	b.image(t, "library/two:1", 300_000)
	var mu sync.Mutex
	begun := map[string]int{}
	b.source.watch(func(r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if b.source.kind(r) == "layers" && r.Header.Get("Range") == "" {
			begun[r.URL.Path]++
		}
	})
	var all sync.WaitGroup
	var names, sums [processes]string
	for i := range processes {
		all.Go(func() {
			file := filepath.Join(b.dir, "out", string(rune('a'+i)), "out.tar")
			cmd := b.command(t.Context(), "build", "app", "1", "--output", file, "--push", b.target.host+"/labring/app:1", "--progress=quiet")
			var stderr strings.Builder
			cmd.Stderr = &stderr
			out, err := cmd.Output()
			if err != nil {
				t.Errorf("%v: %s", err, &stderr)
				return
			}
			names[i] = strings.TrimSpace(string(out))
			if sums[i], err = sumOf(file); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	for i := range processes {
		if names[i] != names[0] || sums[i] != sums[0] || names[0] == "" {
			t.Errorf("process %d: %s, archive %s; process 0: %s, archive %s", i, names[i], sums[i], names[0], sums[0])
		}
	}
	for blob, n := range begun {
		if n > 1 {
			t.Errorf("%s was fetched %d times", blob, n)
		}
	}
	if len(begun) < 4 {
		t.Errorf("%d layers were fetched", len(begun))
	}
	check := b.command(t.Context())
	check.Args = []string{check.Path, "store", "check"}
	if out, err := check.CombinedOutput(); err != nil {
		t.Errorf("store check: %v: %s", err, out)
	}
	if left, err := os.ReadDir(filepath.Join(b.dir, "cache", "cluster-image", "ingest")); err != nil || len(left) > 0 {
		t.Errorf("left of blobs on their way: %v %v", left, err)
	}
}
