package transfer_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/labring-actions/cluster-image/internal/registry"
	"github.com/labring-actions/cluster-image/internal/store"
	"github.com/labring-actions/cluster-image/internal/transfer"
)

// childEnv makes this test program a fetcher: the reference and the store's directory.
const childEnv = "TRANSFER_TEST_FETCH"

func TestMain(m *testing.M) {
	if job := os.Getenv(childEnv); job != "" {
		os.Exit(child(job))
	}
	os.Exit(m.Run())
}

// child fetches images into a store in a process of its own, which may be killed.
func child(job string) int {
	refs, dir, _ := strings.Cut(job, " ")
	t := &testing.T{}
	c, err := registry.New(registry.Options{})
	if err != nil {
		return fail(err)
	}
	s, err := store.Open(dir)
	if err != nil {
		return fail(err)
	}
	tr := transfer.New(transfer.Options{Client: c, Store: s, HelpAfter: -1})
	r, err := tr.Resolve(context.Background(), want(t, strings.Split(refs, ",")...))
	if err != nil {
		return fail(err)
	}
	if err := tr.Fetch(context.Background(), tr.Plan(r), transfer.FetchOptions{}); err != nil {
		return fail(err)
	}
	return 0
}

func fail(err error) int {
	fmt.Fprintln(os.Stderr, err)
	return 1
}

// meter counts the bytes of blobs that go out, and calls back when there are enough of them.
type meter struct {
	next http.Handler
	sent atomic.Int64

	mu    sync.Mutex
	at    int64
	call  func()
	whole map[string]int
}

// note counts how often a blob was begun.
func (m *meter) note(r *http.Request) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if r.Header.Get("Range") == "" {
		m.whole[r.URL.Path]++
	}
}

func (m *meter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/blobs/") {
		w = &metered{w, m}
		m.note(r)
	}
	m.next.ServeHTTP(w, r)
}

// after calls f once n more bytes went out.
func (m *meter) after(n int64, f func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.at, m.call = m.sent.Load()+n, f
}

func (m *meter) add(n int) {
	sum := m.sent.Add(int64(n))
	m.mu.Lock()
	f := m.call
	if f == nil || sum < m.at {
		m.mu.Unlock()
		return
	}
	m.call = nil
	m.mu.Unlock()
	f()
}

type metered struct {
	http.ResponseWriter
	meter *meter
}

// Write sends in small pieces, so that a kill hits anywhere.
func (w *metered) Write(p []byte) (int, error) {
	sent := 0
	for len(p) > 0 {
		n, err := w.ResponseWriter.Write(p[:min(len(p), 16<<10)])
		sent += n
		w.meter.add(n)
		if err != nil {
			return sent, err
		}
		p = p[n:]
	}
	return sent, nil
}

// killWorld is a real registry with three images that share layers.
func killWorld(t *testing.T) (m *meter, refs string, total int64) {
	t.Helper()
	m = &meter{next: newRegistry(), whole: map[string]int{}}
	srv := httptest.NewServer(m)
	t.Cleanup(srv.Close)
	host := strings.TrimPrefix(srv.URL, "http://")
	var all []string
	for i, seed := range []string{"one", "two", "three"} {
		ref := fmt.Sprintf("%s/kill/%s:1", host, seed)
		r, err := name.ParseReference(ref)
		if err != nil {
			t.Fatal(err)
		}
		if err := remote.WriteIndex(r, twoPlatforms(t, seed, 5<<20+i, 300_000, 2_000)); err != nil {
			t.Fatal(err)
		}
		all = append(all, ref)
	}
	m.sent.Store(0)
	return m, strings.Join(all, ","), 2 * (3*(5<<20) + 3 + 3*302_000)
}

func command(refs, dir string) *exec.Cmd {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+refs+" "+dir)
	return cmd
}

// TestKilledAtAnyMoment kills a fetch again and again after a random number of bytes, and looks at the store each time:
// nothing partial has a final name. In the end everything is there, and little was sent twice.
func TestKilledAtAnyMoment(t *testing.T) {
	t.Parallel()
	kills := 100
	if testing.Short() {
		kills = 10
	}
	m, refs, total := killWorld(t)
	random := rand.New(rand.NewPCG(1, 2))
	dir, runs := t.TempDir(), 0
	for killed := 0; killed < kills; runs++ {
		cmd := command(refs, dir)
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		started := make(chan struct{})
		m.after(random.Int64N(total/8)+1, func() { <-started; cmd.Process.Kill() })
		before := m.sent.Load()
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		close(started)
		err := cmd.Wait()
		m.after(1<<62, nil)
		noPartialBlob(t, dir)
		switch {
		case err == nil:
			if sent := m.sent.Load() - before; sent > total+1<<20 {
				t.Errorf("a run sent %d bytes of %d", sent, total)
			}
			dir = t.TempDir() // done: begin anew
		case stderr.Len() > 0:
			t.Fatalf("%v: %s", err, &stderr)
		default:
			killed++
		}
	}
	finish(t, m, refs, dir, total)
}

// finish lets the last run end and counts what was sent after that.
func finish(t *testing.T, m *meter, refs, dir string, total int64) {
	t.Helper()
	if out, err := command(refs, dir).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	noPartialBlob(t, dir)
	before := m.sent.Load()
	if out, err := command(refs, dir).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if n := m.sent.Load() - before; n != 0 {
		t.Errorf("a complete store was sent %d bytes of blobs", n)
	}
	s, err := store.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	report, err := s.Check(t.Context())
	if err != nil || len(report.Bad) > 0 || report.Parts > 0 || report.Bytes < total {
		t.Errorf("%+v, %v", report, err)
	}
}

func noPartialBlob(t *testing.T, dir string) {
	t.Helper()
	files, _ := filepath.Glob(filepath.Join(dir, "blobs", "sha256", "*"))
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if d := registry.NewManifest("", b).Digest; d.Hex != filepath.Base(f) {
			t.Fatalf("%s has the bytes of %s", f, d)
		}
	}
}

// TestKilledOnceSendsOnlyWhatIsMissing bounds what a resumed fetch asks for: what the first had not received, and for
// each of its connections what was on the way.
func TestKilledOnceSendsOnlyWhatIsMissing(t *testing.T) {
	t.Parallel()
	m, refs, total := killWorld(t)
	dir := t.TempDir()
	cmd := command(refs, dir)
	started := make(chan struct{})
	m.after(total/2, func() { <-started; cmd.Process.Kill() })
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	close(started)
	cmd.Wait()
	have := int64(0)
	for _, pattern := range []string{"blobs/sha256/*", "ingest/*.part"} {
		files, _ := filepath.Glob(filepath.Join(dir, pattern))
		for _, f := range files {
			if fi, err := os.Stat(f); err == nil {
				have += fi.Size()
			}
		}
	}
	before := m.sent.Load()
	finish(t, m, refs, dir, total)
	if sent := m.sent.Load() - before; sent > total-have+6*(4<<20) || have == 0 {
		t.Errorf("%d bytes sent of %d, with %d there", sent, total, have)
	}
}

// TestTwoProcessesOneStore starts two fetches of the same images into one store: both succeed, and nothing comes twice.
func TestTwoProcessesOneStore(t *testing.T) {
	t.Parallel()
	m, refs, total := killWorld(t)
	dir := t.TempDir()
	a, b := command(refs, dir), command(refs, dir)
	if err := a.Start(); err != nil {
		t.Fatal(err)
	}
	if out, err := b.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
	if err := a.Wait(); err != nil {
		t.Error(err)
	}
	twice := 0
	for _, n := range m.whole {
		if n > 1 {
			twice++
		}
	}
	if configs := 6; twice > configs { // both look at each config while they resolve
		t.Errorf("%d blobs were begun twice", twice)
	}
	finish(t, m, refs, dir, total)
}
