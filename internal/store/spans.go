package store

import "slices"

// Span is the bytes from From up to To, which is not among them.
type Span struct{ From, To int64 }

// Len is the number of bytes.
func (s Span) Len() int64 { return s.To - s.From }

// spans are disjoint, in order, and do not touch.
type spans []Span

// add joins a span with those it touches or overlaps.
func (s spans) add(n Span) spans {
	if n.Len() <= 0 {
		return s
	}
	first, _ := slices.BinarySearchFunc(s, n.From, func(a Span, from int64) int { return int(min(max(a.To-from, -1), 1)) })
	last := first
	for last < len(s) && s[last].From <= n.To {
		n.From, n.To = min(n.From, s[last].From), max(n.To, s[last].To)
		last++
	}
	return slices.Replace(s, first, last, n)
}

// end is up to where there is no gap from at on.
func (s spans) end(at int64) int64 {
	for _, a := range s {
		if a.From <= at && at < a.To {
			return a.To
		}
	}
	return at
}

// missing is what of the first size bytes is not there.
func (s spans) missing(size int64) []Span {
	var out []Span
	at := int64(0)
	for _, a := range s {
		if a.From > at {
			out = append(out, Span{at, a.From})
		}
		at = a.To
	}
	if at < size {
		out = append(out, Span{at, size})
	}
	return out
}

func (s spans) bytes() (n int64) {
	for _, a := range s {
		n += a.Len()
	}
	return n
}

// within says whether the spans are in order and inside the first size bytes, as a state read from a file must be.
func (s spans) within(size int64) bool {
	at := int64(-1)
	for _, a := range s {
		if a.From <= at || a.To <= a.From || a.To > size {
			return false
		}
		at = a.To
	}
	return true
}
