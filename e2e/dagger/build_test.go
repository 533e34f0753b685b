package dagger

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestBuild(t *testing.T) {
	e, from, recipes := newEngine(t), newUpstream(t, ""), t.TempDir()
	shared := layer(t)
	from.image(t, "library/one:1", shared)
	from.image(t, "library/two:2", shared)
	writeRecipe(t, recipes, "first", pods("docker.io/library/one:1"))
	writeRecipe(t, recipes, "second", pods("docker.io/library/one:1", "two:2"))
	want := map[string]string{"first": e.inProcess(t, from, recipes, "first"), "second": e.inProcess(t, from, recipes, "second")}
	from.asked()
	build := func(t *testing.T, app string, more ...string) (digest string, blobs, all int64) {
		t.Helper()
		digest = e.call(t, from, recipes, nil, append([]string{"build", "--app", app, "--version", "1.0.0"}, append(more, "digest")...)...).must(t)
		blobs, all = from.asked()
		return digest, blobs, all
	}

	t.Run("cold", func(t *testing.T) {
		digest, blobs, _ := build(t, "first")
		if digest != want["first"] || blobs == 0 {
			t.Errorf("got %s with %d blobs, want %s and some", digest, blobs, want["first"])
		}
	})
	t.Run("unchanged", func(t *testing.T) {
		digest, _, all := build(t, "first")
		if digest != want["first"] || all != 0 {
			t.Errorf("got %s with %d requests, want %s and none", digest, all, want["first"])
		}
	})
	t.Run("asked afresh", func(t *testing.T) {
		digest, blobs, all := build(t, "first", "--refresh")
		if digest != want["first"] || blobs != 0 || all == 0 {
			t.Errorf("got %s with %d blobs and %d requests, want %s, none and some", digest, blobs, all, want["first"])
		}
	})
	t.Run("an application that shares images", func(t *testing.T) {
		digest, blobs, _ := build(t, "second")
		// Two layers and two configurations are new, each may come in parts; the shared layer and the first image are there.
		if digest != want["second"] || blobs == 0 || blobs > 4 {
			t.Errorf("got %s with %d blobs, want %s and at most 4", digest, blobs, want["second"])
		}
	})
	t.Run("an edited entrypoint.sh", func(t *testing.T) {
		writeRecipe(t, recipes, "first", map[string]string{"entrypoint.sh": "kubectl apply -f manifests --wait\n"})
		digest, blobs, _ := build(t, "first")
		if digest == want["first"] || blobs != 0 {
			t.Errorf("got %s with %d blobs, want another digest than %s and none", digest, blobs, want["first"])
		}
		if same := e.inProcess(t, from, recipes, "first"); digest != same {
			t.Errorf("got %s, in process it is %s", digest, same)
		}
	})
	t.Run("one platform", func(t *testing.T) {
		got := e.call(t, from, recipes, nil, "build", "--app", "second", "--version", "1.0.0", "--platform", "linux/arm64", "platforms").must(t)
		if got != "linux/arm64" {
			t.Errorf("got platforms %q", got)
		}
	})
	t.Run("complete", func(t *testing.T) {
		got := e.call(t, from, recipes, nil, "build", "--app", "second", "--version", "1.0.0", "verify").must(t)
		if strings.Count(got, "complete, 2 images needed") != 2 {
			t.Errorf("got %q", got)
		}
	})
}

func TestTwoBuildsAtOnceShareTheStore(t *testing.T) {
	e, from, recipes := newEngine(t), newUpstream(t, ""), t.TempDir()
	from.image(t, "library/one:1")
	writeRecipe(t, recipes, "left", pods("docker.io/library/one:1"))
	writeRecipe(t, recipes, "right", pods("docker.io/library/one:1"))
	done := make(chan outcome)
	for _, app := range []string{"left", "right"} {
		go func() { done <- e.call(t, from, recipes, nil, "build", "--app", app, "--version", "1.0.0", "digest") }()
	}
	for range 2 {
		(<-done).must(t)
	}
	for _, app := range []string{"left", "right"} {
		got := e.call(t, from, recipes, nil, "build", "--app", app, "--version", "1.0.0", "digest").must(t)
		if want := e.inProcess(t, from, recipes, app); got != want {
			t.Errorf("%s: got %s, in process it is %s", app, got, want)
		}
	}
}

func TestFailingScriptShowsItsLastLines(t *testing.T) {
	e, from, recipes := newEngine(t), newUpstream(t, ""), t.TempDir()
	writeRecipe(t, recipes, "broken", map[string]string{
		"init.sh": "#!/usr/bin/env bash\necho the chart server said: teapot >&2\nexit 3\n", "Kubefile": kubefile,
	})
	o := e.call(t, from, recipes, nil, "build", "--app", "broken", "--version", "1.0.0", "digest")
	if o.err == nil {
		t.Fatalf("it worked: %s", o.stdout)
	}
	_, message, _ := strings.Cut(o.stderr, "\nError:")
	for _, want := range []string{"broken", "init.sh", "the chart server said: teapot"} {
		if !strings.Contains(message, want) {
			t.Errorf("the error does not name %q:\n%s", want, message)
		}
	}
}

func TestCommandLine(t *testing.T) {
	e, from, recipes := newEngine(t), newUpstream(t, ""), t.TempDir()
	from.image(t, "library/one:1")
	writeRecipe(t, recipes, "first", pods("docker.io/library/one:1"))
	args := []string{"build", "first", "1.0.0", "--recipes", recipes, "--mirror", "docker.io=" + from.address, "--plain-http", from.address,
		"--label", `words=one, "two"`}
	e.sameCommand(t, nil, args...)
	want, got := e.bothCommands(t, t.TempDir(), nil, append(args, "--json")...)
	if want, got := knownToBoth(t, want), knownToBoth(t, got); got != want {
		t.Errorf("the document is\n%s\nin process it is\n%s", got, want)
	}
}

// knownToBoth is the document of a build without what the module does not tell: where the archive is, what was in the store, warnings.
func knownToBoth(t *testing.T, document string) string {
	t.Helper()
	var doc struct {
		Images []map[string]any
		Rest   map[string]any
	}
	if err := errors.Join(json.Unmarshal([]byte(document), &doc), json.Unmarshal([]byte(document), &doc.Rest)); err != nil {
		t.Fatalf("%v:\n%s", err, document)
	}
	for _, image := range doc.Images {
		delete(image, "stored")
	}
	delete(doc.Rest["bytes"].(map[string]any), "stored")
	for _, key := range []string{"archive", "warnings"} {
		delete(doc.Rest, key)
	}
	doc.Rest["images"] = doc.Images
	text, err := json.MarshalIndent(doc.Rest, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// sameCommand runs build in process and on the engine, and wants the same output and the same archive.
func (e *engine) sameCommand(t *testing.T, env []string, args ...string) {
	t.Helper()
	dir := t.TempDir()
	if want, got := e.bothCommands(t, dir, env, args...); got != want {
		t.Errorf("got %s, in process it is %s", got, want)
	}
	var archives [2][]byte
	for i, name := range []string{"process.tar", "dagger.tar"} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		archives[i] = b
	}
	if !bytes.Equal(archives[0], archives[1]) {
		t.Error("the archives differ")
	}
}

// bothCommands gives what build prints in process and on the engine; both leave an archive in dir.
func (e *engine) bothCommands(t *testing.T, dir string, env []string, args ...string) (inProcess, onEngine string) {
	t.Helper()
	more := append([]string{"--engine", "dagger", "--module", e.root, "--progress", "plain", "--output", "dagger.tar"}, e.arguments()...)
	for _, kv := range env {
		more = append(more, "--engine-argument=--recipe-env="+kv)
	}
	inProcess = run(t.Context(), dir, env, e.program, append(args, "--output", "process.tar", "--cache", t.TempDir())...).must(t)
	return inProcess, run(t.Context(), dir, nil, e.program, append(args, more...)...).must(t)
}
