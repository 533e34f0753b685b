package transfer_test

import (
	"net/http"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/labring-actions/cluster-image/internal/registry/registrytest"
	"github.com/labring-actions/cluster-image/internal/transfer"
)

// inTurn fetches blobs that are wanted one after the other.
func inTurn(t *testing.T, w *world) (transfer.Plan, []int64, error) {
	t.Helper()
	tr := w.transfer(t, transfer.Options{})
	r, err := tr.Resolve(t.Context(), want1(t))
	if err != nil {
		t.Fatal(err)
	}
	p := tr.Plan(r)
	sizes := make(chan int64, len(p.Blobs))
	err = tr.Fetch(t.Context(), p, transfer.FetchOptions{InTurn: true, OnBlob: func(d v1.Descriptor) { sizes <- d.Size }})
	close(sizes)
	var came []int64
	for n := range sizes {
		came = append(came, n)
	}
	return p, came, err
}

// TestPieces fetches a blob that is large enough for pieces, from registries that give them and from others.
func TestPieces(t *testing.T) {
	t.Parallel()
	const size, piece = 18_000_000, 4 << 20
	always := func(f registrytest.Fault) []registrytest.Fault { return registrytest.Times(100, f) }
	for name, c := range map[string]struct {
		faults []registrytest.Fault
		most   int // requests for the blob
	}{
		"given":                {nil, 5},
		"broken off":           {registrytest.Times(3, registrytest.Break(700_000)), 16},
		"ranges ignored":       {always(registrytest.NoRange()), 5},
		"ranges refused":       {always(refuseRanges), 12},
		"another range":        {registrytest.Times(2, registrytest.Header("Content-Range", "bytes 0-1/2")), 10},
		"wrong bytes at first": {registrytest.Times(1, registrytest.Flip()), 10},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			blob := w.one(t, size)
			w.faults["reg.example"].On("GET", blob, c.faults...)
			p, came, err := inTurn(t, w)
			if err != nil {
				t.Fatal(err)
			}
			w.complete(t, p)
			if _, ok := w.store.Layer(p.Blobs[0].Desc.Digest); !ok {
				t.Error("the layer was not computed on the way")
			}
			if !slices.Contains(came, size) {
				t.Errorf("the blob was not told of: %v", came)
			}
			asked := w.ranges("reg.example", blob)
			if len(asked) > c.most {
				t.Errorf("asked %d times: %q", len(asked), asked)
			}
			want := []string{"bytes=0-4194303", "bytes=4194304-8388607", "bytes=8388608-12582911", "bytes=12582912-17999999"}
			if slices.Sort(asked); name == "given" && !slices.Equal(asked, slices.Sorted(slices.Values(want))) {
				t.Errorf("asked for %q, want %q; a piece is %d bytes", asked, want, piece)
			}
		})
	}
}

func refuseRanges(w http.ResponseWriter, r *http.Request, next http.Handler) {
	if r.Header.Get("Range") != "" {
		w.WriteHeader(http.StatusRequestedRangeNotSatisfiable)
		return
	}
	next.ServeHTTP(w, r)
}

// TestPiecesComeTogether has a registry that gives no piece before all of them are asked for.
func TestPiecesComeTogether(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		blob := w.one(t, 18_000_000)
		var asked atomic.Int64
		all := make(chan struct{})
		w.faults["reg.example"].On("GET", blob, registrytest.Times(4, func(rw http.ResponseWriter, r *http.Request, next http.Handler) {
			if asked.Add(1) == 4 {
				close(all)
			}
			<-all
			next.ServeHTTP(rw, r)
		})...)
		p, _, err := inTurn(t, w)
		if err != nil {
			t.Fatal(err)
		}
		w.complete(t, p)
	})
}
