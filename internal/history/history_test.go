package history_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/labring-actions/cluster-image/internal/history"
)

var now = time.Date(2026, 12, 1, 10, 0, 0, 0, time.UTC)

func build(name, version string, before time.Duration) history.Build {
	return history.Build{Name: name, Version: version, Time: now.Add(-before)}
}

func TestReadSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	entry := func(rest string) string {
		return `[{"name":"a","version":"1","time":"2026-01-01T00:00:00Z"` + rest + `}]`
	}
	for text, want := range map[string]string{
		`{}`:                           "cannot unmarshal object",
		`[] []`:                        "invalid character",
		`[{"name":"a","version":"1"}]`: "number 1: a 1 has no time",
		`[{"name":"../a","version":"1","time":"2026-01-01T00:00:00Z"}]`:         "../a",
		`[{"name":"a","version":"1/2","time":"2026-01-01T00:00:00Z"}]`:          "1/2",
		`[{"name":"a","version":"1","time":"2027-01-01T00:00:00Z"}]`:            "is yet to come",
		entry(`,"digest":"sha256:12"`):                                          "is no digest",
		entry(`,"digest":"<script>alert(1)</script>"`):                          "is no digest",
		entry(`,"url":"javascript:alert(1)"`):                                   "is no address of a page",
		entry(`,"url":"http://example.com/1"`):                                  "is no address of a page",
		entry(`,"url":"https://user:secret@example.com/1"`):                     "is no address of a page",
		entry(`,"url":"https://example.com/\"><script>"`):                       "is no address of a page",
		entry(`,"url":"https://example.com/` + strings.Repeat("a", 3000) + `"`): "is no address of a page",
		`["` + strings.Repeat("x", 16<<20) + `"]`:                               "more than 16777216 bytes",
	} {
		if _, err := history.Read(strings.NewReader(text), now); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.100s: %v, want %q", text, err, want)
		}
	}
}

func TestMergeKeepsTheLastBuild(t *testing.T) {
	t.Parallel()
	site := []history.Build{build("web", "1.0.0", 48*time.Hour), build("db", "2.0.0", 24*time.Hour)}
	run := []history.Build{build("web", "1.0.0", time.Hour), build("web", "1.1.0", time.Hour), build("db", "2.0.0", 72*time.Hour)}
	want := "db 2.0.0 24h0m0s, web 1.0.0 1h0m0s, web 1.1.0 1h0m0s"
	for _, records := range [][][]history.Build{{site, run}, {run, site}, {site, run, site, run}, {history.Merge(site, run), run}} {
		var got []string
		for _, b := range history.Merge(records...) {
			got = append(got, fmt.Sprintf("%s %s %s", b.Name, b.Version, now.Sub(b.Time)))
		}
		if strings.Join(got, ", ") != want {
			t.Errorf("%s, want %s", strings.Join(got, ", "), want)
		}
	}
}

// TestMergeIsTheSameInAnyOrder: of builds of the same second too.
func TestMergeIsTheSameInAnyOrder(t *testing.T) {
	t.Parallel()
	a, b := build("web", "1.0.0", 0), build("web", "1.0.0", 0)
	a.URL, b.URL = "https://example.com/1", "https://example.com/2"
	one, other := history.Merge([]history.Build{a}, []history.Build{b}), history.Merge([]history.Build{b}, []history.Build{a})
	if !slices.Equal(one, other) || len(one) != 1 {
		t.Errorf("%v, and %v", one, other)
	}
}

func TestMergeIsBounded(t *testing.T) {
	t.Parallel()
	var all []history.Build
	for i := range 200 {
		all = append(all, build("web", fmt.Sprintf("1.%d.0", i), time.Duration(i)*time.Hour))
	}
	got := history.Merge(all[:90], all[50:], []history.Build{build("db", "1.0.0", 9000*time.Hour)})
	if len(got) != 51 || got[0].Name != "db" || !slices.IsSortedFunc(got, func(a, b history.Build) int { return strings.Compare(a.Name+a.Version, b.Name+b.Version) }) {
		t.Fatalf("%d builds: %v", len(got), got)
	}
	for _, b := range got[1:] {
		if now.Sub(b.Time) >= 50*time.Hour {
			t.Errorf("%s is not one of the last 50", b.Version)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add(`[{"name":"web","version":"1.0.0","time":"2026-02-01T00:00:00.5+02:00","digest":"sha256:` + strings.Repeat("a", 64) + `","url":"https://example.com/2"},{"name":"web","version":"1.0.0","time":"2026-01-01T00:00:00Z"}]`)
	f.Add(`[{"name":"web"}]`)
	f.Add(`{}`)
	f.Fuzz(func(t *testing.T, text string) {
		all, err := history.Read(strings.NewReader(text), now)
		if err != nil {
			return
		}
		merged := history.Merge(all)
		b, err := history.Text(merged)
		if err != nil {
			t.Fatal(err)
		}
		again, err := history.Read(bytes.NewReader(b), now)
		if err != nil || !slices.Equal(history.Merge(again, all), merged) {
			t.Errorf("%v, %v", err, again)
		}
	})
}
