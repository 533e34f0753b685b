package dagger

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// sealosVariable names an image with a sealos that the saver sealos is tried with.
const sealosVariable = "CLUSTER_IMAGE_E2E_SEALOS_IMAGE"

// base is an image that the engine can pull, for both platforms.
const base = "debian:12-slim"

// A build file with a base image and commands is built by the engine, for both platforms, with the images that the context needs.
func TestBuildFileWithCommands(t *testing.T) {
	e, from, recipes := newEngine(t), newUpstream(t, ""), t.TempDir()
	from.image(t, "library/one:1")
	files := pods("docker.io/library/one:1")
	files["Kubefile"] = "FROM " + base + "\nARG ARCH\nRUN echo built for $ARCH on $(dpkg --print-architecture) >/built\nCOPY manifests manifests\nCOPY registry registry\n" +
		"CMD [\"kubectl apply -f manifests\"]\n"
	writeRecipe(t, recipes, "run", files)
	build := []string{"build", "--app", "run", "--version", "1.0.0"}
	for _, arch := range []string{"amd64", "arm64"} {
		got := e.call(t, from, recipes, nil, append(build, "container", "--platform", "linux/"+arch, "file", "--path", "/built", "contents")...).must(t)
		if want := "built for " + arch + " on " + arch; got != want {
			t.Errorf("%s: the command left %q, want %q", arch, got, want)
		}
	}
	archive := filepath.Join(t.TempDir(), "run.tar")
	e.call(t, from, recipes, nil, append(build, "archive", "export", "--path", archive)...).must(t)
	got := run(t.Context(), t.TempDir(), nil, e.program, "images", archive).must(t)
	if strings.Count(got, "library/one:1 ") != 2 {
		t.Errorf("the archive holds\n%s", got)
	}
	platforms := e.call(t, from, recipes, nil, append(build, "platforms")...).must(t)
	if platforms != "linux/amd64\nlinux/arm64" {
		t.Errorf("got platforms %q", platforms)
	}
}

// An image of dockerimages/ is pushed with both platforms.
func TestDockerImage(t *testing.T) {
	e, from, to, recipes := newEngine(t), newUpstream(t, ""), newUpstream(t, ""), t.TempDir()
	writeRecipe(t, recipes, "tool", map[string]string{
		"Dockerfile": "FROM " + base + "\nARG ARCH WORD\nRUN echo $WORD for $ARCH >/built && chmod 4755 /built\nUSER 1000\nCMD [\"cat\", \"/built\"]\n",
	})
	call := []string{"--plain-http", to.address, "docker-image", "--name", "tool", "--version", "1.0", "--build-arg", "WORD=made", "--recipes", recipes}
	got := e.call(t, from, recipes, nil, append(call, "publish", "--address", to.address+"/labring/tool:1.0")...).must(t)
	if !strings.HasPrefix(got, to.address+"/labring/tool:1.0@sha256:") {
		t.Errorf("got %q", got)
	}
	mode := e.call(t, from, recipes, nil, append(call, "container", "--platform", "linux/arm64", "with-exec", "--args", "stat,-c,%a %u,/built", "stdout")...).must(t)
	if mode != "4755 0" {
		t.Errorf("mode and owner are %q", mode)
	}
}

// Sealos and the program leave the same repositories, tags and platform digests: of indexes for both platforms, of an image that is in two
// repositories, of an image with two tags, of one that comes from a mirror, of manifests and of a list.
func TestSaverSealos(t *testing.T) {
	image := os.Getenv(sealosVariable)
	if image == "" {
		t.Skipf("no sealos: set %s to an image with it", sealosVariable)
	}
	e, from, recipes := newEngine(t), newUpstream(t, ""), t.TempDir()
	one := from.image(t, "library/one:1")
	from.push(t, "library/one:1.0", one)
	from.push(t, "copies/one:1", one)
	from.image(t, "team/two:v2")
	from.image(t, "team/three:v3", layer(t))
	from.image(t, "team/four:v4")
	files := pods(from.address+"/library/one:1", from.address+"/library/one:1.0", from.address+"/team/two:v2", "docker.io/team/four:v4")
	files["init.sh"] += "mkdir -p images/shim\nprintf '%s\\n' " + from.address + "/copies/one:1 " + from.address + "/team/three:v3 >images/shim/corpus\n"
	files["Kubefile"] = strings.Replace(kubefile, "COPY manifests", "COPY images images\nCOPY manifests", 1)
	writeRecipe(t, recipes, "corpus", files)
	lists := map[string]string{}
	for _, saver := range []string{"OWN", "SEALOS"} {
		dir := filepath.Join(t.TempDir(), "registry")
		e.call(t, from, recipes, nil, "build", "--app", "corpus", "--version", "1.0.0", "--saver", saver, "--sealos-image", image,
			"registry-dir", "export", "--path", dir).must(t)
		lists[saver] = run(t.Context(), t.TempDir(), nil, e.program, "registry", "list", dir).must(t)
	}
	if lists["OWN"] != lists["SEALOS"] || strings.Count(lists["OWN"], "sha256:") != 12 {
		t.Errorf("cluster-image saves\n%s\nsealos saves\n%s", lists["OWN"], lists["SEALOS"])
	}
}

// Sealos reads manifests line by line: where it finds nothing, that is said.
func TestSaverSealosFindsNothing(t *testing.T) {
	image := os.Getenv(sealosVariable)
	if image == "" {
		t.Skipf("no sealos: set %s to an image with it", sealosVariable)
	}
	e, from, recipes := newEngine(t), newUpstream(t, ""), t.TempDir()
	files := pods()
	files["init.sh"] += "echo 'spec: {containers: [{name: a, image: \"" + from.address + "/library/one:1\"}]}' >manifests/flow.yaml\n"
	writeRecipe(t, recipes, "flow", files)
	o := e.call(t, from, recipes, nil, "build", "--app", "flow", "--version", "1.0.0", "--saver", "SEALOS", "--sealos-image", image, "digest")
	if _, message, _ := strings.Cut(o.stderr, "\nError:"); o.err == nil || !strings.Contains(message, "sealos registry save left no image for linux/amd64") {
		t.Errorf("got %v\n%s", o.err, message)
	}
}
