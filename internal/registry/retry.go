package registry

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	// firstWait and longestWait bound the waits between tries; each is twice the last, less a random part.
	firstWait, longestWait = 200 * time.Millisecond, 10 * time.Second
	// longestAsked is the most of a Retry-After that is waited for. Registries have asked for years.
	longestAsked = time.Minute
)

// again waits before the next try, or gives the error to end with.
func (c *Client) again(ctx context.Context, q *request, attempt int, err error) error {
	var e *Error
	if !errors.As(err, &e) {
		return err
	}
	e.Attempts = attempt
	if ctx.Err() != nil {
		return errors.Join(context.Cause(ctx), e)
	}
	if attempt >= maxAttempts || !transient(e) {
		return e
	}
	if c.budget.Add(-1) < 0 {
		e.Message = strings.TrimSpace(e.Message + " " + errNoBudget.Error())
		return e
	}
	wait := max(backoff(attempt), e.after)
	if bad := c.clock.Sleep(ctx, wait); bad != nil {
		return errors.Join(bad, e)
	}
	return nil
}

// Backoff waits before try number attempt+1 of something that spans several requests, and counts it among the
// retries. It says when there is none left.
func (c *Client) Backoff(ctx context.Context, attempt int) error {
	if attempt >= maxAttempts {
		return fmt.Errorf("%d tries", attempt)
	}
	if c.budget.Add(-1) < 0 {
		return errNoBudget
	}
	return c.clock.Sleep(ctx, backoff(attempt))
}

func backoff(attempt int) time.Duration {
	d := min(firstWait<<(attempt-1), longestWait)
	return d/2 + rand.N(d/2)
}

// transient says whether the same request may succeed later.
func transient(e *Error) bool {
	if e.Status != 0 {
		return slices.Contains([]int{http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError,
			http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout}, e.Status)
	}
	return Transient(e.Err)
}

// Transient says whether an error below HTTP may pass: not one of names, certificates or our own rules.
func Transient(err error) bool {
	var dns *net.DNSError
	var certificate *tls.CertificateVerificationError
	var authority x509.UnknownAuthorityError
	var noTLS tls.RecordHeaderError
	switch {
	case err == nil, isFatal(err), errors.Is(err, ErrUnsafe), errors.Is(err, ErrLimit), errors.Is(err, context.Canceled):
		return false
	case errors.As(err, &dns):
		return !dns.IsNotFound
	case errors.As(err, &certificate), errors.As(err, &authority), errors.As(err, &noTLS):
		return false
	}
	return true
}

// retryAfter is how long the registry wants to be left alone: seconds or a date (RFC 9110, section 10.2.3), and no
// more than a minute of it.
func retryAfter(h http.Header, now time.Time) time.Duration {
	v := strings.TrimSpace(h.Get("Retry-After"))
	if v == "" {
		return 0
	}
	if n, err := strconv.ParseFloat(v, 64); err == nil {
		return time.Duration(min(max(n, 0), longestAsked.Seconds()) * float64(time.Second))
	}
	if t, err := http.ParseTime(v); err == nil {
		return min(max(t.Sub(now), 0), longestAsked)
	}
	return 0
}

// watchRateLimit warns, once for each host, when little is left of what the registry allows. The headers are those of
// Docker Hub: ratelimit-limit: 100;w=21600.
func (c *Client) watchRateLimit(h *host, header http.Header) {
	limit, ok1 := leading(header.Get("RateLimit-Limit"))
	left, ok2 := leading(header.Get("RateLimit-Remaining"))
	if !ok1 || !ok2 || c.options.Warn == nil || left*10 > limit {
		return
	}
	if h.warned.CompareAndSwap(false, true) {
		c.options.Warn("%s allows %d more pulls of %d; log in or use a mirror for more", h.name, left, limit)
	}
}

func leading(v string) (int, bool) {
	v, _, _ = strings.Cut(v, ";")
	n, err := strconv.Atoi(strings.TrimSpace(v))
	return n, err == nil
}
