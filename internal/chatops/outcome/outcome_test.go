package outcome_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/labring-actions/cluster-image/internal/chatops/grammar"
	"github.com/labring-actions/cluster-image/internal/chatops/outcome"
	"github.com/labring-actions/cluster-image/internal/chatops/plan"
	"github.com/labring-actions/cluster-image/internal/history"
)

func build(id string) plan.Build { return plan.Build{ID: id, Name: "nginx", Version: "1"} }

// TestGather: each build of the plan has an outcome, whatever its job left.
func TestGather(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for id, o := range map[string]outcome.Outcome{
		"a": {Version: 1, Build: build("forged"), State: outcome.Pushed},
		"b": {Version: 1, State: outcome.Built},
		"c": {Version: 2, State: outcome.Pushed},
	} {
		if err := os.Mkdir(filepath.Join(dir, "result-"+id), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := o.Write(filepath.Join(dir, "result-"+id, "result.json")); err != nil {
			t.Fatal(err)
		}
	}
	got := outcome.Gather(plan.Plan{Builds: []plan.Build{build("a"), build("b"), build("c"), build("d")}}, dir)
	for i, want := range []outcome.State{outcome.Pushed, outcome.Failed, outcome.Failed, outcome.Lost} {
		if got[i].State != want || got[i].Build.ID != string(rune('a'+i)) {
			t.Errorf("%d: %+v, want %s", i, got[i], want)
		}
	}
	if got[0].Succeeded() == got[3].Succeeded() {
		t.Error("lost and pushed are one")
	}
}

func TestReadIsStrict(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "result.json")
	for _, text := range []string{"", "{", `{"version":1,"more":1}`, `{"version":3}`, `[]`} {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if o, err := outcome.Read(file); err == nil {
			t.Errorf("%q read as %+v", text, o)
		}
	}
}

func TestDifference(t *testing.T) {
	t.Parallel()
	images := func(all ...string) outcome.Outcome {
		var o outcome.Outcome
		for _, a := range all {
			image, digest, _ := strings.Cut(a, " ")
			o.Images = append(o.Images, outcome.Image{Image: image, Platform: "linux/amd64", Digest: "sha256:" + digest})
		}
		return o
	}
	c := outcome.Difference(
		images("docker.io/x/same:1 aa", "docker.io/x/up:1 bb", "docker.io/x/moved:latest cc", "docker.io/x/gone:1 dd", "localhost:5000/x/two:1 ee", "localhost:5000/x/two:2 ff"),
		images("docker.io/x/same:1 aa", "docker.io/x/up:2 b2", "docker.io/x/moved:latest c2", "docker.io/x/new:1 gg", "localhost:5000/x/two:1 ee", "localhost:5000/x/two:2 ff"),
	)
	if len(c.Moved) != 2 || c.Moved[0].From != "latest@cc" || c.Moved[1].To != "2" || len(c.Added) != 1 || c.Added[0].Image != "docker.io/x/new:1" ||
		len(c.Removed) != 1 || c.Removed[0].Image != "docker.io/x/gone:1" {
		t.Errorf("%+v", c)
	}
}

// TestHistory: what was pushed of applications is recorded, and nothing else.
func TestHistory(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 12, 1, 10, 0, 0, 0, time.UTC)
	const digest = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	pushed := func(kind grammar.Kind, name string, change func(*outcome.Outcome)) outcome.Outcome {
		o := outcome.Outcome{Build: plan.Build{Kind: kind, Name: name, Version: "1.0.0"}, State: outcome.Pushed, Digest: digest, Time: now}
		if change != nil {
			change(&o)
		}
		return o
	}
	got := outcome.History([]outcome.Outcome{
		pushed(grammar.Apps, "web", nil),
		pushed(grammar.Hosted, "db", nil),
		pushed(grammar.Configs, "config", nil),
		pushed(grammar.DockerImages, "tool", nil),
		pushed(grammar.Apps, "failed", func(o *outcome.Outcome) { o.State = outcome.Failed }),
		pushed(grammar.Apps, "dry", func(o *outcome.Outcome) { o.State = outcome.Planned }),
		pushed(grammar.Apps, "forged", func(o *outcome.Outcome) { o.Digest = "<b>" }),
		pushed(grammar.Apps, "untimely", func(o *outcome.Outcome) { o.Time = now.AddDate(1, 0, 0) }),
	}, "https://example.com/runs/1", now)
	want := []history.Build{
		{Name: "db", Version: "1.0.0", Time: now, Digest: digest, URL: "https://example.com/runs/1"},
		{Name: "web", Version: "1.0.0", Time: now, Digest: digest, URL: "https://example.com/runs/1"},
	}
	if !slices.Equal(got, want) {
		t.Errorf("%+v", got)
	}
}
