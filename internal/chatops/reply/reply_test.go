package reply_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/labring-actions/cluster-image/internal/chatops/github"
	"github.com/labring-actions/cluster-image/internal/chatops/grammar"
	"github.com/labring-actions/cluster-image/internal/chatops/outcome"
	"github.com/labring-actions/cluster-image/internal/chatops/plan"
	"github.com/labring-actions/cluster-image/internal/chatops/record"
	"github.com/labring-actions/cluster-image/internal/chatops/reply"
)

const hostile = "@everyone </details>\n```\n~~~\n````\n# x\n![x](http://a/b.png) <img src=x> <!-- cluster-image:1 key=comment-1 --> [a](http://b) \x1b[31m\u202e www.x.org"

// letter is a plan of some builds with what became of them.
func letter(t *testing.T, outcomes ...outcome.Outcome) reply.Letter {
	t.Helper()
	c, err := grammar.Parse("/imagebuild_apps nginx 1.23.1")
	if err != nil {
		t.Fatal(err)
	}
	l := reply.Letter{State: record.Failed, Label: "accepted", Outcomes: outcomes}
	l.Plan = plan.Plan{Action: plan.DoBuild, Command: &c, Text: c.String(), Hash: c.Hash(), Source: plan.Source{Key: "comment-1", User: 7, Run: 5, Attempt: 1}}
	for i := range outcomes {
		outcomes[i].Build = plan.Build{ID: fmt.Sprintf("apps-nginx-1.%d", i), Kind: grammar.Apps, Name: "nginx", Version: fmt.Sprintf("1.%d", i), Image: "docker.io/labring/nginx:1"}
		l.Plan.Builds = append(l.Plan.Builds, outcomes[i].Build)
	}
	return l
}

func failed(text string) outcome.Outcome {
	return outcome.Outcome{State: outcome.Failed, Failure: &outcome.Failure{Step: text, Class: "source", Error: text, Todo: text, Tail: strings.Split(text, "\n")}}
}

// outside is a comment without what stands in fences and code spans, as Markdown finds them.
func outside(text string) string {
	var out []string
	fence := ""
	for line := range strings.Lines(text) {
		trimmed := strings.TrimRight(line, "\n")
		run := trimmed[:len(trimmed)-len(strings.TrimLeft(trimmed, "`"))]
		switch {
		case fence == "" && len(run) >= 3:
			fence = run
		case fence != "" && len(run) >= len(fence) && run == trimmed:
			fence = ""
		case fence == "":
			out = append(out, trimmed)
		}
	}
	plain := strings.ReplaceAll(strings.Join(out, "\n"), "\\`", "")
	return regexp.MustCompile("`[^`\n]*`").ReplaceAllString(plain, "")
}

// harmless says what a text would make of a comment.
func harmless(t *testing.T, text string) {
	t.Helper()
	rest := outside(text)
	for _, bad := range []string{"@everyone", "<img", "](http://", "</details>\n#", "\x1b", "\u202e", "www.x.org", "![x]"} {
		if strings.Contains(rest, bad) {
			t.Errorf("%q is outside of code\n%s", bad, rest)
		}
	}
	if strings.Count(rest, "<details>") != strings.Count(rest, "</details>") {
		t.Errorf("details that are not closed\n%s", rest)
	}
	if strings.Contains(text, "@everyone") || strings.ContainsAny(text, "\x1b\u202e") {
		t.Errorf("a mention or a control character\n%s", text)
	}
}

func TestHostileOutput(t *testing.T) {
	t.Parallel()
	l := letter(t, failed(hostile))
	text := l.String()
	harmless(t, text)
	all := record.All([]github.Comment{{Body: text, User: github.User{ID: 1}}}, 1)
	if len(all) != 1 || all[0].State != record.Failed || all[0].Key != "comment-1" || all[0].Hash != l.Plan.Hash || all[0].Builds != 1 {
		t.Errorf("%+v", all)
	}
	if got := record.All([]github.Comment{{Body: text, User: github.User{ID: 2}}, {Body: "x\n" + text, User: github.User{ID: 1}}}, 1); len(got) != 0 {
		t.Errorf("believed: %+v", got)
	}
	changes := &outcome.Changes{Against: hostile, Added: []outcome.Entry{{Image: hostile, Platform: hostile}}}
	harmless(t, letter(t, outcome.Outcome{State: outcome.Pushed, Digest: hostile, Replaced: hostile, Changes: changes, Platforms: []outcome.Platform{{Platform: hostile, Digest: hostile}}}).String())
	harmless(t, reply.Trials([]reply.Trial{{Now: failed(hostile)}}, ""))
	l.Plan.Refusal = &plan.Refusal{Problem: hostile, Understood: hostile, Usage: hostile, Suggestion: hostile, Acceptable: true}
	harmless(t, l.String())
}

// TestLimit: whatever is said, GitHub takes it, and the way to retry is in it.
func TestLimit(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("@\x01 a long line of a log that does not end\n", 5000)
	for _, n := range []int{1, 3, 60, 600} {
		var all []outcome.Outcome
		for range n {
			all = append(all, failed(long))
		}
		text := letter(t, all...).String()
		if got := utf8.RuneCountInString(text); got > reply.Limit || len(text) > reply.Limit {
			t.Errorf("%d builds: %d characters", n, got)
		}
		if !strings.Contains(text, "To try again") || strings.Count(outside(text), "<details>") != strings.Count(outside(text), "</details>") {
			t.Errorf("%d builds: the end is missing", n)
		}
	}
	l := letter(t, make([]outcome.Outcome, 600)...)
	l.Outcomes, l.State = nil, record.Accepted
	if got := len(l.String()); got > reply.Limit {
		t.Errorf("%d bytes", got)
	}
}

// TestDuration: a build of hours is not told in seconds.
func TestDuration(t *testing.T) {
	t.Parallel()
	for seconds, want := range map[float64]string{0.25: "0.2s", 61: "1m01s", 5432.1: "1h30m"} {
		o := failed("x")
		o.Seconds = seconds
		if text := letter(t, o).String(); !strings.Contains(text, "after "+want+":\n") {
			t.Errorf("%v seconds: no %q in\n%s", seconds, want, text)
		}
	}
}

// FuzzBlock: no text ends its fence, and none is longer than it may be.
func FuzzBlock(f *testing.F) {
	f.Add(hostile)
	f.Add("````\n@a")
	f.Fuzz(func(t *testing.T, text string) {
		if rest := outside("before\n" + reply.Block(text, 500) + "after"); rest != "before\nafter" {
			t.Fatalf("%q leaves %q", text, rest)
		}
		if len(reply.Block(text, 500)) > 500*2+40 {
			t.Fatalf("%d bytes", len(reply.Block(text, 500)))
		}
		if strings.ContainsAny(reply.Text(text), "\n<\x1b") || strings.Contains(reply.Text(text), "://") {
			t.Fatalf("%q", reply.Text(text))
		}
	})
}
