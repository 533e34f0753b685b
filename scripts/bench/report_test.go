package main

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"testing"
	"time"
)

func took(walls ...time.Duration) []sample {
	var out []sample
	for _, w := range walls {
		s := sample{usage: usage{Wall: w * time.Second, User: w * time.Second, Peak: int64(w) << 20}, Hashing: 2 * time.Second}
		if w == 0 {
			s.Error = "it broke\nand so on"
		}
		out = append(out, s)
	}
	return out
}

func TestMedians(t *testing.T) {
	t.Parallel()
	w := &row{Samples: took(3, 0, 1, 9)}
	if w.wall() != 3*time.Second || w.cpu() != 3*time.Second || w.peak() != 3<<20 {
		t.Errorf("%s %s %d", w.wall(), w.cpu(), w.peak())
	}
	if w.span() != "1.00–9.00, 1 failed" {
		t.Error(w.span())
	}
	if (&row{}).wall() != 0 {
		t.Error("a median of nothing")
	}
}

// TestCostIsWithinRounds has a second round in which everything takes four times as long.
func TestCostIsWithinRounds(t *testing.T) {
	t.Parallel()
	w := &row{Samples: took(3, 12, 0)}
	w.Samples[1].Hashing *= 4
	if w.cost() != 1.5 || w.fastest() != 3*time.Second {
		t.Errorf("cost %g, fastest %s", w.cost(), w.fastest())
	}
	w.Samples[0].Hashing, w.Samples[1].Hashing = 0, 0
	if w.cost() != 0 {
		t.Errorf("a cost without a measure: %g", w.cost())
	}
}

// TestRatioIsWithinRounds has two rounds, the second under three times the load.
func TestRatioIsWithinRounds(t *testing.T) {
	t.Parallel()
	a, b := &row{Samples: took(4, 12, 0)}, &row{Samples: took(2, 6, 1)}
	if got := a.ratio(b); got != 2 {
		t.Errorf("ratio %g", got)
	}
	if got := a.ratio(&row{Samples: took(0, 0, 0)}); got != 0 {
		t.Errorf("a ratio to nothing: %g", got)
	}
}

func made() *report {
	r := &report{Idle: 1 << 20, Tools: []tool{{Name: ours, Version: "1"}, {Name: "crane", Skipped: "not installed"}}}
	add := func(name, tool string, s []sample) *row {
		w := r.row(name, tool)
		w.Samples, w.Same = s, true
		return w
	}
	add(caseSlow, ours, took(2, 2))
	add(caseSlow, "sealos", took(20, 20))
	add(caseSlow, "regctl", took(6, 6))
	add(caseCold, ours, took(1, 1)).Wire = &wire{}
	add(caseCold, "sealos", took(0, 0))
	add(caseWarm, ours, took(1, 1)).Wire = &wire{BlobRequests: 1}
	add(caseChanged, ours, took(1, 1)).Wire = &wire{Sent: 7 * megabyte}
	return r
}

func TestJudge(t *testing.T) {
	t.Parallel()
	r := made()
	r.judge()
	var got strings.Builder
	for _, x := range r.Targets {
		mark := "-"
		if x.Held {
			mark = "+"
		}
		got.WriteString(mark + " " + x.Text + ": " + x.Measured + "\n")
	}
	want := `+ save, slow: at least 8x as fast as sealos: 10.0x
- save, slow: at least 4x as fast as the best peer: 3.0x (regctl)
- an unchanged build takes less than 1 s and asks for no blob: 1.00 s, 1 blob requests, 0 manifest requests
+ one image of ten changed: its new blobs are pushed, of others less than 1 %: 0.0 MB of new blobs, 0.00 MB of others, 7.0 MB sent in all
+ build + push, cold: processor time within 1.5x of hashing the bytes three times: 1.00 s, 0.50x
+ build + push, cold: at most 48 MiB of memory above an idle program: 0 MiB above 1 MiB
`
	if got.String() != want {
		t.Errorf("got\n%swant\n%s", got.String(), want)
	}
}

func TestTableSaysWhatFailedAndWhatWasSkipped(t *testing.T) {
	t.Parallel()
	r := made()
	r.judge()
	var out bytes.Buffer
	if err := r.write(&out, false); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"crane: skipped, not installed", "it broke", "10.0x", "MISSED"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
	if strings.Contains(out.String(), "and so on") {
		t.Error("a whole log is in the table")
	}
	widths := map[int]bool{}
	_, table, _ := strings.Cut(out.String(), "| job")
	table, _, _ = strings.Cut("| job"+table, "\n\n")
	for line := range strings.Lines(table + "\n") {
		if strings.HasPrefix(line, "|") {
			widths[strings.Count(line, "|")] = true
		}
	}
	if len(widths) != 1 {
		t.Errorf("lines of the table have %v cells", widths)
	}
	out.Reset()
	var back report
	if err := r.write(&out, true); err != nil || json.Unmarshal(out.Bytes(), &back) != nil || len(back.Rows) != len(r.Rows) {
		t.Errorf("JSON: %v", err)
	}
}

func TestVersionIn(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"skopeo version 1.9.3\n":                       "1.9.3",
		"Version:    1.3.6\nGo version: go1.26\n":      "1.3.6",
		"SealosVersion:\n  gitVersion: v5.1.1\n":       "v5.1.1",
		"cluster-image v1.0.0 (go1.26, linux/amd64)\n": "v1.0.0 (go1.26, linux/amd64)",
		"v0.22.1": "v0.22.1",
	} {
		if got := versionIn(text); got != want {
			t.Errorf("%q: %q", text, got)
		}
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	for line, code := range map[string]int{"--only nothing": 2, "--runs 0": 2, "word": 2, "--rate 0": 2, "--unknown": 2, "--help": 0} {
		if o, got := parse(strings.Fields(line), io.Discard); o != nil || got != code {
			t.Errorf("%s: %v, %d", line, o, got)
		}
	}
	o, _ := parse([]string{"--scale", "--tools", "cluster-image,oras"}, io.Discard)
	if o == nil || !o.has(partScale) || o.has(partSave) || !o.wants("oras") || o.wants("crane") {
		t.Errorf("%+v", o)
	}
	o.work = "/w"
	text, err := o.encode()
	if err != nil {
		t.Fatal(err)
	}
	if back, err := decode(text); err != nil || back.work != "/w" || !back.has(partScale) {
		t.Errorf("%+v, %v", back, err)
	}
}

func TestRounds(t *testing.T) {
	t.Parallel()
	b := &bench{tools: []tool{{Name: "a"}, {Name: "b", Skipped: "x"}, {Name: "c"}}}
	for round, want := range []string{"ac", "ca", "ac"} {
		got := ""
		for _, t := range b.runnable(round, func(tool) bool { return true }) {
			got += t.Name
		}
		if got != want {
			t.Errorf("round %d: %s", round, got)
		}
	}
}
