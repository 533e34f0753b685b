package pipeline

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/labring-actions/cluster-image/internal/discover"
	"github.com/labring-actions/cluster-image/internal/failure"
	"github.com/labring-actions/cluster-image/internal/reference"
	"github.com/labring-actions/cluster-image/internal/transfer"
)

// Resolve asks the registries what the needs are, for all images and platforms at once, before any blob is fetched. The images that contexts bring
// as archives are taken into the store.
func (e *Engine) Resolve(ctx context.Context, contexts ByPlatform, needs Needs) (transfer.Resolution, error) {
	var out transfer.Resolution
	err := e.step("resolve", fmt.Sprintf("%d images", len(needs.Needs)), func() (err error) {
		requests, err := needs.hold(e.requests(needs), contexts.Platforms())
		if err != nil {
			return err
		}
		if out, err = e.transfer.Resolve(ctx, requests); err != nil {
			return needs.gone(askedBy(err, needs))
		}
		if err := needs.measured(out); err != nil {
			return err
		}
		archives, err := e.archives(ctx, contexts, needs)
		out.Images = append(out.Images, archives...)
		return err
	})
	for _, d := range out.Dropped {
		e.Reporter.Warn("%s may be needed, but is left out: %s (see images --explain %[1]s; --maybe=fail makes this an error)", d.Ref, d.Reason)
	}
	return out, err
}

func (e *Engine) requests(needs Needs) []transfer.Request {
	var out []transfer.Request
	for _, n := range needs.Needs {
		if n.Maybe && e.Maybe == MaybeList {
			e.Reporter.Warn("%s may be needed, but is left out: --maybe=list (asked for by %s)", n.Ref, Where(n.Origins[0]))
			continue
		}
		out = append(out, transfer.Request{
			Ref: n.Ref, Maybe: n.Maybe && e.Maybe != MaybeFail, Platforms: n.Platforms,
			Sources: reference.Sources(n.Ref, needs.mirrors, e.Mirrors),
		})
	}
	return out
}

// Where is an origin in a few words.
func Where(o discover.Origin) string {
	s := o.File
	if o.Line > 0 {
		s += fmt.Sprintf(":%d", o.Line)
	}
	if o.Chart != "" {
		s += " (chart " + o.Chart
		if o.Values != "" {
			s += ", " + o.Values
		}
		s += ")"
	}
	return s
}

// archives takes the images in that are brought as archives.
func (e *Engine) archives(ctx context.Context, contexts ByPlatform, needs Needs) ([]transfer.Image, error) {
	var out []transfer.Image
	for _, p := range contexts.Platforms() {
		for _, t := range needs.Tars[p] {
			img, err := e.contextArchive(ctx, contexts[p], p, t)
			if err != nil {
				return nil, failure.New(failure.Recipe, "images/skopeo/tar.txt:%d: %w", t.Line, err)
			}
			out = append(out, img)
		}
	}
	for _, t := range needs.listed {
		f, err := os.Open(t.File)
		if err != nil {
			return nil, failure.New(failure.Usage, "--tars: %w", err)
		}
		img, err := e.archive(ctx, f, t.Tar, t.platforms)
		if err != nil {
			return nil, failure.New(failure.Usage, "--tars %s: %w", t.File, err)
		}
		out = append(out, img)
	}
	return out, nil
}

// contextArchive opens an archive inside a context.
func (e *Engine) contextArchive(ctx context.Context, dir, platform string, t discover.Tar) (transfer.Image, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return transfer.Image{}, fmt.Errorf("open context: %w", err)
	}
	defer root.Close()
	f, err := root.Open(filepath.FromSlash(t.File))
	if err != nil {
		return transfer.Image{}, fmt.Errorf("open archive: %w", err)
	}
	return e.archive(ctx, f, t, []string{platform})
}

// archive takes an image in, and closes the file.
func (e *Engine) archive(ctx context.Context, f *os.File, t discover.Tar, platforms []string) (transfer.Image, error) {
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return transfer.Image{}, fmt.Errorf("look at archive: %w", err)
	}
	return e.transfer.FromArchive(ctx, t.Kind, f, info.Size(), t.Ref, platforms)
}
