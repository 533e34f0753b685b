package progress

import "time"

// Clock tells the time and when to refresh. Tests bring their own.
type Clock interface {
	Now() time.Time
	// Ticks sends at the interval until stop is called. A nil channel means that only [Reporter.Refresh] refreshes.
	Ticks(interval time.Duration) (ticks <-chan time.Time, stop func())
}

type wall struct{}

func (wall) Now() time.Time { return time.Now() }

func (wall) Ticks(interval time.Duration) (<-chan time.Time, func()) {
	t := time.NewTicker(interval)
	return t.C, t.Stop
}
