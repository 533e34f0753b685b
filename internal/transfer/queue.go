package transfer

import (
	"cmp"
	"slices"
)

// queue gives the largest blob first, since what takes longest must begin first; but every fourth is the smallest, so
// that many small ones, each of which costs a round trip, do not wait until the end.
type queue struct {
	sorted []*download // the smallest first
	given  int
}

// smallEvery is how many are given for each small one among them.
const smallEvery = 4

func (q *queue) push(d *download) {
	at, _ := slices.BinarySearchFunc(q.sorted, d, func(a, b *download) int { return cmp.Compare(a.blob.Desc.Size, b.blob.Desc.Size) })
	q.sorted = slices.Insert(q.sorted, at, d)
}

// smallIsNext says whether the next one is given for its smallness.
func (q *queue) smallIsNext() bool { return len(q.sorted) > 0 && (q.given+1)%smallEvery == 0 }

func (q *queue) pop() *download {
	if len(q.sorted) == 0 {
		return nil
	}
	q.given++
	if q.given%smallEvery == 0 {
		d := q.sorted[0]
		q.sorted = q.sorted[1:]
		return d
	}
	d := q.sorted[len(q.sorted)-1]
	q.sorted = q.sorted[:len(q.sorted)-1]
	return d
}
