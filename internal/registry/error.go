package registry

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

var (
	// ErrNotFound is what every error for a manifest, blob or repository that the registry does not have wraps.
	ErrNotFound = errors.New("not found")
	// ErrUnauthorized means that the registry wants to know who asks, or does not believe it. 401.
	ErrUnauthorized = errors.New("not authorized")
	// ErrDenied means that the registry knows who asks and does not allow it. 403.
	ErrDenied = errors.New("denied")
	// ErrTooLarge means that the registry takes no request of that size. 413.
	ErrTooLarge = errors.New("too large for the registry")
	// ErrTooMany means that the registry asks for patience. 429.
	ErrTooMany = errors.New("too many requests")
	// ErrCorrupt means that one side got something else than what the digest says: from the registry, or the registry
	// from here (DIGEST_INVALID).
	ErrCorrupt = errors.New("wrong content")
	// ErrLimit means that an answer is larger than anything legitimate.
	ErrLimit = errors.New("over the limit")
	// ErrStalled means that a request made no progress for too long.
	ErrStalled = errors.New("no progress")
	// ErrUnsafe means that following the registry would send credentials or requests where they do not belong.
	ErrUnsafe = errors.New("refused for safety")
)

// Error is a request that failed for good.
type Error struct {
	// Host and Repository are where, as references spell them.
	Host, Repository string
	// What was asked for: get manifest 1.2.
	What string
	// Status is the last HTTP status, 0 when none came.
	Status int
	// Code and Message are what the registry said, shortened: MANIFEST_UNKNOWN, manifest unknown.
	Code, Message string
	// Attempts is how often it was tried.
	Attempts int
	// Err is the cause when no status came, or a sentinel of this package.
	Err error
	// after is how long the registry wants to be left alone.
	after time.Duration
}

// Error names the repository, what was asked, what came back, after how many tries, and what may help.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s/%s: %s: ", e.Host, e.Repository, e.What)
	switch {
	case e.Status != 0:
		fmt.Fprintf(&b, "%d %s", e.Status, http.StatusText(e.Status))
		if e.Message != "" {
			fmt.Fprintf(&b, " (%s)", e.Message)
		}
	default:
		fmt.Fprint(&b, e.Err)
	}
	if e.Attempts > 1 {
		fmt.Fprintf(&b, ", %d tries", e.Attempts)
	}
	if hint := e.hint(); hint != "" {
		fmt.Fprintf(&b, ": %s", hint)
	}
	return b.String()
}

func (e *Error) hint() string {
	switch e.Status {
	case http.StatusUnauthorized:
		return "the repository is private or does not exist; check the name or log in to " + e.Host
	case http.StatusForbidden:
		return "the account may not do this; check the name and the account's rights at " + e.Host
	case http.StatusTooManyRequests:
		return "the registry limits how much is asked of it; log in, wait, or use a mirror"
	case http.StatusRequestEntityTooLarge:
		return "the registry or a proxy before it limits the size of uploads"
	case http.StatusMethodNotAllowed:
		return "the registry, or what answers in its place, is read-only or a mirror"
	}
	return e.hintTLS()
}

// hintTLS says which flag helps where TLS fails.
func (e *Error) hintTLS() string {
	var authority x509.UnknownAuthorityError
	var noTLS tls.RecordHeaderError
	switch {
	case errors.As(e.Err, &noTLS):
		return "the registry does not talk TLS; if that is meant so, add --plain-http " + e.Host
	case errors.As(e.Err, &authority):
		return "if the registry has a certificate of its own, name the one that signed it with --ca FILE"
	}
	return ""
}

// Unwrap is the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is lets errors.Is find the sentinel of the status.
func (e *Error) Is(target error) bool {
	switch e.Status {
	case http.StatusBadRequest:
		return target == ErrCorrupt && e.Code == digestInvalid
	case http.StatusNotFound:
		return target == ErrNotFound
	case http.StatusUnauthorized:
		return target == ErrUnauthorized
	case http.StatusForbidden:
		return target == ErrDenied
	case http.StatusRequestEntityTooLarge:
		return target == ErrTooLarge
	case http.StatusTooManyRequests:
		return target == ErrTooMany
	}
	return false
}

// errorBody is how registries explain themselves: the errors of the distribution specification.
type errorBody struct {
	Errors []struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	} `json:"errors"`
	Details string `json:"details"`
}

// digestInvalid is the code for content that has another digest than it was announced with.
const digestInvalid = "DIGEST_INVALID"

const (
	errorLimit   = 64 << 10
	messageLimit = 300
)

// explain reads the code and message of a failed response.
func explain(r io.Reader) (code, message string) {
	b, _ := io.ReadAll(io.LimitReader(r, errorLimit))
	var body errorBody
	if json.Unmarshal(b, &body) != nil || len(body.Errors) == 0 {
		return "", printable(body.Details)
	}
	first := body.Errors[0]
	return printable(first.Code), printable(strings.TrimSpace(first.Code + " " + first.Message))
}

// printable shortens foreign text and takes what could upset a terminal out of it.
func printable(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 || r == 0x2028 || r == 0x2029 {
			return ' '
		}
		return r
	}, s)
	if len(s) > messageLimit {
		s = strings.ToValidUTF8(s[:messageLimit], "") + "…"
	}
	return strings.ToValidUTF8(s, "?")
}
