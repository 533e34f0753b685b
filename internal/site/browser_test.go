package site_test

import (
	"context"
	_ "embed"
	"errors"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/labring-actions/cluster-image/internal/site"
)

// tab is a page of a real Chromium that shows a site from a directory of files.
type tab struct {
	*testing.T
	ctx context.Context
	dir string
}

// browse starts a browser with a window of the size of a laptop's, or skips.
func browse(t *testing.T, c site.Catalogue) tab {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(chromium(t)), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true))
	ctx, cancel := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	ctx, cancel = context.WithTimeout(ctx, 8*time.Minute)
	t.Cleanup(cancel)
	dir := filepath.Join(t.TempDir(), "site")
	if _, err := site.Write(site.Options{Catalogue: c, Output: dir}); err != nil {
		t.Fatal(err)
	}
	p := tab{t, ctx, dir}
	p.do(chromedp.EmulateViewport(1280, 900))
	return p
}

func chromium(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Skip("chromium is not installed")
	return ""
}

func (p tab) do(steps ...chromedp.Action[chromedp.Void]) {
	p.Helper()
	if err := chromedp.Do(p.ctx, steps...); err != nil {
		p.Fatal(err)
	}
}

// open shows a page anew, also when only what stands after the # differs.
func (p tab) open(page string) {
	p.Helper()
	p.do(chromedp.Navigate("about:blank"), chromedp.Navigate("file://"+p.dir+"/"+page))
}

// holds waits until an expression is true. Until then it may fail, and the page may be left for another.
func (p tab) holds(expression string) {
	p.Helper()
	expression = "(() => { try { return " + expression + "; } catch { return false; } })()"
	for {
		_, err := chromedp.Run(p.ctx, chromedp.Poll[bool](expression, chromedp.WithPollingTimeout(time.Minute)))
		switch {
		case err == nil:
			return
		case errors.Is(err, chromedp.ErrPollingTimeout) || p.ctx.Err() != nil:
			p.Fatalf("%s: %v; the page says %q", expression, err, p.text("document.body.innerText.slice(0, 500)"))
		}
	}
}

// text is what an expression gives.
func (p tab) text(expression string) string {
	p.Helper()
	s, err := chromedp.Run(p.ctx, chromedp.Evaluate[string](expression))
	if err != nil {
		p.Fatal(err)
	}
	return s
}

// shows waits until these applications are in view, in this order.
func (p tab) shows(want string) {
	p.Helper()
	p.holds(`[...document.querySelectorAll("#apps li:not([hidden])")].map((e) => e.dataset.name).join(" ") === "` + want + `"`)
}

// prefer makes the browser say which colours its user prefers.
func prefer(scheme string) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
		})
		return err
	})
}

func TestInABrowser(t *testing.T) {
	t.Parallel()
	p := browse(t, fixture())
	for _, c := range []struct {
		name string
		look func(tab)
	}{
		{"search", search}, {"filters", filters}, {"page", page}, {"themes", themes}, {"accessible", accessible}, {"quiet", quiet},
	} {
		t.Run(c.name, func(t *testing.T) { c.look(tab{t, p.ctx, p.dir}) })
	}
}

func search(p tab) {
	p.open("index.html")
	p.shows("cert-manager helm kube-ovn minio nginx zz")

	p.do(chromedp.KeyEvent("/"))
	p.holds(`document.activeElement.id === "q"`)
	p.do(chromedp.KeyEvent(kb.Escape), chromedp.KeyEvent("helm"))
	p.shows("helm nginx") // by its name, by its description
	p.holds(`document.getElementById("found").textContent === "2 of 6 applications"`)
	p.do(chromedp.KeyEvent(kb.Escape), chromedp.KeyEvent("jetstack/cert"))
	p.shows("cert-manager")
	p.holds(`document.querySelector("#apps li:not([hidden]) .inside").textContent === "holds quay.io/jetstack/cert-manager-controller:v1.16.2"`)
	p.do(chromedp.KeyEvent(kb.Enter))
	p.holds(`location.pathname.endsWith("/app/cert-manager.html")`)
	p.do(chromedp.NavigateBack())
	p.shows("cert-manager") // the search is in the address
	p.do(chromedp.Focus("#q"), chromedp.KeyEvent(" nowhere"))
	p.shows("")
	p.holds(`!document.getElementById("nothing").hidden`)
	p.do(chromedp.Click("#clear"))
	p.shows("cert-manager helm kube-ovn minio nginx zz")
}

func filters(p tab) {
	p.open("index.html")
	p.do(chromedp.Click(`input[value="arm64"]`))
	p.shows("cert-manager helm minio nginx zz")
	p.holds(`document.querySelector('input[value=networking]').closest("label").textContent === "Networking0"`)
	p.do(chromedp.Click(`input[value="developer-tools"]`))
	p.shows("helm")
	p.holds(`location.hash === "#category=developer-tools&platform=arm64"`)
	p.do(chromedp.Click(`nav a[hreflang]`))
	p.holds(`document.documentElement.lang === "zh-Hans"`)
	p.shows("helm") // the other language keeps what was looked for
	p.holds(`document.getElementById("found").textContent === "6 个应用中的 1 个"`)
	p.open("index.html#category=unheard&platform=" + `%22%3E`)
	p.shows("cert-manager helm kube-ovn minio nginx zz")
}

func page(p tab) {
	p.open("app/nginx.html")
	run := func(id, want string) {
		p.Helper()
		p.holds(`document.getElementById("` + id + `").textContent === ` + want)
	}
	pick := func(version string) {
		p.do(chromedp.SetValue("#version", version))
		p.do(chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
			_, err := chromedp.Run(ctx, chromedp.Evaluate[bool](`document.getElementById("version").dispatchEvent(new Event("change"))`))
			return err
		}))
	}
	pick("1.23.1")
	run("sealos-run", `"sealos run docker.io/labring/nginx:1.23.1"`)
	run("sealos-uninstall", `"sealos run docker.io/labring/nginx:1.23.1 -e uninstall=true"`)
	run("cluster-image-build", `"cluster-image build nginx 1.23.1"`)
	p.do(chromedp.SendKeys(`input[data-variable="HELM_OPTS"]`, `--set a='$b'`), chromedp.SendKeys(`input[data-variable="NAME"]`, "web"))
	run("sealos-run", "`sealos run docker.io/labring/nginx:1.23.1 -e NAME=web -e HELM_OPTS='--set a='\\\\''$b'\\\\'''`")

	p.open("app/minio.html")
	p.do(chromedp.SendKeys(`input[data-variable="ADMIN_EMAIL"]`, "a@example.com"))
	run("sealos-run", `"sealos run docker.io/labring/minio:RELEASE.2024-08-03T04-33-23Z -e ADMIN_EMAIL=a@example.com"`)
	pick("2022.5.9")
	run("cluster-image-build", `"cluster-image build minio 2022.5.9"`)
	p.do(chromedp.Navigate("file://"+p.dir+"/index.html"), chromedp.NavigateBack())
	p.holds(`document.getElementById("cluster-image-build").textContent.endsWith(document.getElementById("version").value)`)
}

func themes(p tab) {
	dark := `getComputedStyle(document.documentElement).backgroundColor === "rgb(20, 21, 19)"`
	p.do(prefer("light"))
	p.open("index.html")
	p.holds("!(" + dark + ")")
	p.do(prefer("dark"))
	p.holds(dark)
	p.do(chromedp.Click("#theme"))
	p.holds("!(" + dark + ")")
	p.open("zh/app/nginx.html") // the choice is kept
	p.holds("!(" + dark + ")")
	p.do(chromedp.Click("#theme"))
	p.holds(dark + ` && document.getElementById("theme").getAttribute("aria-pressed") === "true"`)
}

//go:embed testdata/readable.js
var readable string

// accessible looks at every kind of page, wide and narrow, light and dark: text stands out from what is behind it, controls have names, and nothing
// is wider than the window.
func accessible(p tab) {
	p.open("index.html")
	p.do(chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Run(ctx, chromedp.Evaluate[any]("localStorage.clear()"))
		return err
	}))
	for _, page := range []string{"index.html", "zh/index.html#q=nginx", "app/nginx.html", "app/minio.html", "app/kube-ovn.html", "zh/app/cert-manager.html"} {
		p.open(page)
		for _, scheme := range []string{"light", "dark"} {
			for _, width := range []int64{1280, 768, 360} {
				p.do(chromedp.EmulateViewport(width, 800), prefer(scheme))
				if wrong := p.text(readable); wrong != "" {
					p.Errorf("%s, %s, %d pixels wide:\n%s", page, scheme, width, wrong)
				}
			}
		}
	}
}

// quiet reads the browser's console: nothing is refused and no script fails. It ends the browser.
func quiet(p tab) {
	said := make(chan string, 64)
	messages := chromedp.Console(p.ctx)
	go func() {
		defer close(said)
		for m, err := range messages {
			if err != nil {
				return
			}
			said <- m.Text
		}
	}()
	for _, page := range []string{"index.html", "app/nginx.html", "zh/index.html", "zh/app/helm.html"} {
		p.open(page)
		p.holds(`document.documentElement.classList.contains("script")`)
		p.holds(`getComputedStyle(document.querySelector(".top")).display === "flex"`)
	}
	if err := chromedp.Cancel(p.ctx); err != nil {
		p.Fatal(err)
	}
	for text := range said {
		p.Errorf("the browser says: %s", text)
	}
}
