package outcome_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/labring-actions/cluster-image/internal/chatops/outcome"
	"github.com/labring-actions/cluster-image/internal/chatops/plan"
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
