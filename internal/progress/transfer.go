package progress

import (
	"fmt"
	"slices"
	"sync/atomic"
	"time"
)

// Kind is what happens to the bytes of a transfer.
type Kind int

// Fetch and Push move bytes. Reuse, Skip and Mount are bytes that need not move: they are in the store, in the target repository, or in another
// repository of the target registry.
const (
	Fetch Kind = iota
	Push
	Reuse
	Skip
	Mount
	kinds
)

var kindNames = [kinds]string{"fetch", "push", "reuse", "skip", "mount"}

func (k Kind) valid() bool { return k >= 0 && k < kinds }

// String is the word for the kind.
func (k Kind) String() string {
	if !k.valid() {
		return fmt.Sprintf("kind(%d)", int(k))
	}
	return kindNames[k]
}

// MarshalText writes the word for the kind.
func (k Kind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// moves says whether bytes pass over the network.
func (k Kind) moves() bool { return k == Fetch || k == Push }

// count is what the transfers of one kind come to. It is kept in atomics, since every buffer that moves adds to it.
type count struct {
	files, bytes                 atomic.Int64
	expectedFiles, expectedBytes atomic.Int64
	begunFiles, begunBytes       atomic.Int64
}

type counts [kinds]count

// Transfer is one file or blob on its way.
type Transfer struct {
	r       *Reporter
	kind    Kind
	name    string
	total   int64
	started time.Time
	bytes   atomic.Int64
	ended   atomic.Bool
}

// flights are the transfers under way, the oldest first.
type flights []*Transfer

// Transfer begins a transfer of total bytes; total is zero when unknown.
func (r *Reporter) Transfer(kind Kind, name string, total int64) *Transfer {
	if r == nil || !kind.valid() {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	t := &Transfer{r: r, kind: kind, name: name, total: total, started: r.clock.Now()}
	r.flights = append(r.flights, t)
	r.counts[kind].begunFiles.Add(1)
	r.counts[kind].begunBytes.Add(total)
	r.draw(Event{Event: EventTransferStart, Kind: kind.String(), Name: name, Total: total})
	return t
}

// Add says that n more bytes have moved. It is negative when bytes must be moved again. It does not wait for anything.
func (t *Transfer) Add(n int64) {
	if t == nil {
		return
	}
	t.bytes.Add(n)
	t.r.counts[t.kind].bytes.Add(n)
}

// Done ends the transfer, with what went wrong or nil. Transfers that need no move count with their whole size then. A second call does nothing.
func (t *Transfer) Done(err error) {
	if t == nil || t.ended.Swap(true) {
		return
	}
	c := &t.r.counts[t.kind]
	if err == nil {
		c.files.Add(1)
		if !t.kind.moves() {
			c.bytes.Add(t.total - t.bytes.Swap(t.total))
		}
	}
	t.r.mu.Lock()
	defer t.r.mu.Unlock()
	if i := slices.Index(t.r.flights, t); i >= 0 {
		t.r.flights = slices.Delete(t.r.flights, i, i+1)
	}
	t.r.draw(Event{
		Event: EventTransferDone, Kind: t.kind.String(), Name: t.name, Total: t.total, Bytes: t.bytes.Load(),
		Seconds: t.r.clock.Now().Sub(t.started).Seconds(), Error: text(err),
	})
}
