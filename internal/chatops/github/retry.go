package github

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Clock is time, so that a test needs none.
type Clock interface {
	Now() time.Time
	// Sleep returns the context's error when that ends first.
	Sleep(ctx context.Context, d time.Duration) error
}

const (
	// maxTries is how often one request is sent.
	maxTries = 6
	// maxWait bounds all waiting for one request: a limit that lasts longer is an error.
	maxWait = 10 * time.Minute
	// secondaryPause is what GitHub asks for when its secondary limit says no time.
	secondaryPause = time.Minute
	// maxAnswer bounds what is read of a refused request, in bytes.
	maxAnswer = 64 << 10
)

// ErrBusy says that GitHub refuses for longer than can be waited.
var ErrBusy = errors.New("GitHub asks to wait longer than this can")

// retrier sends a request again where that is safe and may help: after a rate limit always, since nothing was done; after a failure of the server or
// of the connection only where doing it twice is the same as once.
type retrier struct {
	next  http.RoundTripper
	clock Clock
	// tell is told of each wait.
	tell func(format string, args ...any)
}

// RoundTrip sends the request until it is answered or no more tries are left.
func (r *retrier) RoundTrip(q *http.Request) (*http.Response, error) {
	body, err := readBody(q)
	if err != nil {
		return nil, err
	}
	var waited time.Duration
	for try := 1; ; try++ {
		again := q.Clone(q.Context())
		if body != nil {
			again.Body = io.NopCloser(bytes.NewReader(body))
		}
		resp, err := r.next.RoundTrip(again)
		pause, why := r.judge(q, resp, err, try)
		if pause < 0 || try == maxTries || q.Context().Err() != nil {
			return resp, err
		}
		if waited += pause; waited > maxWait {
			discard(resp)
			return nil, fmt.Errorf("%w: %s, %s", ErrBusy, why, pause.Round(time.Second))
		}
		discard(resp)
		r.tell("GitHub: %s %s: %s; trying again in %s", q.Method, q.URL.Path, why, pause.Round(time.Second))
		if err := r.clock.Sleep(q.Context(), pause); err != nil {
			return nil, err
		}
	}
}

func readBody(q *http.Request) ([]byte, error) {
	if q.Body == nil {
		return nil, nil
	}
	defer q.Body.Close()
	return io.ReadAll(q.Body)
}

func discard(resp *http.Response) {
	if resp != nil {
		_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, maxAnswer))
		_ = resp.Body.Close()
	}
}

// judge says how long to wait before another try; negative when there is to be none.
func (r *retrier) judge(q *http.Request, resp *http.Response, err error, try int) (time.Duration, string) {
	backoff := time.Second << (try - 1)
	switch {
	case err != nil && repeatable(q):
		return backoff, "the connection failed"
	case err != nil:
		return -1, ""
	case resp.StatusCode == http.StatusForbidden || resp.StatusCode == http.StatusTooManyRequests:
		return r.limited(resp)
	case resp.StatusCode >= 500 && repeatable(q):
		return backoff, resp.Status
	}
	return -1, ""
}

// repeatable says that doing it twice is the same as once: everything but the making of a comment.
func repeatable(q *http.Request) bool {
	return q.Method != http.MethodPost || !strings.HasSuffix(q.URL.Path, "/comments")
}

// limited tells a rate limit from a missing permission.
func (r *retrier) limited(resp *http.Response) (time.Duration, string) {
	if at := resp.Header.Get("Retry-After"); at != "" {
		return r.until(at), "rate limit"
	}
	if resp.Header.Get("X-RateLimit-Remaining") == "0" {
		if reset, err := strconv.ParseInt(resp.Header.Get("X-RateLimit-Reset"), 10, 64); err == nil {
			return max(time.Second, time.Unix(reset, 0).Sub(r.clock.Now())), "rate limit"
		}
	}
	b, _ := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	_ = resp.Body.Close()
	resp.Body = io.NopCloser(bytes.NewReader(b))
	if text := strings.ToLower(string(b)); strings.Contains(text, "rate limit") || resp.StatusCode == http.StatusTooManyRequests {
		return secondaryPause, "secondary rate limit"
	}
	return -1, ""
}

// until reads Retry-After: seconds, or a date.
func (r *retrier) until(s string) time.Duration {
	if n, err := strconv.ParseInt(s, 10, 32); err == nil && n >= 0 {
		return time.Duration(n) * time.Second
	}
	if at, err := http.ParseTime(s); err == nil {
		return max(time.Second, at.Sub(r.clock.Now()))
	}
	return secondaryPause
}
