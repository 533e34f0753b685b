package progress

import "time"

// Step is a part of the run: download, discover, resolve, fetch, assemble, push, verify.
type Step struct {
	r       *Reporter
	name    string
	detail  string
	started time.Time
	took    time.Duration
	done    bool
	failed  bool
}

// Step begins a step. Steps may overlap, and a name may come more than once.
func (r *Reporter) Step(name, detail string) *Step {
	if r == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	s := &Step{r: r, name: name, detail: detail, started: r.clock.Now()}
	r.steps = append(r.steps, s)
	r.draw(Event{Event: EventStepStart, Step: name, Detail: detail})
	return s
}

// Done ends the step, with what went wrong or nil. A second call does nothing, so that it can be deferred as well.
func (s *Step) Done(err error) {
	if s == nil {
		return
	}
	s.r.mu.Lock()
	defer s.r.mu.Unlock()
	if s.done {
		return
	}
	s.done, s.failed, s.took = true, err != nil, s.r.clock.Now().Sub(s.started)
	s.r.draw(Event{Event: EventStepDone, Step: s.name, Detail: s.detail, Seconds: s.took.Seconds(), Error: text(err)})
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
