package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
)

// The jobs that are measured of a build, in the order in which they follow each other.
const (
	caseCold      = "build + push, cold"
	caseWarm      = "build + push, unchanged"
	caseChanged   = "build + push, 1 of 10 changed"
	caseSlowBuild = "build + push, slow"
)

// buildJob is a version that is built, after those before it.
type buildJob struct{ name, version string }

// builds lets every tool that can build cluster images build the set for all platforms and push it: in each round from nothing, again, and with one
// image changed. One more round goes through proxies that count and is checked; its time does not count.
func (b *bench) builds(ctx context.Context, source *server, set *publisher) error {
	jobs := []buildJob{{caseCold, "v1"}, {caseWarm, "v1"}, {caseChanged, "v2"}}
	if err := b.buildRounds(ctx, source, set, nil, b.Runs, jobs); err != nil {
		return err
	}
	return b.buildRounds(ctx, source, set, new(network), 1, jobs)
}

// slowBuilds puts the slow network before both registries.
func (b *bench) slowBuilds(ctx context.Context, source *server, set *publisher) error {
	return b.buildRounds(ctx, source, set, &network{b.Latency, b.Rate}, b.Runs, []buildJob{{caseSlowBuild, "v1"}})
}

func (b *bench) buildRounds(ctx context.Context, source *server, set *publisher, n *network, rounds int, jobs []buildJob) error {
	for round := range rounds {
		for _, t := range b.runnable(round, func(t tool) bool { return t.build != nil }) {
			r := builder{bench: b, tool: t, set: set, network: n}
			if err := r.run(ctx, source, jobs); err != nil {
				return err
			}
		}
	}
	return nil
}

// builder is one tool in one round.
type builder struct {
	building
	bench *bench
	tool  tool
	set   *publisher
	// network stands before the registries and counts; nil is nothing.
	network *network
	traffic []*traffic
	// registry is the destination itself, without a proxy before it.
	registry string
	dir      string
}

// run runs the jobs. One that fails ends the round, since the others follow from it.
func (r *builder) run(ctx context.Context, source *server, jobs []buildJob) error {
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
	if r.network != nil {
		for _, host := range []*string{&r.host, &r.destination} {
			p, err := startProxy(*host, *r.network)
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
	for _, j := range jobs {
		r.version, r.again = j.version, j.name == caseWarm
		r.images = standardSet(j.version)
		if good, err := r.once(ctx, j.name); err != nil || !good {
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
	if r.network != nil && u.Error == "" {
		if err := r.count(ctx, w); err != nil {
			u.Error = "the result is wrong: " + err.Error()
		} else if *r.network == (network{}) {
			return true, nil
		}
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
func (r *builder) count(ctx context.Context, w *row) error {
	seen := r.take()
	w.Wire, w.Disk, w.Same = &seen, diskUsage(r.home), false
	want := func(arch string) content { return r.set.of(r.images, arch) }
	if err := checkPushed(ctx, r.registry, r.version, want, archs(r.images)); err != nil {
		return err
	}
	w.Same = true
	if w.Case != caseChanged {
		return nil
	}
	w.Fresh, w.Stale = 0, 0
	return r.share(ctx, w, r.set.of(r.images, "").minus(r.set.of(standardSet("v1"), "")))
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
