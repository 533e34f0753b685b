package publish_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/labring-actions/cluster-image/internal/assemble"
	"github.com/labring-actions/cluster-image/internal/progress"
	"github.com/labring-actions/cluster-image/internal/publish"
	"github.com/labring-actions/cluster-image/internal/reference"
	"github.com/labring-actions/cluster-image/internal/registry"
)

func TestAFixedTagIsRefusedBeforeAnyUpload(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, s *server) {
		old, x, ref := sample(t, "old"), sampleOf(t, "new", 250_000), s.target(t, "labring/nginx:1.23.1")
		mustPush(t, old, publish.Target{Ref: ref})
		s.forget()
		c := client(t, registry.Options{})
		standing, err := publish.Check(t.Context(), c, []publish.Target{{Ref: ref}})
		if err != nil || standing[0].Present != old.Digest {
			t.Fatalf("check: %+v, %v", standing, err)
		}
		var log bytes.Buffer
		reporter := progress.New(progress.Options{Mode: progress.JSON, Out: &log})
		defer reporter.Close()
		session := publish.Begin(t.Context(), publish.Options{Client: c, Reporter: reporter}, standing)
		defer session.Close()
		session.Offer(x.Images[0].Layers[0])
		if reporter.Refresh(); log.Len() > 0 {
			t.Errorf("the layer was taken: %s", log.String())
		}
		reports, err := session.Finish(t.Context(), x)
		want := fmt.Sprintf("push to %s: the tag exists: %s is %s, this build is %s",
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

// asker can tell whether it may push.
type asker struct {
	*registry.Client
	answer error
}

func (a asker) CanPush(context.Context, reference.Reference) error { return a.answer }

func TestAClientThatCanAskWritesNothing(t *testing.T) {
	t.Parallel()
	s := strict(t)
	target := publish.Target{Ref: s.target(t, "labring/nginx:1")}
	for _, want := range []error{nil, registry.ErrDenied} {
		_, err := publish.Check(t.Context(), asker{client(t, registry.Options{}), want}, []publish.Target{target})
		if !errors.Is(err, want) {
			t.Errorf("got %v, want %v", err, want)
		}
	}
	if n := s.count(http.MethodPost, "") + s.count(http.MethodPut, ""); n > 0 {
		t.Errorf("%d requests that write", n)
	}
}
