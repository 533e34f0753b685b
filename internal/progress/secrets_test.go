package progress_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/labring-actions/cluster-image/internal/progress"
)

func TestSecretsAreWrittenNowhere(t *testing.T) {
	t.Parallel()
	const secret = "s3cr3t/+ p&ss"
	forms := []string{secret, url.QueryEscape(secret), url.PathEscape(secret), base64.StdEncoding.EncodeToString([]byte(secret))}
	for _, mode := range []progress.Mode{progress.Bars, progress.Plain, progress.JSON} {
		var out bytes.Buffer
		c := newClock()
		r := progress.New(progress.Options{Mode: mode, Out: &out, Clock: c, Width: func() int { return 500 }})
		r.Redact(secret)
		for _, s := range forms {
			step := r.Step("login", s)
			blob := r.Transfer(progress.Push, s, 10)
			blob.Add(1)
			c.pass(3 * time.Second)
			r.Refresh()
			blob.Done(errors.New(s))
			step.Done(errors.New(s))
			r.Warn("w %s", s)
			r.Note("n %s", s)
			r.Output("init.sh", s)
		}
		r.Close()
		for _, s := range append(forms, `s3cr3t/+ p\u0026ss`) {
			if strings.Contains(out.String(), s) {
				t.Errorf("%s: %q is in\n%s", mode, s, out.String())
			}
		}
		if !strings.Contains(out.String(), "***") {
			t.Errorf("%s: nothing was hidden, so nothing was tested", mode)
		}
	}
}

func TestSecrets(t *testing.T) {
	t.Parallel()
	var s progress.Secrets
	for _, secret := range []string{"pass", "password123", "", "abc", "line one\nline two\n"} {
		s.Add(secret)
	}
	for text, want := range map[string]string{
		"password123 pass": "*** ***",
		"abc":              "abc",
		"say line two":     "say ***",
	} {
		if got := s.Clean(text); got != want {
			t.Errorf("Clean(%q) = %q, want %q", text, got, want)
		}
	}
	var none *progress.Secrets
	if got := none.Clean("x"); got != "x" {
		t.Errorf("nil changed the text to %q", got)
	}
}
