package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
)

// The jobs that are measured of a build, in the order in which they follow each other.
const (
	caseCold    = "build + push, cold"
	caseWarm    = "build + push, unchanged"
	caseChanged = "build + push, 1 of 10 changed"
)

// buildJobs are the versions that are built one after the other.
func buildJobs() []struct{ name, version string } {
	return []struct{ name, version string }{{caseCold, "v1"}, {caseWarm, "v1"}, {caseChanged, "v2"}}
}

// builds lets every tool that can build cluster images build the set for all platforms and push it: in each round from nothing, again, and with one
// image changed. One more round goes through proxies that count and is checked; its time does not count.
func (b *bench) builds(ctx context.Context, source *server, set *publisher) error {
	for round := range b.Runs + 1 {
		for _, t := range b.runnable(round, func(t tool) bool { return t.build != nil }) {
			r := builder{bench: b, tool: t, set: set, counted: round == b.Runs}
			if err := r.run(ctx, source); err != nil {
				return err
			}
		}
	}
	return nil
}

// builder is one tool in one round.
type builder struct {
	building
	bench   *bench
	tool    tool
	set     *publisher
	counted bool
	traffic []*traffic
	// registry is the destination itself, without a proxy before it.
	registry string
	dir      string
}

func (r *builder) run(ctx context.Context, source *server) error {
	var err error
	if r.dir, err = os.MkdirTemp(r.bench.work, "build-"); err != nil {
		return fmt.Errorf("make directory: %w", err)
	}
	defer retire(r.dir)
	destination, err := startServer(ctx, r.dir)
	if err != nil {
		return err
	}
	defer destination.close()
	r.home = filepath.Join(r.dir, "home")
	r.host, r.destination, r.registry = source.host, destination.host, destination.host
	if r.counted {
		for _, host := range []*string{&r.host, &r.destination} {
			p, err := startProxy(*host, network{})
			if err != nil {
				return err
			}
			defer p.close()
			*host, r.traffic = p.host, append(r.traffic, p.traffic)
		}
	}
	if r.env, err = settle(r.home, r.bench.storage, r.host, r.destination); err != nil {
		return err
	}
	return r.all(ctx)
}

// all runs the jobs. One that fails ends the round, since the others follow from it.
func (r *builder) all(ctx context.Context) error {
	for _, j := range buildJobs() {
		r.version, r.again = j.version, j.name == caseWarm
		r.images = standardSet(j.version)
		good, err := r.once(ctx, j.name)
		if err != nil || !good {
			return err
		}
	}
	return nil
}

func (r *builder) once(ctx context.Context, name string) (good bool, err error) {
	steps, err := r.tool.build(r.tool, r.building)
	if err != nil {
		return false, err
	}
	r.take()
	u, err := r.bench.measure(ctx, r.dir, steps)
	if err != nil {
		return false, err
	}
	w := r.bench.report.row(name, r.tool.Name)
	if r.counted {
		return r.count(ctx, w, u)
	}
	return u.Error == "", r.bench.note(ctx, w, u)
}

func (r *builder) take() (w wire) {
	for _, t := range r.traffic {
		w.add(t.take())
	}
	return w
}

// count notes what went through the proxies, and checks what was pushed.
func (r *builder) count(ctx context.Context, w *row, u usage) (bool, error) {
	if u.Error != "" {
		w.Samples = append(w.Samples, sample{usage: u})
		return false, nil
	}
	seen := r.take()
	w.Wire, w.Disk = &seen, diskUsage(r.home)
	want := func(arch string) content { return r.set.of(r.images, arch) }
	if err := checkPushed(ctx, r.registry, r.version, want, archs(r.images)); err != nil {
		w.Samples = append(w.Samples, sample{usage: usage{Error: "the result is wrong: " + err.Error()}})
		return false, ctx.Err()
	}
	w.Same = true
	if w.Case != caseChanged {
		return true, nil
	}
	fresh := r.set.of(r.images, "").minus(r.set.of(standardSet("v1"), ""))
	return true, r.share(ctx, w, fresh)
}

// share looks into the uploaded layers for what of them is new.
func (r *builder) share(ctx context.Context, w *row, fresh content) error {
	registry := newRemote(r.registry)
	defer registry.close()
	for digest := range w.Wire.Pushed {
		blob, err := registry.blob(ctx, application+"/app", digest)
		if err != nil {
			return err
		}
		inside := content{}
		_ = readLayer(blob, inside) // a configuration is no layer and has no blobs in it
		blob.Close()
		old := inside.minus(fresh)
		w.Stale += old.bytes()
		w.Fresh += inside.bytes() - old.bytes()
	}
	return nil
}
