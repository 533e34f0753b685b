package source

import "sync"

// flights do what several ask for at once, or again in the same run, only once. What failed is done again.
type flights struct {
	mu   sync.Mutex
	runs map[string]*flight
}

type flight struct {
	done  chan struct{}
	value any
	err   error
}

// do gives what f gives for the key, or gave before.
func do[T any](f *flights, key string, work func() (T, error)) (T, error) {
	f.mu.Lock()
	if f.runs == nil {
		f.runs = map[string]*flight{}
	}
	run, known := f.runs[key]
	if !known {
		run = &flight{done: make(chan struct{})}
		f.runs[key] = run
	}
	f.mu.Unlock()
	if !known {
		run.value, run.err = work()
		if run.err != nil {
			f.mu.Lock()
			delete(f.runs, key)
			f.mu.Unlock()
		}
		close(run.done)
	}
	<-run.done
	value, _ := run.value.(T)
	return value, run.err
}
