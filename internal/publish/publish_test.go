package publish_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os/exec"
	"slices"
	"strconv"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/labring-actions/cluster-image/internal/assemble"
	"github.com/labring-actions/cluster-image/internal/progress"
	"github.com/labring-actions/cluster-image/internal/publish"
	"github.com/labring-actions/cluster-image/internal/reference"
	"github.com/labring-actions/cluster-image/internal/registry"
)

// push pushes to one target with a client of its own.
func push(t *testing.T, x assemble.Index, targets ...publish.Target) ([]publish.Report, error) {
	t.Helper()
	return publish.Push(t.Context(), publish.Options{Client: client(t, registry.Options{})}, x, targets)
}

func mustPush(t *testing.T, x assemble.Index, target publish.Target) publish.Report {
	t.Helper()
	reports, err := push(t, x, target)
	if err != nil {
		t.Fatal(err)
	}
	return reports[0]
}

// named asks the registry for the digest of a tag.
func named(t *testing.T, ref reference.Reference) v1.Hash {
	t.Helper()
	d, err := client(t, registry.Options{}).HeadManifest(t.Context(), ref, ref.Tag)
	if err != nil {
		t.Fatal(err)
	}
	return d.Digest
}

func TestPush(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, s *server) {
		x, ref := sample(t, "one"), s.target(t, "labring/nginx:1.23.1")
		r := mustPush(t, x, publish.Target{Ref: ref})
		if r.Outcome != publish.Pushed || r.Blobs.Uploaded != sampleBlobs || r.Name() != ref.String()+"@"+x.Digest.String() {
			t.Errorf("report %+v, name %s", r, r.Name())
		}
		if got := named(t, ref); got != x.Digest {
			t.Errorf("the tag names %s, pushed was %s", got, x.Digest)
		}
		for _, image := range x.Images {
			m, err := client(t, registry.Options{}).Manifest(t.Context(), ref, image.Manifest.Digest.String())
			if err != nil || !bytes.Equal(m.Bytes, image.Manifest.Bytes) {
				t.Errorf("manifest of %s: %v", image.Platform.String(), err)
			}
		}
		if got := tags(t, s, "labring/nginx"); !slices.Equal(got, []string{"1.23.1"}) {
			t.Errorf("tags %v, want the one alone", got)
		}
		if got := s.uploads(); got != sampleBlobs {
			t.Errorf("%d uploads, want %d: the layer that both platforms share goes out once", got, sampleBlobs)
		}
	})
}

func tags(t *testing.T, s *server, repo string) []string {
	t.Helper()
	resp, err := http.Get(s.URL + "/v2/" + repo + "/tags/list")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var list struct{ Tags []string }
	if err := json.NewDecoder(resp.Body).Decode(&list); err != nil {
		t.Fatal(err)
	}
	return list.Tags
}

func TestTheSameDigestIsSuccessWithoutWork(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, s *server) {
		x, ref := sample(t, "one"), s.target(t, "labring/nginx:1.23.1")
		mustPush(t, x, publish.Target{Ref: ref})
		s.forget()
		if r := mustPush(t, x, publish.Target{Ref: ref}); r.Outcome != publish.Unchanged {
			t.Errorf("outcome %s", r.Outcome)
		}
		if blobs, written := s.count("", "/blobs/"), s.count(http.MethodPut, ""); blobs+written > 0 {
			t.Errorf("%d requests for blobs and %d writes, want none: %v", blobs, written, s.asked)
		}
	})
}

func TestAnotherTagOfTheSameRepositoryUploadsNothing(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, s *server) {
		x := sample(t, "one")
		mustPush(t, x, publish.Target{Ref: s.target(t, "labring/nginx:1")})
		s.forget()
		r := mustPush(t, x, publish.Target{Ref: s.target(t, "labring/nginx:2")})
		if r.Blobs.Skipped != sampleBlobs || s.uploads() != 0 {
			t.Errorf("%+v and %d uploads, want all skipped", r.Blobs, s.uploads())
		}
	})
}

func TestLayersGoOutWhileOthersAreFetched(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, s *server) {
		x, ref := sample(t, "one"), s.target(t, "labring/nginx:1")
		rc := client(t, registry.Options{})
		standing, err := publish.Check(t.Context(), rc, []publish.Target{{Ref: ref}, {Ref: ref.WithTag("2")}})
		if err != nil {
			t.Fatal(err)
		}
		out := make(chan struct{})
		layer := x.Images[0].Layers[0]
		open := layer.Open
		layer.Open = func() (io.ReadCloser, error) {
			defer close(out)
			return open()
		}
		session := publish.Begin(t.Context(), publish.Options{Client: rc}, standing)
		defer session.Close()
		session.Offer(layer)
		<-out
		session.Offer(layer)
		if _, err := session.Finish(t.Context(), x); err != nil {
			t.Fatal(err)
		}
		if got := s.uploads(); got != sampleBlobs {
			t.Errorf("%d uploads, want %d: two targets of a repository share them, and what was offered goes out once", got, sampleBlobs)
		}
		if named(t, ref) != x.Digest || named(t, ref.WithTag("2")) != x.Digest {
			t.Error("a tag is missing")
		}
	})
}

func TestASessionThatIsClosedPushesNoManifest(t *testing.T) {
	t.Parallel()
	s := simple(t)
	x, ref := sample(t, "one"), s.target(t, "labring/nginx:1")
	rc := client(t, registry.Options{})
	standing, err := publish.Check(t.Context(), rc, []publish.Target{{Ref: ref}})
	if err != nil {
		t.Fatal(err)
	}
	session := publish.Begin(t.Context(), publish.Options{Client: rc}, standing)
	session.Offer(x.Images[0].Layers[0])
	session.Close()
	session.Offer(x.Images[0].Layers[1])
	if _, err := session.Finish(t.Context(), x); err == nil {
		t.Error("a session that was given up finished")
	}
	if n := s.count(http.MethodPut, "/manifests/"); n > 0 {
		t.Errorf("%d manifests were put", n)
	}
}

func TestMounts(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, s *server) {
		x := sample(t, "one")
		o := publish.Options{Client: client(t, registry.Options{}), Places: new(places)}
		for _, repo := range []string{"labring/a:1", "labring/b:1"} {
			s.forget()
			reports, err := publish.Push(t.Context(), o, x, []publish.Target{{Ref: s.target(t, repo)}})
			if err != nil {
				t.Fatal(err)
			}
			b := reports[0].Blobs
			mounts := b.Mounted == sampleBlobs && s.uploads() == 0
			// The simple registry holds a blob for all repositories, so there the question for it is answered with yes.
			if repo == "labring/b:1" && !mounts && b.Skipped != sampleBlobs {
				t.Errorf("%s: %+v, %d uploads; want all mounted", repo, b, s.uploads())
			}
		}
	})
}

// TestNewRepository has nothing asked of a repository that is not there, for blobs that nobody can have put there.
func TestNewRepository(t *testing.T) {
	t.Parallel()
	s := strict(t)
	x, kept := sample(t, "one"), new(places)
	push := func(memory publish.Places, name string) (asked int, b publish.Tally, err error) {
		s.forget()
		reports, err := publish.Push(t.Context(), publish.Options{Client: client(t, registry.Options{}), Places: memory}, x, []publish.Target{{Ref: s.target(t, name)}})
		if len(reports) > 0 {
			b = reports[0].Blobs
		}
		return s.count(http.MethodHead, "/blobs/"), b, err
	}
	if asked, b, err := push(kept, "labring/a:1"); asked != 0 || b.Uploaded != sampleBlobs || err != nil {
		t.Errorf("a new repository: %d blobs were asked for; %+v, %v", asked, b, err)
	}
	if asked, b, err := push(new(places), "labring/a:2"); asked != sampleBlobs || b.Skipped != sampleBlobs || err != nil {
		t.Errorf("another tag: %d blobs were asked for; %+v, %v", asked, b, err)
	}
	if asked, b, err := push(nil, "labring/b:1"); asked != sampleBlobs || b.Uploaded != sampleBlobs || err != nil {
		t.Errorf("without a memory: %d blobs were asked for; %+v, %v", asked, b, err)
	}
	s.script(fault{is(http.MethodPut, "/manifests/"), -1, answer(403, "DENIED")})
	fresh := new(places)
	if _, b, err := push(fresh, "labring/c:1"); b.Uploaded != sampleBlobs || err == nil {
		t.Errorf("a push that fails at its end: %+v, %v", b, err)
	}
	s.script()
	if asked, b, err := push(fresh, "labring/c:1"); asked != sampleBlobs || b.Skipped != sampleBlobs || err != nil {
		t.Errorf("once more: %d blobs were asked for; %+v, %v", asked, b, err)
	}
	for i, answered := range []func(http.ResponseWriter, *http.Request, http.Handler){answer(404, "NOT_FOUND"), answer(403, "DENIED"), answer(405, "UNSUPPORTED")} {
		s.script(fault{is(http.MethodGet, "/tags/list"), -1, answered})
		name := "labring/d" + strconv.Itoa(i) + ":1"
		if asked, b, err := push(new(places), name); asked != sampleBlobs || b.Uploaded != sampleBlobs || err != nil {
			t.Errorf("a registry that lists no tags: %d blobs were asked for; %+v, %v", asked, b, err)
		}
	}
}

func TestProgress(t *testing.T) {
	t.Parallel()
	s := strict(t)
	reporter := progress.New(progress.Options{Mode: progress.Quiet, Out: io.Discard})
	defer reporter.Close()
	o := publish.Options{Client: client(t, registry.Options{}), Places: new(places), Reporter: reporter}
	x := sample(t, "one")
	var size int64
	for _, repo := range []string{"a/b:1", "a/b:2", "a/c:1"} {
		reports, err := publish.Push(t.Context(), o, x, []publish.Target{{Ref: s.target(t, repo)}})
		if err != nil {
			t.Fatal(err)
		}
		size = max(size, reports[0].Blobs.Bytes)
	}
	sum := reporter.Summary()
	want := progress.Tally{Files: sampleBlobs, Bytes: size}
	if sum.Pushed != want || sum.Skipped != want || sum.Mounted != want {
		t.Errorf("%+v, want %+v each of pushed, skipped and mounted", sum, want)
	}
}

func TestSkopeoKeepsTheDigest(t *testing.T) {
	t.Parallel()
	skopeo, err := exec.LookPath("skopeo")
	if err != nil {
		t.Skip("skopeo is not installed: apt-get install skopeo")
	}
	from, to := strict(t), strict(t)
	x := sample(t, "one")
	mustPush(t, x, publish.Target{Ref: from.target(t, "labring/nginx:1")})
	mirror := to.target(t, "mirror/nginx:1")
	out, err := exec.CommandContext(t.Context(), skopeo, "copy", "--all", "--src-tls-verify=false", "--dest-tls-verify=false",
		"docker://"+from.target(t, "labring/nginx:1").String(), "docker://"+mirror.String()).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if got := named(t, mirror); got != x.Digest {
		t.Errorf("the copy is %s, pushed was %s", got, x.Digest)
	}
}
