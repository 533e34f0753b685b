package publish_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/labring-actions/cluster-image/internal/assemble"
	"github.com/labring-actions/cluster-image/internal/publish"
	"github.com/labring-actions/cluster-image/internal/registry"
	"github.com/labring-actions/cluster-image/internal/store"
)

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

// wrong gives other bytes than it should, so many times, and does not know: it is the registry that finds out.
func wrong(l assemble.Layer, times int) assemble.Layer {
	open := l.Open
	l.Open = func() (io.ReadCloser, error) {
		whole, err := open()
		if times--; times < 0 || err != nil {
			return whole, err
		}
		b, err := io.ReadAll(whole)
		b[len(b)/2] ^= 1
		return io.NopCloser(bytes.NewReader(b)), err
	}
	return l
}

func TestADamagedBlobIsFetchedAnewOnce(t *testing.T) {
	t.Parallel()
	shared := func(l assemble.Layer, times int) assemble.Layer {
		l = damaged(l, times)
		l.Blob, l.Blobs = v1.Hash{}, []v1.Hash{l.Blob, l.Blob}
		return l
	}
	for _, c := range []struct {
		what   string
		damage func(assemble.Layer, int) assemble.Layer
		times  int
		refuse error
		fetch  bool
		want   error
		asked  int
	}{
		{"mended", damaged, 1, nil, true, nil, 1},
		{"damaged for good", damaged, 99, nil, true, store.ErrCorrupt, 1},
		{"cannot be fetched", damaged, 1, registry.ErrDenied, true, registry.ErrDenied, 1},
		{"nobody to ask", damaged, 1, nil, false, store.ErrCorrupt, 0},
		{"one of several in a layer", shared, 1, nil, true, nil, 2},
		{"found by the registry", wrong, 1, nil, true, nil, 1},
		{"found by the registry, for good", wrong, 99, nil, true, registry.ErrCorrupt, 1},
	} {
		t.Run(c.what, func(t *testing.T) {
			t.Parallel()
			s := strict(t)
			x, asked := sample(t, "one"), 0
			hurt := x.Images[1].Layers[1].Blob
			x.Images[1].Layers[1] = c.damage(x.Images[1].Layers[1], c.times)
			o := publish.Options{Client: client(t, registry.Options{})}
			if c.fetch {
				o.Refetch = func(_ context.Context, blob v1.Hash) error {
					asked++
					if blob != hurt {
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
