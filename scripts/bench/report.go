package main

import (
	"cmp"
	"slices"
	"time"
)

// report is all that was measured.
type report struct {
	Machine machine
	Tools   []tool
	Runs    int
	Latency time.Duration
	Rate    int64
	// Unique is how many bytes the set has.
	Unique int64
	// Idle is what cluster-image takes of memory to print its version, in bytes.
	Idle    int64
	Rows    []*row
	Targets []target `json:",omitempty"`
}

// row is one job of one tool.
type row struct {
	Case, Tool string
	// Samples has one entry for each round; those that failed have an error.
	Samples []sample
	// Wire is what went through a counting proxy: in the same runs on the slow network, else in one more run whose time does not count.
	Wire *wire `json:",omitempty"`
	// Disk is how many bytes the result and the tool's own cache take.
	Disk int64 `json:",omitempty"`
	// Same says whether the result was found to be what was asked for, every byte hashed.
	Same bool
	// Fresh and Stale are of a changed image: uploaded bytes of blobs that are new, and of others.
	Fresh, Stale int64 `json:",omitempty"`
}

// sample is one run.
type sample struct {
	usage
	// Hashing is the processor time that hashing the unique bytes three times took right after the run, where the run is held against it.
	Hashing time.Duration `json:",omitempty"`
}

func (r *report) row(name, tool string) *row {
	for _, w := range r.Rows {
		if w.Case == name && w.Tool == tool {
			return w
		}
	}
	w := &row{Case: name, Tool: tool}
	r.Rows = append(r.Rows, w)
	return w
}

// find is a row that has a run that went well; nil when there is none.
func (r *report) find(name, tool string) *row {
	for _, w := range r.Rows {
		if w.Case == name && w.Tool == tool && len(w.good()) > 0 {
			return w
		}
	}
	return nil
}

func (w *row) good() []sample {
	return slices.DeleteFunc(slices.Clone(w.Samples), func(s sample) bool { return s.Error != "" })
}

// failure is the first error.
func (w *row) failure() string {
	for _, s := range w.Samples {
		if s.Error != "" {
			return s.Error
		}
	}
	return ""
}

func (w *row) wall() time.Duration {
	return middle(w.good(), func(s sample) time.Duration { return s.Wall })
}

func (w *row) cpu() time.Duration {
	return middle(w.good(), func(s sample) time.Duration { return s.cpu() })
}

func (w *row) peak() int64 {
	return middle(w.good(), func(s sample) int64 { return s.Peak })
}

// cost is how many times the processor time of hashing the bytes three times the job took: the median over the rounds, since a load that slows down the
// one slows down the other; 0 when it is not known.
func (w *row) cost() float64 {
	held := slices.DeleteFunc(w.good(), func(s sample) bool { return s.Hashing == 0 })
	return middle(held, func(s sample) float64 { return float64(s.cpu()) / float64(s.Hashing) })
}

// fastest is the run that was disturbed least.
func (w *row) fastest() time.Duration {
	return slices.MinFunc(w.good(), func(a, b sample) int { return cmp.Compare(a.Wall, b.Wall) }).Wall
}

// middle is the median of what is seen in the samples; of an even number the lower one of the two in the middle.
func middle[T cmp.Ordered](of []sample, see func(sample) T) T {
	var zero T
	if len(of) == 0 {
		return zero
	}
	all := make([]T, 0, len(of))
	for _, s := range of {
		all = append(all, see(s))
	}
	slices.Sort(all)
	return all[(len(all)-1)/2]
}

// ratio is how many times longer w took than o: the median over the rounds, since both ran in each of them under the same load.
func (w *row) ratio(o *row) float64 {
	if o == nil {
		return 0
	}
	var all []float64
	for i := range min(len(w.Samples), len(o.Samples)) {
		if w.Samples[i].Error == "" && o.Samples[i].Error == "" && o.Samples[i].Wall > 0 {
			all = append(all, float64(w.Samples[i].Wall)/float64(o.Samples[i].Wall))
		}
	}
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return all[(len(all)-1)/2]
}
