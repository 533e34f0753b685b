package source_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/labring-actions/cluster-image/internal/source"
)

func TestReleases(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Header.Get("Authorization") != "Bearer secret":
			http.Error(w, "who are you?", http.StatusUnauthorized)
		case r.URL.Path != "/repos/helm/helm/releases" || r.FormValue("per_page") != "100":
			http.NotFound(w, r)
		case r.FormValue("page") == "1":
			page := make([]source.Release, 100)
			for i := range page {
				page[i].Tag = fmt.Sprintf("v4.0.%d", 100-i)
			}
			page[0].Prerelease = true
			_ = json.NewEncoder(w).Encode(page)
		case r.FormValue("page") == "2":
			_, _ = w.Write([]byte(`[{"tag_name": "v3.0.0", "name": "the first"}]`))
		}
	}))
	t.Cleanup(s.Close)
	c := &source.Client{Tokens: map[string]string{strings.TrimPrefix(s.URL, "http://"): "secret"}}
	got, err := c.Releases(t.Context(), s.URL, "helm/helm")
	if err != nil || len(got) != 101 || !got[0].Prerelease || got[100].Tag != "v3.0.0" {
		t.Errorf("%d releases, %v", len(got), err)
	}
	if _, err := c.Releases(t.Context(), s.URL, "no/body"); err == nil || !strings.Contains(err.Error(), "releases of no/body") {
		t.Error(err)
	}
}

func TestVersionList(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte("# what there is\nv1.0.0\n\n v1.1.0 \r\n"))
	}))
	t.Cleanup(s.Close)
	got, err := new(source.Client).VersionList(t.Context(), s.URL+"/versions.txt")
	if err != nil || !slices.Equal(got, []string{"v1.0.0", "v1.1.0"}) {
		t.Errorf("%q, %v", got, err)
	}
}
