package main

import "fmt"

// target is what this program wants to reach, and what was measured.
type target struct {
	Text, Measured string
	Held           bool
}

// judge holds the rows against what the program is meant to reach. What was not measured is left out.
func (r *report) judge() {
	r.judgeSpeed(caseSlow, "sealos", 8)
	r.judgeBest(caseSlow, 4)
	r.judgeBest(caseSave, 1)
	r.judgeSpeed(caseCold, "sealos", 5)
	if w := r.find(caseWarm, ours); w != nil && w.Wire != nil {
		r.target("an unchanged build takes less than 1 s and asks for no blob", w.wall().Seconds() < 1 && w.Wire.BlobRequests == 0,
			"%.2f s, %d blob requests, %d manifest requests", w.wall().Seconds(), w.Wire.BlobRequests, w.Wire.ManifestRequests)
	}
	if w := r.find(caseChanged, ours); w != nil && w.Wire != nil {
		r.target("one image of ten changed: its new blobs are pushed, of others less than 1 %", w.Stale*100 <= w.Fresh,
			"%.1f MB of new blobs, %.2f MB of others, %.1f MB sent in all", mb(w.Fresh), mb(w.Stale), mb(w.Wire.Sent))
	}
	for _, name := range []string{caseSave, caseCold} {
		r.judgeCost(name)
	}
}

func (r *report) target(text string, held bool, measured string, args ...any) {
	r.Targets = append(r.Targets, target{text, fmt.Sprintf(measured, args...), held})
}

func (r *report) judgeSpeed(name, peer string, want float64) {
	w, o := r.find(name, peer), r.find(name, ours)
	if w == nil || o == nil {
		return
	}
	got := w.ratio(o)
	r.target(fmt.Sprintf("%s: at least %gx as fast as %s", name, want, peer), got >= want, "%.1fx", got)
}

// judgeBest holds against the fastest peer.
func (r *report) judgeBest(name string, want float64) {
	o := r.find(name, ours)
	best, who := 0.0, ""
	for _, w := range r.Rows {
		if w.Case != name || w.Tool == ours || len(w.good()) == 0 {
			continue
		}
		if got := w.ratio(o); got > 0 && (who == "" || got < best) {
			best, who = got, w.Tool
		}
	}
	if who == "" {
		return
	}
	text := fmt.Sprintf("%s: at least %gx as fast as the best peer", name, want)
	if want == 1 {
		text = name + ": faster than every peer"
	}
	r.target(text, best >= want && best != 1, "%.1fx (%s)", best, who)
}

// judgeCost holds processor time against hashing, and memory against an idle program.
func (r *report) judgeCost(name string) {
	w := r.find(name, ours)
	if w == nil || w.cost() == 0 || r.Idle == 0 {
		return
	}
	times := w.cost()
	r.target(name+": processor time within 1.5x of hashing the bytes three times", times <= 1.5, "%.2f s, %.2fx", w.cpu().Seconds(), times)
	above := mib(w.peak() - r.Idle)
	r.target(name+": at most 48 MiB of memory above an idle program", above <= 48, "%.0f MiB above %.0f MiB", above, mib(r.Idle))
}

func mb(n int64) float64 { return float64(n) / megabyte }

func mib(n int64) float64 { return float64(n) / (1 << 20) }
