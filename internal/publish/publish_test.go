package publish_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/labring-actions/cluster-image/internal/assemble"
	"github.com/labring-actions/cluster-image/internal/progress"
	"github.com/labring-actions/cluster-image/internal/publish"
	"github.com/labring-actions/cluster-image/internal/reference"
	"github.com/labring-actions/cluster-image/internal/registry"
	"github.com/labring-actions/cluster-image/internal/store"
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

func TestAFixedTagIsRefusedBeforeAnyUpload(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, s *server) {
		old, x, ref := sample(t, "old"), sample(t, "new"), s.target(t, "labring/nginx:1.23.1")
		mustPush(t, old, publish.Target{Ref: ref})
		s.forget()
		c := client(t, registry.Options{})
		standing, err := publish.Check(t.Context(), c, []publish.Target{{Ref: ref}})
		if err != nil || standing[0].Present != old.Digest {
			t.Fatalf("check: %+v, %v", standing, err)
		}
		session := publish.Begin(t.Context(), publish.Options{Client: c}, standing)
		defer session.Close()
		session.Offer(x.Images[0].Layers[0])
		reports, err := session.Finish(t.Context(), x)
		want := fmt.Sprintf("push to %s: the tag exists: %s is %s, this build is %s; push under another version, or replace it with --force",
			ref, ref, old.Digest, x.Digest)
		if !errors.Is(err, publish.ErrExists) || err.Error() != want || reports[0].Outcome != publish.Failed {
			t.Errorf("got  %v\nwant %s", err, want)
		}
		if n := s.count(http.MethodPost, "") + s.count(http.MethodPut, "") + s.count(http.MethodPatch, ""); n > 0 {
			t.Errorf("%d requests that write: %v", n, s.asked)
		}
	})
}

func TestForceReplaces(t *testing.T) {
	t.Parallel()
	s := strict(t)
	old, x, ref := sample(t, "old"), sample(t, "new"), s.target(t, "labring/nginx:1.23.1")
	mustPush(t, old, publish.Target{Ref: ref})
	r := mustPush(t, x, publish.Target{Ref: ref, Force: true})
	if named(t, ref) != x.Digest || r.Replaced != old.Digest || r.Blobs.Skipped != 3 || r.Blobs.Uploaded != 2 {
		t.Errorf("report %+v", r)
	}
}

// A tag that somebody sets between the check and the push.
func TestATagThatMovesMeanwhile(t *testing.T) {
	t.Parallel()
	other, x := sample(t, "other"), sample(t, "new")
	for _, c := range []struct {
		what      string
		before    string
		meanwhile assemble.Index
		target    publish.Target
		want      error
	}{
		{"new tag appears", "", other, publish.Target{}, publish.ErrMoved},
		{"new tag appears, forced", "", other, publish.Target{Force: true}, nil},
		{"moving tag moves", "old", other, publish.Target{Moving: true}, publish.ErrMoved},
		{"moving tag moves, forced", "old", other, publish.Target{Moving: true, Force: true}, nil},
		{"moving tag stays", "old", assemble.Index{}, publish.Target{Moving: true}, nil},
		{"somebody pushed the same", "old", x, publish.Target{Moving: true}, nil},
	} {
		t.Run(c.what, func(t *testing.T) {
			t.Parallel()
			s := simple(t)
			c.target.Ref = s.target(t, "labring/nginx:stable")
			if c.before != "" {
				mustPush(t, sample(t, c.before), publish.Target{Ref: c.target.Ref})
			}
			rc := client(t, registry.Options{})
			standing, err := publish.Check(t.Context(), rc, []publish.Target{c.target})
			if err != nil {
				t.Fatal(err)
			}
			if c.meanwhile.Images != nil {
				mustPush(t, c.meanwhile, publish.Target{Ref: c.target.Ref, Force: true})
			}
			session := publish.Begin(t.Context(), publish.Options{Client: rc}, standing)
			defer session.Close()
			_, err = session.Finish(t.Context(), x)
			if !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
			want := x.Digest
			if c.want != nil {
				want = other.Digest
			}
			if got := named(t, c.target.Ref); got != want {
				t.Errorf("the tag names %s, want %s", got, want)
			}
		})
	}
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

func TestARegistryThatRefusesMountsGetsUploads(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusBadRequest, http.StatusMethodNotAllowed, http.StatusForbidden, http.StatusNotFound} {
		s := strict(t)
		x := sample(t, "one")
		o := publish.Options{Client: client(t, registry.Options{}), Places: new(places)}
		if _, err := publish.Push(t.Context(), o, x, []publish.Target{{Ref: s.target(t, "labring/a:1")}}); err != nil {
			t.Fatal(err)
		}
		s.script(fault{is(http.MethodPost, "mount="), -1, answer(status, "UNSUPPORTED")})
		s.forget()
		reports, err := publish.Push(t.Context(), o, x, []publish.Target{{Ref: s.target(t, "labring/b:1")}})
		if err != nil || reports[0].Blobs.Uploaded != sampleBlobs {
			t.Errorf("%d: %+v, %v", status, reports, err)
		}
	}
}

func TestFaultsThatPass(t *testing.T) {
	t.Parallel()
	for what, f := range map[string]fault{
		"5xx when an upload begins": {is(http.MethodPost, "/blobs/uploads/"), 3, answer(503, "UNAVAILABLE")},
		"5xx at the end of a blob":  {is(http.MethodPut, "/blobs/uploads/"), 3, answer(500, "UNKNOWN")},
		"reset in mid-upload":       {is(http.MethodPut, "/blobs/uploads/"), 3, cut},
		"429":                       {is("HEAD", "/blobs/"), 4, answer(429, "TOOMANYREQUESTS")},
		"5xx for manifests":         {is(http.MethodPut, "/manifests/"), 3, answer(502, "UNKNOWN")},
		"5xx on reading back":       {is(http.MethodGet, "/manifests/"), 3, answer(500, "UNKNOWN")},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			s := strict(t)
			x, ref := sample(t, "one"), s.target(t, "labring/nginx:1")
			s.script(f)
			mustPush(t, x, publish.Target{Ref: ref})
			if got := named(t, ref); got != x.Digest {
				t.Errorf("the tag names %s", got)
			}
		})
	}
}

// A proxy before the registry takes only small requests.
func TestLargeBlobsGoOutInChunksWhereWholeOnesAreRefused(t *testing.T) {
	t.Parallel()
	s := strict(t)
	large := func(r *http.Request) bool {
		return strings.Contains(r.URL.Path, "/blobs/uploads/") && r.ContentLength > 1<<20
	}
	s.script(fault{large, -1, answer(413, "SIZE_INVALID")})
	x := sampleOf(t, "large", 2<<20)
	ref := s.target(t, "labring/nginx:1")
	mustPush(t, x, publish.Target{Ref: ref})
	if got := s.count(http.MethodPatch, ""); got < 2*3 || named(t, ref) != x.Digest {
		t.Errorf("%d chunks", got)
	}
}

func TestFaultsThatStay(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		f    fault
		says []string
		is   error
	}{
		"401 for the tag":    {fault{is(http.MethodHead, "/manifests/1"), -1, answer(401, "UNAUTHORIZED")}, []string{"401", "log in"}, registry.ErrUnauthorized},
		"403 for uploads":    {fault{is(http.MethodPost, "/blobs/uploads/"), -1, answer(403, "DENIED")}, []string{"403", "may not"}, registry.ErrDenied},
		"413 for blobs":      {fault{is(http.MethodPut, "/blobs/uploads/"), -1, answer(413, "SIZE_INVALID")}, []string{"413", "limits the size"}, registry.ErrTooLarge},
		"500 for blobs":      {fault{is(http.MethodPut, "/blobs/uploads/"), -1, answer(500, "UNKNOWN")}, []string{"500", "6 tries"}, nil},
		"405 for manifests":  {fault{is(http.MethodPut, "/manifests/"), -1, answer(405, "UNSUPPORTED")}, []string{"405", "put manifest of linux/a"}, nil},
		"immutable tag":      {fault{is(http.MethodPut, "/manifests/1"), -1, answer(409, "TAG_IMMUTABLE")}, []string{"set tag 1", "409", "TAG_IMMUTABLE"}, nil},
		"always cut off":     {fault{is(http.MethodPut, "/blobs/uploads/"), -1, cut}, []string{"6 tries"}, nil},
		"another manifest":   {fault{is(http.MethodGet, "/manifests/1"), -1, swap}, []string{"gives back something else: 1 is sha256:"}, publish.ErrReadBack},
		"tag is not visible": {fault{is(http.MethodGet, "/manifests/1"), -1, answer(404, "MANIFEST_UNKNOWN")}, []string{"read back 1", "404"}, registry.ErrNotFound},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			s := strict(t)
			s.script(c.f)
			ref := s.target(t, "labring/nginx:1")
			_, err := push(t, sample(t, "one"), publish.Target{Ref: ref})
			if err == nil {
				t.Fatal("no error")
			}
			for _, text := range append(c.says, "push to "+ref.String()) {
				if !strings.Contains(err.Error(), text) {
					t.Errorf("%q is not in: %v", text, err)
				}
			}
			if c.is != nil && !errors.Is(err, c.is) {
				t.Errorf("%v is not in the chain of %v", c.is, err)
			}
		})
	}
}

// swap answers with another manifest than was put.
func swap(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
	w.Header().Set("Content-Type", "application/vnd.oci.image.index.v1+json")
	_, _ = io.WriteString(w, `{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}`)
}

func TestAnotherPushSendsOnlyWhatIsMissing(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, s *server) {
		x, ref := sample(t, "one"), s.target(t, "labring/nginx:1")
		refused := x.Images[1].Layers[1].Desc.Digest.Hex
		s.script(fault{is(http.MethodPut, refused), -1, answer(403, "DENIED")})
		if _, err := push(t, x, publish.Target{Ref: ref}); err == nil {
			t.Fatal("no error")
		}
		if s.count(http.MethodPut, "/manifests/") > 0 {
			t.Error("a manifest was put though a blob is missing")
		}
		s.script()
		s.forget()
		r := mustPush(t, x, publish.Target{Ref: ref})
		if r.Blobs.Uploaded+r.Blobs.Skipped != sampleBlobs || r.Blobs.Uploaded != s.uploads() || r.Blobs.Skipped == 0 {
			t.Errorf("%+v with %d uploads", r.Blobs, s.uploads())
		}
	})
}

func TestOneTargetFailsTheOthersGoOn(t *testing.T) {
	t.Parallel()
	good, bad := strict(t), simple(t)
	bad.script(fault{is(http.MethodPut, "/manifests/"), -1, answer(403, "DENIED")})
	x := sample(t, "one")
	targets := []publish.Target{{Ref: bad.target(t, "a/b:1")}, {Ref: good.target(t, "a/b:1")}, {Ref: good.target(t, "a/c:1")}}
	reports, err := push(t, x, targets...)
	var failed *publish.Error
	if !errors.As(err, &failed) || len(failed.Failures) != 1 || failed.Failures[0].Target != targets[0] {
		t.Fatalf("got %v", err)
	}
	if want := "1 of 3 targets failed:\npush to " + targets[0].Ref.String(); !strings.HasPrefix(err.Error(), want) {
		t.Errorf("got %s", err)
	}
	for i, want := range []publish.Outcome{publish.Failed, publish.Pushed, publish.Pushed} {
		if reports[i].Outcome != want || reports[i].Target != targets[i] {
			t.Errorf("target %d: %+v", i, reports[i])
		}
	}
}

func TestCheckNamesEveryBadTarget(t *testing.T) {
	t.Parallel()
	good, bad := strict(t), simple(t)
	bad.script(fault{is(http.MethodPost, ""), -1, answer(403, "DENIED")})
	gone := simple(t)
	away := publish.Target{Ref: gone.target(t, "a/gone:1")}
	gone.Close()
	denied := publish.Target{Ref: bad.target(t, "a/denied:1")}
	bare := publish.Target{Ref: reference.Reference{Host: "localhost:1", Path: "a/b", Digest: digest(nil).String()}}
	_, err := publish.Check(t.Context(), client(t, registry.Options{}), []publish.Target{away, {Ref: good.target(t, "a/b:1")}, denied, bare})
	var failed *publish.Error
	if !errors.As(err, &failed) || len(failed.Failures) != 3 {
		t.Fatalf("got %v", err)
	}
	for _, text := range []string{"3 of 4 targets failed", "push to " + away.Ref.String(), "push to " + denied.Ref.String(), "403", "a push needs a tag and no digest"} {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("%q is not in: %v", text, err)
		}
	}
}

func TestCheckWritesNothingThatIsSeen(t *testing.T) {
	t.Parallel()
	s := strict(t)
	ref := s.target(t, "labring/nginx:1")
	standing, err := publish.Check(t.Context(), client(t, registry.Options{}), []publish.Target{{Ref: ref}, {Ref: ref, Force: true}})
	if err != nil || len(standing) != 1 || !standing[0].Force || standing[0].Present != (v1.Hash{}) {
		t.Errorf("%+v, %v", standing, err)
	}
	if n := s.count(http.MethodPut, "/manifests/"); n > 0 {
		t.Errorf("%d manifests were put", n)
	}
}

// One keychain for all.
type login authn.AuthConfig

func (l login) Resolve(authn.Resource) (authn.Authenticator, error) {
	return authn.FromConfig(authn.AuthConfig(l)), nil
}

func TestAWrongPasswordIsKnownAtOnceAndWrittenNowhere(t *testing.T) {
	t.Parallel()
	const password = "hunter2hunter2"
	s := simple(t)
	s.script(fault{func(r *http.Request) bool { return true }, -1, func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
		w.Header().Set("WWW-Authenticate", `Basic realm="registry"`)
		answer(401, "UNAUTHORIZED")(w, r, nil)
	}})
	var log bytes.Buffer
	reporter := progress.New(progress.Options{Mode: progress.JSON, Out: &log})
	o := publish.Options{Client: client(t, registry.Options{Keychain: login{Username: "anna", Password: password}}), Reporter: reporter}
	_, err := publish.Push(t.Context(), o, sample(t, "one"), []publish.Target{{Ref: s.target(t, "a/b:1")}})
	reporter.Close()
	if !errors.Is(err, registry.ErrUnauthorized) {
		t.Fatalf("got %v", err)
	}
	if all := err.Error() + fmt.Sprintf("%+v", err) + log.String(); strings.Contains(all, password) || strings.Contains(all, "YW5uYT") {
		t.Errorf("the password is in: %s", all)
	}
	if s.uploads() > 0 {
		t.Error("something was uploaded")
	}
}

// damaged gives other bytes than it should, and says so at their end as the store does, so many times.
func damaged(l assemble.Layer, times int) assemble.Layer {
	open := l.Open
	l.Open = func() (io.ReadCloser, error) {
		if times--; times < 0 {
			return open()
		}
		whole, err := open()
		if err != nil {
			return nil, err
		}
		b, err := io.ReadAll(whole)
		b[len(b)/2] ^= 1
		return io.NopCloser(io.MultiReader(bytes.NewReader(b[:len(b)-10]), broken{})), err
	}
	return l
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, fmt.Errorf("read blob: %w", store.ErrCorrupt) }

func TestADamagedBlobIsFetchedAnewOnce(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		what   string
		times  int
		refuse error
		fetch  bool
		want   error
		asked  int
	}{
		{"mended", 1, nil, true, nil, 1},
		{"damaged for good", 99, nil, true, store.ErrCorrupt, 1},
		{"cannot be fetched", 1, registry.ErrDenied, true, registry.ErrDenied, 1},
		{"nobody to ask", 1, nil, false, store.ErrCorrupt, 0},
	} {
		t.Run(c.what, func(t *testing.T) {
			t.Parallel()
			s := strict(t)
			x, asked := sample(t, "one"), 0
			x.Images[1].Layers[1] = damaged(x.Images[1].Layers[1], c.times)
			o := publish.Options{Client: client(t, registry.Options{})}
			if c.fetch {
				o.Refetch = func(_ context.Context, blob v1.Hash) error {
					asked++
					if blob != x.Images[1].Layers[1].Blob {
						t.Errorf("asked for %s", blob)
					}
					return c.refuse
				}
			}
			_, err := publish.Push(t.Context(), o, x, []publish.Target{{Ref: s.target(t, "a/b:1")}})
			if !errors.Is(err, c.want) || asked != c.asked {
				t.Errorf("%v, fetched %d times; want %v, %d", err, asked, c.want, c.asked)
			}
		})
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

func TestCancel(t *testing.T) {
	t.Parallel()
	s := simple(t)
	ctx, cancel := context.WithCancel(t.Context())
	s.script(fault{is(http.MethodPut, "/blobs/uploads/"), -1, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if !strings.Contains(r.URL.RawQuery, twoBytes) {
			cancel()
			_, _ = io.Copy(io.Discard, r.Body)
			<-r.Context().Done()
			return
		}
		next.ServeHTTP(w, r)
	}})
	_, err := publish.Push(ctx, publish.Options{Client: client(t, registry.Options{})}, sample(t, "one"), []publish.Target{{Ref: s.target(t, "a/b:1")}})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
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

func TestMoving(t *testing.T) {
	t.Parallel()
	for tag, want := range map[string]bool{
		"latest": true, "main": true, "stable": true, "v1.2": true, "v10.23": true,
		"v1.2.3": false, "1.2": false, "v1": false, "v1.2-rc1": false, "latest-alpine": false, "": false, "vX.Y": false, "xlatest": false,
	} {
		if got := publish.Moving(tag, nil); got != want {
			t.Errorf("Moving(%q) = %v", tag, got)
		}
	}
	patterns := []string{"nightly-*", "X.Y", "X.Y.Z-XL", "release(1"}
	for tag, want := range map[string]bool{
		"nightly-2026": true, "1.23": true, "1.2.3-XL": true, "release(1": true, "latest": true, "1.2.3": false, "nightly": false,
	} {
		if got := publish.Moving(tag, patterns); got != want {
			t.Errorf("Moving(%q, patterns) = %v", tag, got)
		}
	}
}
