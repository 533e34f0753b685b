package demo

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"
)

// sources are the images of the demo, by the repository that a chart, a manifest or a list asks for. The web image has a layer that is big enough
// to become a layer of its own in the cluster image.
var sources = map[string]struct {
	tag  string
	size int
}{
	"docker.io/example/hello-web":      {"1.0.0", 5 << 20},
	"quay.io/example/metrics-exporter": {"0.3.1", 200 << 10},
	"registry.k8s.io/example/gateway":  {"v2.1.0", 100 << 10},
	"ghcr.io/example/setup":            {"1.4", 50 << 10},
}

// upstream is the world outside: a registry that stands for every registry, and a web server that answers for charts.example.com and
// files.example.com when it is used as a proxy. The names in recipes and charts thus never hold a port of this run.
type upstream struct {
	registry *server
	web      *server
	pages    map[string][]byte
}

func newUpstream(ctx context.Context, address string) (*upstream, error) {
	u := &upstream{pages: map[string][]byte{}}
	var err error
	if u.registry, err = serve(address, newRegistry()); err != nil {
		return nil, err
	}
	if u.web, err = serve(address, http.HandlerFunc(u.serve)); err != nil {
		return nil, errors.Join(err, u.registry.Close())
	}
	if err := u.fill(ctx); err != nil {
		return nil, errors.Join(err, u.Close())
	}
	return u, nil
}

// Close ends both servers.
func (u *upstream) Close() error { return errors.Join(u.registry.Close(), u.web.Close()) }

func (u *upstream) fill(ctx context.Context) error {
	chart, err := packChart()
	if err != nil {
		return err
	}
	u.pages["charts.example.com/stable/index.yaml"] = []byte(chartIndex(chart))
	u.pages["charts.example.com/stable/hello-0.4.2.tgz"] = chart
	for _, repository := range slices.Sorted(maps.Keys(sources)) {
		if err := u.addImage(ctx, repository); err != nil {
			return err
		}
	}
	return u.addFiles()
}

// addFiles puts what the recipe downloads beside the chart: a manifest, a list of images, a program per platform and their checksums.
func (u *upstream) addFiles() error {
	const dir = "files.example.com/hello/1.0.0/"
	gateway, err := upstreamFiles.ReadFile("upstream/gateway.yaml")
	if err != nil {
		return fmt.Errorf("read demo manifest: %w", err)
	}
	u.pages[dir+"gateway.yaml"] = gateway
	var sums bytes.Buffer
	for _, arch := range []string{"amd64", "arm64"} {
		b, err := program(arch)
		if err != nil {
			return err
		}
		u.pages[dir+"hello-linux-"+arch] = b
		fmt.Fprintf(&sums, "%x  hello-linux-%s\n", sha256.Sum256(b), arch)
	}
	u.pages[dir+"SHA256SUMS"] = sums.Bytes()
	return nil
}

// addImage makes an image and pushes it. The one of ghcr.io is asked for by digest, so the list of images is written here too.
func (u *upstream) addImage(ctx context.Context, repository string) error {
	source := sources[repository]
	registryHost, path, _ := strings.Cut(repository, "/")
	img, err := newImage(path, source.size)
	if err != nil {
		return err
	}
	if registryHost == "ghcr.io" {
		line := fmt.Sprintf("# what the chart does not name\n%s:%s@%s\n", repository, source.tag, img.index.desc.Digest)
		u.pages["files.example.com/hello/1.0.0/images.txt"] = []byte(line)
	}
	return u.push(ctx, path, source.tag, img)
}

func (u *upstream) push(ctx context.Context, path, tag string, img image) error {
	base := u.registry.url() + "/v2/" + path
	for _, b := range img.blobs {
		if err := send(ctx, http.MethodPost, base+"/blobs/uploads/?digest="+b.desc.Digest.String(), b); err != nil {
			return err
		}
	}
	for _, m := range img.manifests {
		if err := send(ctx, http.MethodPut, base+"/manifests/"+m.desc.Digest.String(), m); err != nil {
			return err
		}
	}
	return send(ctx, http.MethodPut, base+"/manifests/"+tag, img.index)
}

func send(ctx context.Context, method, url string, b blob) error {
	req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(b.bytes))
	if err != nil {
		return fmt.Errorf("fill demo registry: %w", err)
	}
	req.Header.Set("Content-Type", string(b.desc.MediaType))
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return fmt.Errorf("fill demo registry: %w", err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusCreated {
		return fmt.Errorf("fill demo registry: %s %s answered %s", method, url, res.Status)
	}
	return nil
}

// serve answers for the two web hosts, both directly and as a proxy.
func (u *upstream) serve(w http.ResponseWriter, r *http.Request) {
	page, ok := u.pages[hostOnly(r.Host)+r.URL.Path]
	if !ok {
		http.Error(w, r.Host+r.URL.Path+" is not part of the demo", http.StatusNotFound)
		return
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(page))
}

func hostOnly(hostport string) string {
	if h, _, err := net.SplitHostPort(hostport); err == nil {
		return h
	}
	return hostport
}
