package render

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// event is one line of what a child answers; exactly one field is set.
type event struct {
	Chart    *Chart    `json:"chart,omitempty"`
	Document *Document `json:"document,omitempty"`
	Outcome  *outcome  `json:"outcome,omitempty"`
	Done     *done     `json:"done,omitempty"`
	Failure  *failure  `json:"failure,omitempty"`
}

type outcome struct {
	Set int `json:"set"`
	Outcome
}

type done struct {
	PeakMemory int64 `json:"peakMemory"`
}

// failure is an error that ends the work; Kind picks the sentinel it wraps.
type failure struct {
	Kind    string `json:"kind,omitempty"`
	Message string `json:"message"`
}

func sentinels() map[string]error {
	return map[string]error{"chart": ErrChart, "output": ErrTooMuchOutput, "memory": ErrTooMuchMemory, "time": ErrTooLong}
}

// remote is an error of a child: its message is complete, and it is what its sentinel says.
type remote struct {
	sentinel error
	message  string
}

func (e *remote) Error() string { return e.message }
func (e *remote) Unwrap() error { return e.sentinel }

func (f failure) err() error {
	if s := sentinels()[f.Kind]; s != nil {
		return &remote{sentinel: s, message: f.Message}
	}
	return errors.New(f.Message)
}

// Writer is the child's side of the answer.
type Writer struct{ enc *json.Encoder }

// NewWriter writes events to w, one JSON document per line.
func NewWriter(w io.Writer) *Writer {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return &Writer{enc: enc}
}

// Chart says what is rendered.
func (w *Writer) Chart(c Chart) error { return w.enc.Encode(event{Chart: &c}) }

// Document hands over one text.
func (w *Writer) Document(d Document) error { return w.enc.Encode(event{Document: &d}) }

// Outcome ends a set.
func (w *Writer) Outcome(set int, o Outcome) error {
	return w.enc.Encode(event{Outcome: &outcome{Set: set, Outcome: o}})
}

// Done ends the answer. PeakMemory is in bytes.
func (w *Writer) Done(peakMemory int64) error {
	return w.enc.Encode(event{Done: &done{PeakMemory: peakMemory}})
}

// Failure ends the answer with an error.
func (w *Writer) Failure(err error) error {
	f := failure{Message: err.Error()}
	for kind, s := range sentinels() {
		if errors.Is(err, s) {
			f.Kind = kind
		}
	}
	return w.enc.Encode(event{Failure: &f})
}

// errUnfinished says that an answer ended before its last event.
var errUnfinished = errors.New("the answer is incomplete")

// read takes the events of r until the last one.
func read(r io.Reader, res *Response, emit Emit) error {
	for dec := json.NewDecoder(r); ; {
		var e event
		if err := dec.Decode(&e); err != nil {
			return fmt.Errorf("%w: %w", errUnfinished, err)
		}
		if last, err := e.apply(res, emit); last || err != nil {
			return err
		}
	}
}

func (e event) apply(res *Response, emit Emit) (last bool, err error) {
	switch {
	case e.Chart != nil:
		res.Chart = *e.Chart
	case e.Document != nil:
		return false, emit(res.Chart, *e.Document)
	case e.Outcome != nil && e.Outcome.Set >= 0 && e.Outcome.Set < len(res.Outcomes):
		res.Outcomes[e.Outcome.Set] = e.Outcome.Outcome
	case e.Done != nil:
		res.PeakMemory = e.Done.PeakMemory
		return true, nil
	case e.Failure != nil:
		return true, e.Failure.err()
	}
	return false, nil
}
