package source_test

import (
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	ggcr "github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/labring-actions/cluster-image/internal/reference"
	"github.com/labring-actions/cluster-image/internal/registry"
	"github.com/labring-actions/cluster-image/internal/source"
)

// chartRegistry is a registry that wants a password, with charts; and what gives the password to its host alone.
func chartRegistry(t *testing.T, charts map[string]types.MediaType) (host string, login authn.Keychain) {
	t.Helper()
	next := ggcr.New(ggcr.Logger(log.New(io.Discard, "", 0)))
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user != "robot" || password != "secret" {
			w.Header().Set("WWW-Authenticate", `Basic realm="test"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	host = strings.TrimPrefix(s.URL, "http://")
	login = keychain{host, &authn.Basic{Username: "robot", Password: "secret"}}
	for tag, media := range charts {
		ref, err := name.ParseReference(host + "/charts/web:" + tag)
		if err != nil {
			t.Fatal(err)
		}
		img, err := mutate.AppendLayers(mutate.MediaType(empty.Image, types.OCIManifestSchema1), static.NewLayer([]byte("chart "+tag), media))
		if err != nil {
			t.Fatal(err)
		}
		if err := remote.Write(ref, img, remote.WithContext(t.Context()), remote.WithAuthFromKeychain(login)); err != nil {
			t.Fatal(err)
		}
	}
	return host, login
}

type keychain struct {
	host string
	auth authn.Authenticator
}

func (k keychain) Resolve(r authn.Resource) (authn.Authenticator, error) {
	if r.RegistryStr() == k.host {
		return k.auth, nil
	}
	return authn.Anonymous, nil
}

const chartMedia = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"

func TestChartsOfARegistry(t *testing.T) {
	t.Parallel()
	host, login := chartRegistry(t, map[string]types.MediaType{"1.2.3": chartMedia, "1.3.0_build.1": chartMedia, "9.0.0": types.OCILayer})
	r, err := registry.New(registry.Options{Keychain: login})
	if err != nil {
		t.Fatal(err)
	}
	m, err := reference.ParseMirror("ghcr.io/o=" + host + "/charts")
	if err != nil {
		t.Fatal(err)
	}
	c := &source.Client{Registry: r, ImageMirrors: reference.Mirrors{m}}
	to := filepath.Join(t.TempDir(), "chart")
	for _, chart := range []string{"oci://" + host + "/charts/web", "oci://ghcr.io/o/web"} {
		versions, err := c.ChartVersions(t.Context(), chart)
		slices.Sort(versions)
		if want := []string{"1.2.3", "1.3.0+build.1", "9.0.0"}; err != nil || !slices.Equal(versions, want) {
			t.Errorf("%s: versions %v, %v", chart, versions, err)
		}
		got, err := c.Pull(t.Context(), chart, "1.3.0+build.1", to)
		if b, _ := os.ReadFile(to); err != nil || string(b) != "chart 1.3.0_build.1" || got.Size != int64(len(b)) {
			t.Errorf("%s: %q, %+v, %v", chart, b, got, err)
		}
	}
	if _, err := c.Pull(t.Context(), "oci://"+host+"/charts/web", "9.0.0", to); !errors.Is(err, source.ErrSource) || !strings.Contains(err.Error(), "is no Helm chart") {
		t.Errorf("an image: %v", err)
	}
	web := "oci://" + host + "/charts/web"
	if _, err := c.Pull(t.Context(), web, "1.2.4", to); !errors.Is(err, source.ErrNoVersion) || !strings.HasSuffix(err.Error(), "no chart version is 1.2.4; the nearest are 1.2.3, 1.3.0+build.1, 9.0.0") {
		t.Errorf("a version that is not there: %v", err)
	}
	for asked, want := range map[string]string{"^1.2": "1.3.0+build.1", ">=1.2 <1.3": "1.2.3", "1.2.x": "1.2.3", "1.2.4": "1.2.4", "v1": "v1"} {
		if got, err := c.PackedVersion(t.Context(), web, asked); err != nil || got != want {
			t.Errorf("%s: %s, %v, want %s", asked, got, err, want)
		}
	}
	if _, err := c.PackedVersion(t.Context(), web, "^2"); !errors.Is(err, source.ErrNoVersion) {
		t.Errorf("a range that nothing is in: %v", err)
	}
	if _, err := c.Pull(t.Context(), "oci://"+host+"/charts/gone", "1.2.4", to); !errors.Is(err, source.ErrSource) || !registry.IsNotFound(err) {
		t.Errorf("a version of a chart that is not there: %v", err)
	}
	if _, err := c.ChartVersions(t.Context(), "oci://"+host+"/charts/gone"); !errors.Is(err, source.ErrSource) || !registry.IsNotFound(err) {
		t.Errorf("a chart that is not there: %v", err)
	}
}

func TestChartsOfARegistryWithoutLogin(t *testing.T) {
	t.Parallel()
	host, _ := chartRegistry(t, map[string]types.MediaType{"1.2.3": chartMedia})
	r, err := registry.New(registry.Options{Keychain: keychain{}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := (&source.Client{Registry: r}).ChartVersions(t.Context(), "oci://"+host+"/charts/web"); !errors.Is(err, registry.ErrUnauthorized) {
		t.Errorf("error %v", err)
	}
	for _, err := range []error{
		second((&source.Client{}).ChartVersions(t.Context(), "oci://"+host+"/charts/web")), second((&source.Client{}).Pull(t.Context(), "oci://"+host+"/x", "1", "x")),
	} {
		if !errors.Is(err, source.ErrSource) {
			t.Errorf("without a registry: %v", err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func TestPackedChart(t *testing.T) {
	t.Parallel()
	for address, want := range map[string][2]string{
		"oci://a.b/c/web:1.2.3": {"oci://a.b/c/web", "1.2.3"}, "oci://a.b/c/web": {"oci://a.b/c/web", "9"}, "oci://a.b:5000/c/web": {"oci://a.b:5000/c/web", "9"},
	} {
		if chart, version := source.PackedChart(address, "9"); chart != want[0] || version != want[1] {
			t.Errorf("%s: %s %s", address, chart, version)
		}
	}
}
