package registrydir_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/distribution/distribution/v3/configuration"
	"github.com/distribution/distribution/v3/registry/handlers"
	_ "github.com/distribution/distribution/v3/registry/storage/driver/filesystem"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/labring-actions/cluster-image/internal/registrydir"
	"github.com/labring-actions/cluster-image/internal/registrydir/registrydirtest"
)

// distribution is the CNCF registry over a directory.
func distribution(t testing.TB, dir string) http.Handler {
	t.Helper()
	config, err := configuration.Parse(strings.NewReader("version: 0.1\nstorage: {filesystem: {rootdirectory: " + dir + "}, maintenance: {uploadpurging: {enabled: false}}}\ncatalog: {maxentries: 1000}\nhttp: {addr: ':0'}\nlog: {level: error, accesslog: {disabled: true}}\n"))
	if err != nil {
		t.Fatal(err)
	}
	app := handlers.NewApp(t.Context(), config)
	t.Cleanup(func() { _ = app.Shutdown() })
	return app
}

// answers asks a registry for everything: catalog, tags, manifests by tag and digest, blobs.
func answers(t testing.TB, h http.Handler, d *registrydir.Dir) map[string]string {
	t.Helper()
	all := map[string]string{}
	accept := []string{"Accept", strings.Join([]string{
		string(types.DockerManifestSchema2), string(types.DockerManifestList), string(types.OCIManifestSchema1), string(types.OCIImageIndex),
	}, ", ")}
	get := func(url string) {
		for _, method := range []string{"GET", "HEAD"} {
			r, body := ask(t, h, method, url, accept...)
			if method == "HEAD" {
				body = ""
			}
			all[method+" "+url] = strings.Join([]string{r.Status, r.Header.Get("Content-Type"), r.Header.Get("Docker-Content-Digest"), r.Header.Get("Content-Length"), body}, "\n")
		}
	}
	for f := range d.Files() {
		path, ok := strings.CutPrefix(f.Path, v2+"repositories/")
		if !ok {
			continue
		}
		to := readFile(t, f)
		if repo, _, ok := strings.Cut(path, "/_layers/"); ok {
			get("/v2/" + repo + "/blobs/" + to)
		}
		if repo, rest, ok := strings.Cut(path, "/_manifests/tags/"); ok {
			tag, _, _ := strings.Cut(rest, "/")
			get("/v2/" + repo + "/manifests/" + tag)
			all["tags of "+repo] = tagList(t, h, repo)
		}
		if repo, _, ok := strings.Cut(path, "/_manifests/revisions/"); ok {
			get("/v2/" + repo + "/manifests/" + to)
		}
	}
	var catalog struct{ Repositories []string }
	_, body := ask(t, h, "GET", "/v2/_catalog?n=1000")
	if err := json.Unmarshal([]byte(body), &catalog); err != nil {
		t.Fatal(err)
	}
	slices.Sort(catalog.Repositories)
	all["catalog"] = strings.Join(catalog.Repositories, " ")
	return all
}

// tagList is sorted, which old registries do not do.
func tagList(t testing.TB, h http.Handler, repo string) string {
	t.Helper()
	var list struct{ Tags []string }
	_, body := ask(t, h, "GET", "/v2/"+repo+"/tags/list")
	if err := json.Unmarshal([]byte(body), &list); err != nil {
		t.Fatal(err)
	}
	slices.Sort(list.Tags)
	return strings.Join(list.Tags, " ")
}

// TestDistributionServesIt compares every answer of the CNCF registry over a written directory with ours.
func TestDistributionServesIt(t *testing.T) {
	t.Parallel()
	s := registrydirtest.NewStore()
	d := mustNew(t, sample(s), s)
	dir := t.TempDir()
	if err := d.Write(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	want := answers(t, distribution(t, dir), d)
	for path, text := range want {
		if (strings.HasPrefix(path, "GET ") || strings.HasPrefix(path, "HEAD ")) && !strings.HasPrefix(text, "200 OK\n") {
			t.Errorf("%s: %s", path, text)
		}
	}
	diffFiles(t, answers(t, registrydir.Handler(d), d), want)
}

// image is one of a store's images as go-containerregistry pushes it.
type image struct {
	store *registrydirtest.Store
	registrydir.Image
}

func (i image) RawManifest() ([]byte, error)        { return i.store.Get(i.Manifest.Digest) }
func (i image) RawConfigFile() ([]byte, error)      { return i.store.Get(i.Blobs[0].Digest) }
func (i image) MediaType() (types.MediaType, error) { return i.Manifest.MediaType, nil }
func (i image) LayerByDigest(h v1.Hash) (partial.CompressedLayer, error) {
	return layer{i.store, i.Blobs[slices.IndexFunc(i.Blobs, func(d v1.Descriptor) bool { return d.Digest == h })]}, nil
}

// TestDistributionWritesTheSame pushes the images to the CNCF registry and compares the tree that it writes with ours, byte for byte.
func TestDistributionWritesTheSame(t *testing.T) {
	t.Parallel()
	s := registrydirtest.NewStore()
	var images []registrydir.Image
	for _, i := range sample(s) {
		if i.Ref.Digest == "" {
			images = append(images, i)
		}
	}
	dir := t.TempDir()
	server := httptest.NewServer(distribution(t, dir))
	t.Cleanup(server.Close)
	for _, i := range images {
		ref, err := name.ParseReference(strings.TrimPrefix(server.URL, "http://") + "/" + i.Ref.Path + ":" + i.Ref.Tag)
		if err != nil {
			t.Fatal(err)
		}
		push, err := partial.CompressedToImage(image{s, i})
		if err != nil {
			t.Fatal(err)
		}
		if err := remote.Write(ref, push, remote.WithContext(t.Context())); err != nil {
			t.Fatal(err)
		}
	}
	got := onDisk(t, dir)
	for path := range got {
		if strings.Contains(path, "/_uploads/") {
			delete(got, path)
		}
	}
	diffFiles(t, contents(t, mustNew(t, images, s)), got)
	back, err := registrydir.Read(filepath.Clean(dir))
	if err != nil {
		t.Fatal(err)
	}
	diffFiles(t, contents(t, back), got)
}
