package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
)

// The jobs that are measured of a save.
const (
	caseSave  = "save, loopback"
	caseAgain = "save again, unchanged"
	caseSlow  = "save, slow"
)

// saves lets every tool save the set over loopback, and once more what it has already.
func (b *bench) saves(ctx context.Context, source *server, set *publisher) error {
	return b.saveRounds(ctx, source.host, nil, set, caseSave, caseAgain)
}

// slowSaves puts the slow network before the registry.
func (b *bench) slowSaves(ctx context.Context, source *server, set *publisher) error {
	p, err := startProxy(source.host, network{b.Latency, b.Rate})
	if err != nil {
		return err
	}
	defer p.close()
	return b.saveRounds(ctx, p.host, p.traffic, set, caseSlow)
}

func (b *bench) saveRounds(ctx context.Context, host string, through *traffic, set *publisher, cases ...string) error {
	images := standardSet("v1")
	for round := range b.Runs {
		for _, t := range b.runnable(round, func(tool) bool { return true }) {
			s := saver{bench: b, tool: t, saving: saving{host: host, images: images}, through: through, want: set.of(images, "")}
			if err := s.run(ctx, cases); err != nil {
				return err
			}
		}
	}
	return nil
}

// saver is one tool in one round.
type saver struct {
	saving
	bench   *bench
	tool    tool
	through *traffic
	want    content
}

// run saves once for each case, into the same directory.
func (s *saver) run(ctx context.Context, cases []string) error {
	dir, err := os.MkdirTemp(s.bench.work, "save-")
	if err != nil {
		return fmt.Errorf("make directory: %w", err)
	}
	defer retire(dir)
	s.home, s.out = filepath.Join(dir, "home"), filepath.Join(dir, "out")
	if s.env, err = settle(s.home, s.bench.storage, s.host); err != nil {
		return err
	}
	for _, name := range cases {
		if err := s.once(ctx, name, dir); err != nil {
			return err
		}
	}
	return nil
}

func (s *saver) once(ctx context.Context, name, dir string) error {
	w := s.bench.report.row(name, s.tool.Name)
	if s.through != nil {
		s.through.take()
	}
	u, err := s.bench.measure(ctx, dir, s.tool.save(s.tool, s.saving))
	if err != nil {
		return err
	}
	if u.Error == "" {
		u.Error = s.check(w)
	}
	if s.through != nil && u.Error == "" {
		seen := s.through.take()
		w.Wire = &seen
	}
	return s.bench.note(ctx, w, u)
}

// check compares what was saved with what was asked for.
func (s *saver) check(w *row) string {
	got, err := readSaved(s.out, s.images)
	if err == nil {
		err = s.want.differs(got)
	}
	if err != nil {
		w.Same = false
		return "the result is wrong: " + err.Error()
	}
	w.Same = true
	w.Disk = diskUsage(s.out, s.home)
	return ""
}
