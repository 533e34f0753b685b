package transfer

import (
	"slices"
	"time"

	"github.com/labring-actions/cluster-image/internal/registry"
	"github.com/labring-actions/cluster-image/internal/store"
)

// segment is a piece of a blob that one connection fetches: from pos up to end.
type segment struct {
	pos, end int64
	taken    bool
	from     int64
	since    time.Time
}

func (s *segment) left() int64 { return s.end - s.pos }

// take gives a segment that nobody works on.
func (d *download) take() *segment {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.takeNext()
}

// takeNext is take for one who has the lock.
func (d *download) takeNext() *segment {
	if d.err != nil {
		return nil
	}
	for _, s := range d.segments {
		if !s.taken && s.left() > 0 {
			s.taken = true
			return s
		}
	}
	return nil
}

// cut makes segments of what is missing.
func (d *download) cut(span store.Span) []*segment {
	var all []*segment
	piece := max(pieceSize, (span.To-span.From)/maxPieces)
	for d.fetch.inTurn && span.To-span.From >= 2*piece {
		all = append(all, &segment{pos: span.From, end: span.From + piece})
		span.From += piece
	}
	return append(all, &segment{pos: span.From, end: span.To})
}

// join takes a segment for one more worker, nil when there is none or the work has ended.
func (d *download) join() *segment {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.plain || d.workers == 0 {
		return nil
	}
	s := d.takeNext()
	if s != nil {
		d.workers++
	}
	return s
}

// absorb makes those that follow and that nobody has taken a part of the segment: the registry sends them, too.
func (d *download) absorb(s *segment) {
	for i := 0; i < len(d.segments); i++ {
		if o := d.segments[i]; o != s && !o.taken && o.pos == s.end {
			s.end = o.end
			d.segments = slices.Delete(d.segments, i, i+1)
			i = -1
		}
	}
}

// slowest finds the segment that still takes longest, -1 when none is worth a split.
func (d *download) slowest() (*segment, time.Duration) {
	var found *segment
	longest := time.Duration(-1)
	if d.err != nil || d.plain || !d.ranges {
		return nil, longest
	}
	t := d.fetch.transfer
	now := t.clock.Now()
	for _, s := range d.segments {
		if !s.taken || s.left() < 2*leastHelp {
			continue
		}
		if left := s.estimate(now); left >= t.options.HelpAfter && left > longest {
			found, longest = s, left
		}
	}
	return found, longest
}

// estimate is how long the rest takes at the segment's own rate; 0 while that is not known.
func (s *segment) estimate(now time.Time) time.Duration {
	ran, got := now.Sub(s.since), s.pos-s.from
	if s.since.IsZero() || ran < minRate || got == 0 {
		return 0
	}
	return time.Duration(float64(ran) / float64(got) * float64(s.left()))
}

// split takes the second half off the slowest segment.
func (d *download) split() *segment {
	d.mu.Lock()
	defer d.mu.Unlock()
	s, _ := d.slowest()
	if s == nil || d.workers == 0 {
		return nil
	}
	half := &segment{pos: s.pos + s.left()/2, end: s.end, taken: true}
	s.end = half.pos
	d.segments = append(d.segments, half)
	d.workers++
	return half
}

func (s *segment) position(d *download) int64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return s.pos
}

// learn notes whether the registry gives parts. A helper that got the whole blob gives its segment back to the one it
// was split from, if that is still there.
func (d *download) learn(s *segment, body registry.Body) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ranges = body.Ranges
	s.since, s.from = d.fetch.transfer.clock.Now(), s.pos
	if body.Offset+body.Length > s.end {
		d.absorb(s)
	}
	if body.Offset == s.pos {
		return nil
	}
	d.plain, d.ranges = true, false
	for _, before := range d.segments {
		if before != s && before.taken && before.end == s.pos && before.left() > 0 {
			before.end = s.end
			d.segments = slices.DeleteFunc(d.segments, func(o *segment) bool { return o == s })
			return errNoHelp
		}
	}
	return nil
}
