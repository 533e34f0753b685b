package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// ours is the name of the program that is measured.
const ours = "cluster-image"

// tool is a program that saves images to disk, or also builds and pushes cluster images.
type tool struct {
	Name    string
	Path    string `json:",omitempty"`
	Version string `json:",omitempty"`
	// Skipped says why the tool is not run.
	Skipped string `json:",omitempty"`

	versionArgs []string
	// save are the processes that bring images to disk.
	save func(t tool, s saving) []step
	// build are the processes that build a cluster image for every platform and push it as one; nil when the tool cannot.
	build func(t tool, b building) ([]step, error)
}

// saving is what a tool is to save.
type saving struct {
	host   string
	images []imageSpec
	// out is an absent directory to save to, home an empty one to live in.
	out, home string
	env       []string
}

func (s saving) names() []string {
	var out []string
	for _, i := range s.images {
		out = append(out, s.host+"/"+i.name())
	}
	return out
}

// each makes a process for every image.
func (s saving) each(t tool, args func(name, local string) []string) []step {
	var out []step
	for i, name := range s.names() {
		out = append(out, step{Path: t.Path, Args: args(name, filepath.Base(s.images[i].repository)), Env: s.env})
	}
	return out
}

// tools are the programs that are compared, ours first.
func tools() []tool {
	return []tool{
		{Name: ours, versionArgs: []string{"version"}, save: saveOurs, build: buildOurs},
		{Name: "sealos", versionArgs: []string{"version", "--short"}, save: saveSealos, build: buildSealos},
		{Name: "regctl", versionArgs: []string{"version", "--format", "{{.VCSTag}}"}, save: saveRegctl},
		{Name: "oras", versionArgs: []string{"version"}, save: saveOras},
		{Name: "crane", versionArgs: []string{"version"}, save: saveCrane},
		{Name: "skopeo", versionArgs: []string{"--version"}, save: saveSkopeo},
	}
}

// findTools looks which tools there are.
func findTools(ctx context.Context, o *options) []tool {
	var out []tool
	for _, t := range tools() {
		if !o.wants(t.Name) {
			continue
		}
		t.Skipped = o.Skipped[t.Name]
		if t.Name == ours {
			t.Path = o.Binary
		} else if path, err := exec.LookPath(t.Name); err != nil {
			t.Skipped = "not installed"
		} else {
			t.Path = path
		}
		if t.Skipped == "" {
			t.Version = t.askVersion(ctx, o.work)
		}
		if t.Name == "sealos" && t.Skipped == "" {
			o.giveStorage(ctx, &t)
		}
		out = append(out, t)
	}
	return out
}

// askVersion is the first line that says the version.
func (t tool) askVersion(ctx context.Context, work string) string {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, t.Path, t.versionArgs...)
	home, err := os.MkdirTemp(work, "home-")
	if err != nil {
		return "unknown"
	}
	defer os.RemoveAll(home)
	if cmd.Env, err = settle(home, overlay); err != nil {
		return "unknown"
	}
	out, err := cmd.Output()
	if err != nil {
		return "unknown"
	}
	return versionIn(string(out))
}

// versionIn finds the version in what a tool says of itself.
func versionIn(text string) string {
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		for _, key := range []string{"gitVersion:", "Version:"} {
			if rest, ok := strings.CutPrefix(line, key); ok {
				return strings.TrimRight(strings.TrimSpace(rest), "-")
			}
		}
	}
	first, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return strings.TrimRight(strings.TrimPrefix(strings.TrimPrefix(first, "skopeo version "), ours+" "), "-")
}

// lastLine is the end of a text without its empty lines.
func lastLine(b []byte) string {
	b = bytes.TrimSpace(b)
	return string(b[bytes.LastIndexByte(b, '\n')+1:])
}
