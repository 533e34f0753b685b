package progress

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Tally is a number of files and their bytes.
type Tally struct {
	Files int   `json:"files"`
	Bytes int64 `json:"bytes"`
}

// StepTime is how long steps of one name were under way, in seconds.
type StepTime struct {
	Name    string  `json:"step"`
	Seconds float64 `json:"seconds"`
	Failed  bool    `json:"failed,omitempty"`
}

// Summary is what a run came to. It is what the table, the last JSON line and a page of a CI service are made of.
type Summary struct {
	Images  int        `json:"images"`
	Fetched Tally      `json:"fetched"`
	Reused  Tally      `json:"reused"`
	Pushed  Tally      `json:"pushed"`
	Skipped Tally      `json:"skipped"`
	Mounted Tally      `json:"mounted"`
	Steps   []StepTime `json:"steps"`
	// Seconds is the time since the reporter was made.
	Seconds float64 `json:"seconds"`
}

// Summary sums up the run so far. A nil reporter gives the zero value.
func (r *Reporter) Summary() Summary {
	if r == nil {
		return Summary{}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.clock.Now()
	return Summary{
		Images:  r.images,
		Fetched: r.tally(Fetch),
		Reused:  r.tally(Reuse),
		Pushed:  r.tally(Push),
		Skipped: r.tally(Skip),
		Mounted: r.tally(Mount),
		Steps:   r.stepTimes(now),
		Seconds: now.Sub(r.started).Seconds(),
	}
}

func (r *Reporter) tally(kind Kind) Tally {
	return Tally{Files: int(r.counts[kind].files.Load()), Bytes: r.counts[kind].bytes.Load()}
}

// stepTimes adds up the steps of the same name, in the order in which they first began. Time in which several of them ran counts once.
func (r *Reporter) stepTimes(now time.Time) []StepTime {
	at := map[string]int{}
	counted := map[string]time.Time{}
	times := []StepTime{}
	for _, s := range r.steps {
		i, ok := at[s.name]
		if !ok {
			i = len(times)
			at[s.name] = i
			times = append(times, StepTime{Name: s.name})
		}
		begin, end := s.started, now
		if s.done {
			end = s.started.Add(s.took)
		}
		if counted[s.name].After(begin) {
			begin = counted[s.name]
		}
		if end.After(begin) {
			times[i].Seconds += end.Sub(begin).Seconds()
			counted[s.name] = end
		}
		times[i].Failed = times[i].Failed || s.failed
	}
	return times
}

// Report shows the summary: as a table, or as the last line of the JSON mode.
func (r *Reporter) Report() {
	if r == nil {
		return
	}
	s := r.Summary()
	r.emit(Event{Event: EventSummary, Summary: &s})
}

// Table writes the summary for a person, without a newline at its end.
func (s Summary) Table() string {
	var b strings.Builder
	row := func(name, value, more string) {
		fmt.Fprintln(&b, strings.TrimRight(fmt.Sprintf("%-12s %9s  %s", name, value, more), " "))
	}
	if s.Images > 0 {
		row("images", strconv.Itoa(s.Images), "")
	}
	for i, t := range []Tally{s.Fetched, s.Reused, s.Pushed, s.Skipped, s.Mounted} {
		name := []string{"fetched", "reused", "pushed", "skipped", "mounted"}[i]
		if t.Files > 0 || i < 3 {
			row(name, Bytes(t.Bytes), plural(t.Files, "blob"))
		}
	}
	for _, step := range s.Steps {
		row(step.Name, Duration(seconds(step.Seconds)), map[bool]string{true: "failed"}[step.Failed])
	}
	row("in all", Duration(seconds(s.Seconds)), "")
	return strings.TrimSuffix(b.String(), "\n")
}
