package cli

import (
	"strings"
	"testing"
	"time"

	"github.com/labring-actions/cluster-image/internal/progress"
)

func TestParsePlatforms(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"linux/amd64": "linux/amd64", "arm64": "linux/arm64", "amd64,arm64": "linux/amd64 linux/arm64", " linux/arm64 , amd64": "linux/arm64 linux/amd64",
	} {
		if got, err := parsePlatforms(in); err != nil || strings.Join(got, " ") != want {
			t.Errorf("%q: %v, %v", in, got, err)
		}
	}
	for _, in := range []string{"", "windows/amd64", "linux/386", "linux/amd64;x", "amd64,,arm64", "linux/"} {
		if got, err := parsePlatforms(in); err == nil {
			t.Errorf("%q became %v", in, got)
		}
	}
}

func TestParseSize(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]int64{"0": 0, "512": 512, "512MiB": 512 << 20, "2GB": 2e9, "1.5 G": 15e8, "4 kib": 4096, "1T": 1e12} {
		if got, err := parseSize(in); err != nil || got != want {
			t.Errorf("%q: %d, %v; want %d", in, got, err, want)
		}
	}
	for _, in := range []string{"", "MiB", "-1", "1 XB", "0x10", "1e3", "NaN", "Inf", "10000000TB", "1_000"} {
		if got, err := parseSize(in); err == nil {
			t.Errorf("%q became %d", in, got)
		}
	}
}

func FuzzParseSize(f *testing.F) {
	f.Add("512MiB")
	f.Fuzz(func(t *testing.T, s string) {
		if n, err := parseSize(s); err == nil && n < 0 {
			t.Errorf("%q became %d", s, n)
		}
	})
}

func TestHosts(t *testing.T) {
	t.Parallel()
	var hosts []string
	v := hostsValue(&hosts)
	for _, in := range []string{"10.9.9.9:5100", "registry.example.com", "[::1]:5000"} {
		if err := v.Set(in); err != nil || hosts[len(hosts)-1] != in {
			t.Errorf("%q: %v, %v", in, hosts, err)
		}
	}
	for _, in := range []string{"", "http://10.9.9.9:5100", "registry.example.com/team", "a b"} {
		if err := v.Set(in); err == nil {
			t.Errorf("%q is taken", in)
		}
	}
}

func TestCounts(t *testing.T) {
	t.Parallel()
	var n int
	v := countValue(&n)
	if err := v.Set("12"); err != nil || n != 12 {
		t.Errorf("got %d, %v", n, err)
	}
	for _, in := range []string{"", "0", "-1", "x", "1.5", "99999999999999999999"} {
		if err := v.Set(in); err == nil || err.Error() != "want a number from 1 on" {
			t.Errorf("%q: %v", in, err)
		}
	}
}

func TestTimes(t *testing.T) {
	t.Parallel()
	var d time.Duration
	v := timeValue(&d, time.Second)
	if err := v.Set("1h30m"); err != nil || d != 90*time.Minute {
		t.Errorf("got %s, %v", d, err)
	}
	for _, in := range []string{"", "x", "30", "0", "-1s", "999ms"} {
		if err := v.Set(in); err == nil || !strings.HasPrefix(err.Error(), "want a time ") {
			t.Errorf("%q: %v", in, err)
		}
	}
}

func TestChoices(t *testing.T) {
	t.Parallel()
	mode := progress.Auto
	v := progressValue(&mode)
	if err := v.Set("plain"); err != nil || mode != progress.Plain || v.String() != "plain" {
		t.Errorf("got %q, %v", mode, err)
	}
	if err := v.Set("loud"); err == nil || err.Error() != "want auto, bars, plain, json or quiet" {
		t.Errorf("got %v", err)
	}
	if mode != progress.Plain {
		t.Error("a wrong word changed the value")
	}
}
