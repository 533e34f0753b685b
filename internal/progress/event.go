package progress

import "time"

// The values of [Event.Event].
const (
	EventStepStart     = "step.start"
	EventStepDone      = "step.done"
	EventTransferStart = "transfer.start"
	EventTransferDone  = "transfer.done"
	EventProgress      = "progress"
	EventWarning       = "warning"
	EventNote          = "note"
	EventOutput        = "output"
	EventSummary       = "summary"
)

// Event is one line of the JSON mode: one JSON object per line. Fields that do not apply are left out.
//
//	step.start, step.done          step, detail; when done seconds and, if it failed, error
//	transfer.start, transfer.done  kind, name, total; when done bytes, seconds and, if it failed, error
//	progress                       progress: once a second while something moves
//	warning, note                  text
//	output                         source, text: a line that a program of the recipe wrote
//	summary                        summary: the last line
//
// Sizes are bytes, durations seconds, times RFC 3339 in UTC.
type Event struct {
	Time     time.Time `json:"time"`
	Event    string    `json:"event"`
	Step     string    `json:"step,omitempty"`
	Detail   string    `json:"detail,omitempty"`
	Kind     string    `json:"kind,omitempty"`
	Name     string    `json:"name,omitempty"`
	Source   string    `json:"source,omitempty"`
	Text     string    `json:"text,omitempty"`
	Error    string    `json:"error,omitempty"`
	Bytes    int64     `json:"bytes,omitempty"`
	Total    int64     `json:"total,omitempty"`
	Seconds  float64   `json:"seconds,omitempty"`
	Progress *Progress `json:"progress,omitempty"`
	Summary  *Summary  `json:"summary,omitempty"`
}

// Progress is what is under way at one moment.
type Progress struct {
	// At is when.
	At time.Time `json:"-"`
	// Moving has one entry for each kind that moves bytes and is not at its end.
	Moving []Movement `json:"moving,omitempty"`
	// InFlight are the transfers that have begun and not ended, the oldest first.
	InFlight []Flight `json:"in_flight,omitempty"`
	// Steps are the steps that have begun and not ended.
	Steps []RunningStep `json:"steps,omitempty"`
}

// Movement is how far all transfers of one kind have come.
type Movement struct {
	Kind  Kind  `json:"kind"`
	Files int   `json:"files"`
	Bytes int64 `json:"bytes"`
	// OfFiles and OfBytes are what is expected in all.
	OfFiles int   `json:"of_files"`
	OfBytes int64 `json:"of_bytes"`
	// Rate is in bytes a second over the last seconds.
	Rate float64 `json:"bytes_per_second"`
	// Left is the remaining time in seconds; zero when it cannot be told.
	Left float64 `json:"seconds_left,omitempty"`
}

// Flight is a transfer under way.
type Flight struct {
	Kind  Kind   `json:"kind"`
	Name  string `json:"name"`
	Bytes int64  `json:"bytes"`
	Total int64  `json:"total,omitempty"`
}

// RunningStep is a step under way.
type RunningStep struct {
	Name    string  `json:"step"`
	Detail  string  `json:"detail,omitempty"`
	Seconds float64 `json:"seconds"`
}
