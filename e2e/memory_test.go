package e2e

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// The memory that a build may take beyond what the program takes to print its version, and the bytes it moves meanwhile.
const (
	memoryLimit = 48 << 20
	moved       = 300 << 20
	layerSize   = 30 << 20
)

// TestMemory builds and pushes 0.3 GB. What the process itself takes at most does not grow with them.
func TestMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("moves 0.3 GB")
	}
	b := newBench(t, t.TempDir(), "FROM scratch\nCOPY . .\nCMD [\"true\"]\n", "big:1\n")
	g := generated{next: b.source.next, blobs: map[string]uint64{}}
	if err := g.publish(b.source); err != nil {
		t.Fatal(err)
	}
	b.source.next = g
	b.target.next = &sink{sizes: map[string]int64{}, next: b.target.next}
	version := b.command(t.Context())
	version.Args = []string{version.Path, "version"}
	idle := peak(t, version)
	build := peak(t, b.command(t.Context(), "build", "app", "1", "--platform", "amd64", "--push", b.target.host+"/labring/app:1", "--progress=quiet"))
	t.Logf("idle %d MiB, build %d MiB", idle>>20, build>>20)
	if build-idle > memoryLimit {
		t.Errorf("a build of %d MB takes %d bytes more than an idle program, at most %d may be", moved>>20, build-idle, int64(memoryLimit))
	}
}

// peak runs a command and gives the most memory that its process had in bytes, without its children.
func peak(t *testing.T, cmd *exec.Cmd) int64 {
	t.Helper()
	file := filepath.Join(t.TempDir(), "peak")
	cmd.Env = append(cmd.Env, peakFile+"="+file)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Skipf("this system does not tell how much memory a process had: %v", err)
	}
	for line := range strings.Lines(string(b)) {
		var kib int64
		if n, _ := fmt.Sscanf(line, "VmHWM: %d kB", &kib); n == 1 {
			return kib << 10
		}
	}
	t.Skip("this system does not tell how much memory a process had")
	return 0
}

// generated is a registry whose layers are made while they are served.
type generated struct {
	next  http.Handler
	blobs map[string]uint64
}

// ServeHTTP makes the layers; the rest comes from the registry behind.
func (g generated) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	seed, ok := g.blobs[r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]]
	if !ok || r.Method != http.MethodGet {
		g.next.ServeHTTP(w, r)
		return
	}
	http.ServeContent(w, r, "", time.Time{}, io.NewSectionReader(content(seed), 0, layerSize))
}

// content is bytes that differ at every place: a counter that is mixed with the seed.
type content uint64

// ReadAt never fails.
func (c content) ReadAt(p []byte, off int64) (int, error) {
	var word [8]byte
	for i := range p {
		at := off + int64(i)
		if i == 0 || at%8 == 0 {
			binary.LittleEndian.PutUint64(word[:], (uint64(at/8)+uint64(c)<<32)*0x9E3779B97F4A7C15)
		}
		p[i] = word[at%8]
	}
	return len(p), nil
}

// publish puts an image of such layers into the registry.
func (g generated) publish(s *server) error {
	img := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	var err error
	for seed := range uint64(moved / layerSize) {
		l := madeLayer{seed: seed + 1}
		h := sha256.New()
		if _, err := io.Copy(h, io.NewSectionReader(content(l.seed), 0, layerSize)); err != nil {
			return err
		}
		l.hash = v1.Hash{Algorithm: "sha256", Hex: hex.EncodeToString(h.Sum(nil))}
		g.blobs[l.hash.String()] = l.seed
		if img, err = mutate.AppendLayers(img, l); err != nil {
			return err
		}
	}
	config, err := img.ConfigFile()
	if err != nil {
		return err
	}
	config = config.DeepCopy()
	config.OS, config.Architecture = "linux", "amd64"
	if img, err = mutate.ConfigFile(img, config); err != nil {
		return err
	}
	raw, err := img.RawConfigFile()
	if err != nil {
		return err
	}
	m, err := img.Manifest()
	if err != nil {
		return err
	}
	manifest, err := img.RawManifest()
	if err != nil {
		return err
	}
	if err := s.send("POST", "/v2/library/big/blobs/uploads/?digest="+m.Config.Digest.String(), "", raw); err != nil {
		return err
	}
	return s.put("library/big", "1", m.MediaType, manifest)
}

// madeLayer is a layer of which only digest and size are known here.
type madeLayer struct {
	seed uint64
	hash v1.Hash
}

// The methods of [v1.Layer] that an image's manifest needs.
func (l madeLayer) Digest() (v1.Hash, error)             { return l.hash, nil }
func (l madeLayer) DiffID() (v1.Hash, error)             { return l.hash, nil }
func (l madeLayer) Compressed() (io.ReadCloser, error)   { return nil, io.ErrUnexpectedEOF }
func (l madeLayer) Uncompressed() (io.ReadCloser, error) { return nil, io.ErrUnexpectedEOF }
func (l madeLayer) Size() (int64, error)                 { return layerSize, nil }
func (l madeLayer) MediaType() (types.MediaType, error)  { return types.OCILayer, nil }

// sink is a registry that counts the bytes of blobs and keeps none of them.
type sink struct {
	next  http.Handler
	mu    sync.Mutex
	sizes map[string]int64
	n     int
}

// ServeHTTP takes uploads in.
func (s *sink) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	repo, upload, isUpload := strings.Cut(r.URL.Path, "/blobs/uploads/")
	_, blob, isBlob := strings.Cut(r.URL.Path, "/blobs/")
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case isUpload && r.Method == http.MethodPost:
		s.n++
		w.Header().Set("Location", repo+"/blobs/uploads/"+strconv.Itoa(s.n))
		w.WriteHeader(http.StatusAccepted)
	case isUpload:
		s.mu.Unlock()
		n, _ := io.Copy(io.Discard, r.Body)
		s.mu.Lock()
		s.sizes[upload] += n
		if d := r.URL.Query().Get("digest"); d != "" {
			s.sizes[d] = s.sizes[upload]
			w.WriteHeader(http.StatusCreated)
			return
		}
		w.Header().Set("Location", r.URL.Path)
		w.Header().Set("Range", "0-"+strconv.FormatInt(s.sizes[upload]-1, 10))
		w.WriteHeader(http.StatusAccepted)
	case isBlob:
		n, ok := s.sizes[blob]
		if !ok {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		w.Header().Set("Content-Length", strconv.FormatInt(n, 10))
		w.WriteHeader(http.StatusOK)
	default:
		s.next.ServeHTTP(w, r)
	}
}
