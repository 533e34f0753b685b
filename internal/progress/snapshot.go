package progress

import "time"

// window is how far back the rate looks.
const window = 5 * time.Second

// sample is how many bytes had moved at a moment.
type sample struct {
	at    time.Time
	bytes [kinds]int64
}

// rates are the samples of the last seconds, the oldest first.
type rates []sample

// add takes a sample and forgets those before the window, but for one so that the whole window is covered.
func (rs *rates) add(s sample) {
	*rs = append(*rs, s)
	for len(*rs) > 2 && s.at.Sub((*rs)[1].at) >= window {
		*rs = (*rs)[1:]
	}
}

// of is the rate of a kind in bytes a second.
func (rs rates) of(kind Kind) float64 {
	if len(rs) < 2 {
		return 0
	}
	first, last := rs[0], rs[len(rs)-1]
	seconds := last.at.Sub(first.at).Seconds()
	if seconds <= 0 {
		return 0
	}
	return max(0, float64(last.bytes[kind]-first.bytes[kind])/seconds)
}

// progress takes a snapshot and expects the lock to be held.
func (r *Reporter) progress() Progress {
	now := r.clock.Now()
	s := sample{at: now}
	for k := range r.counts {
		s.bytes[k] = r.counts[k].bytes.Load()
	}
	r.rates.add(s)
	p := Progress{At: now}
	for _, kind := range []Kind{Fetch, Push} {
		if m := r.movement(kind); m.Files < m.OfFiles || m.Bytes < m.OfBytes {
			p.Moving = append(p.Moving, m)
		}
	}
	for _, t := range r.flights {
		name := printable(r.secrets.Clean(t.name))
		p.InFlight = append(p.InFlight, Flight{Kind: t.kind, Name: name, Bytes: t.bytes.Load(), Total: t.total})
	}
	for _, st := range r.steps {
		if !st.done {
			detail := printable(r.secrets.Clean(st.detail))
			p.Steps = append(p.Steps, RunningStep{Name: st.name, Detail: detail, Seconds: now.Sub(st.started).Seconds()})
		}
	}
	return p
}

// movement is what was expected, or what has begun where that is more.
func (r *Reporter) movement(kind Kind) Movement {
	c := &r.counts[kind]
	m := Movement{
		Kind:    kind,
		Files:   int(c.files.Load()),
		Bytes:   c.bytes.Load(),
		OfFiles: int(max(c.expectedFiles.Load(), c.begunFiles.Load())),
		OfBytes: max(c.expectedBytes.Load(), c.begunBytes.Load()),
		Rate:    r.rates.of(kind),
	}
	if left := m.OfBytes - m.Bytes; left > 0 && m.Rate > 0 {
		m.Left = float64(left) / m.Rate
	}
	return m
}
