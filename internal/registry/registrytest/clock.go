// Package registrytest has what tests of registries and their clients need: a clock that waits for nobody, a network
// of named hosts without sockets, and faults that come in the order they were written down.
package registrytest

import (
	"context"
	"sync"
	"time"
)

// Clock is a time that passes only when somebody sleeps or Advance is called. Sleeping takes no real time.
type Clock struct {
	mu     sync.Mutex
	now    time.Time
	slept  []time.Duration
	timers map[*timer]bool
}

type timer struct {
	at time.Time
	f  func()
}

// NewClock starts at noon of a day.
func NewClock() *Clock {
	return &Clock{now: time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC), timers: map[*timer]bool{}}
}

// Now is the time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Sleep lets the time pass at once and notes for how long. Timers do not fire: only Advance does that.
func (c *Clock) Sleep(ctx context.Context, d time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
	c.slept = append(c.slept, d)
	return context.Cause(ctx)
}

// AfterFunc calls f when Advance passes d.
func (c *Clock) AfterFunc(d time.Duration, f func()) func() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := &timer{c.now.Add(d), f}
	c.timers[t] = true
	return func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		was := c.timers[t]
		delete(c.timers, t)
		return was
	}
}

// Advance lets the time pass and calls what is due.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	c.now = c.now.Add(d)
	var due []func()
	for t := range c.timers {
		if !t.at.After(c.now) {
			due = append(due, t.f)
			delete(c.timers, t)
		}
	}
	c.mu.Unlock()
	for _, f := range due {
		f()
	}
}

// Slept lists all sleeps.
func (c *Clock) Slept() []time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]time.Duration(nil), c.slept...)
}

// Longest is the longest sleep.
func (c *Clock) Longest() time.Duration {
	var longest time.Duration
	for _, d := range c.Slept() {
		longest = max(longest, d)
	}
	return longest
}
