package registry_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"testing"

	"github.com/labring-actions/cluster-image/internal/registry"
)

func TestTags(t *testing.T) {
	t.Parallel()
	b := newBench(t, registry.Options{})
	var asked []string
	b.net.Hosts["https://reg.example"] = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.RequestURI())
		switch r.URL.Query().Get("last") {
		case "":
			w.Header().Set("Link", `</v2/a/b/tags/list?last=2.0.0&n=2>; rel="next"`)
			fmt.Fprint(w, `{"name":"a/b","tags":["1.0.0","2.0.0"]}`)
		case "2.0.0": // another host, and the same page again: neither is believed
			w.Header().Set("Link", `<https://evil.example/v2/c/tags/list?last=2.0.0&n=2>; rel="next"`)
			fmt.Fprint(w, `{"name":"a/b","tags":["3.0.0"]}`)
		}
	})
	got, err := b.client.Tags(t.Context(), b.repo)
	if err != nil || !slices.Equal(got, []string{"1.0.0", "2.0.0", "3.0.0"}) {
		t.Errorf("%v, %v", got, err)
	}
	if want := []string{"/v2/a/b/tags/list?n=1000", "/v2/a/b/tags/list?last=2.0.0&n=2"}; !slices.Equal(asked, want) {
		t.Errorf("asked %v", asked)
	}
}

func TestTagsThatAreNone(t *testing.T) {
	t.Parallel()
	b := newBench(t, registry.Options{})
	if _, err := b.client.Tags(t.Context(), b.repo); !registry.IsNotFound(err) {
		t.Errorf("a repository that is not there: %v", err)
	}
	b.net.Hosts["https://reg.example"] = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") })
	if _, err := b.client.Tags(t.Context(), b.repo); !errors.Is(err, registry.ErrCorrupt) {
		t.Errorf("a page: %v", err)
	}
}
