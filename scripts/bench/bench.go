package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// bench is one measurement.
type bench struct {
	*options
	tools  []tool
	report report
	log    io.Writer
}

// measureAll runs all that is asked for and prints the result.
func measureAll(ctx context.Context, o *options, out io.Writer) error {
	b := &bench{options: o, tools: findTools(ctx, o), log: os.Stderr}
	b.report = report{Machine: describeMachine(ctx), Tools: b.tools, Runs: o.Runs, Latency: o.Latency, Rate: o.Rate}
	err := b.run(ctx)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	b.report.Machine.LoadAfter = load()
	if err == nil && !o.has(partScale) {
		b.report.judge()
	}
	if bad := b.report.write(out, o.JSON); bad != nil {
		return bad
	}
	return err
}

func (b *bench) run(ctx context.Context) error {
	if b.has(partScale) {
		return b.growth(ctx)
	}
	source, err := startServer(ctx, b.work)
	if err != nil {
		return err
	}
	defer source.close()
	set, err := b.fill(ctx, source)
	if err != nil {
		return err
	}
	b.report.Unique = set.of(standardSet("v1"), "").bytes()
	if err := b.baseline(ctx); err != nil {
		return err
	}
	for _, part := range []struct {
		name string
		run  func(context.Context, *server, *publisher) error
	}{{partSave, b.saves}, {partSlow, b.slowSaves}, {partBuild, b.builds}, {partSlow, b.slowBuilds}} {
		if !b.has(part.name) {
			continue
		}
		if err := part.run(ctx, source, set); err != nil {
			return err
		}
	}
	return nil
}

// fill makes the set.
func (b *bench) fill(ctx context.Context, source *server) (*publisher, error) {
	b.say("making the set in a %s", source.kind)
	r := newRemote(source.host)
	defer r.close()
	set := newPublisher(r)
	for _, version := range []string{"v1", "v2"} {
		if err := set.publish(ctx, standardSet(version)); err != nil {
			return nil, err
		}
	}
	return set, nil
}

// baseline measures the memory that the results are held against.
func (b *bench) baseline(ctx context.Context) error {
	w := b.report.row("idle", ours)
	for range b.Runs {
		idle, err := b.idle(ctx)
		if err != nil {
			return err
		}
		w.Samples = append(w.Samples, sample{usage: idle})
	}
	b.report.Idle = w.peak()
	return nil
}

// note adds a run to its row. What has to keep within the processor time of hashing is held against that at once, under the same load.
func (b *bench) note(ctx context.Context, w *row, u usage) error {
	s := sample{usage: u}
	if w.Tool == ours && (w.Case == caseSave || w.Case == caseCold) && u.Error == "" {
		hash, err := b.hashing(ctx)
		if err != nil {
			return err
		}
		s.Hashing = hash.cpu()
		three := b.report.row("hash 3x", "-")
		three.Samples = append(three.Samples, sample{usage: hash})
	}
	w.Samples = append(w.Samples, s)
	b.told(w, u)
	return nil
}

// hashing hashes as many bytes as the set has three times.
func (b *bench) hashing(ctx context.Context) (usage, error) {
	self, err := os.Executable()
	if err != nil {
		return usage{}, fmt.Errorf("find this program: %w", err)
	}
	return b.measure(ctx, b.work, []step{{Path: self, Args: []string{hashMode, fmt.Sprint(3 * b.report.Unique)}}})
}

// idle runs our program for nothing but its version.
func (b *bench) idle(ctx context.Context) (usage, error) {
	if !b.wants(ours) {
		return usage{Error: "not asked for"}, nil
	}
	return b.measure(ctx, b.work, []step{{Path: b.Binary, Args: []string{"version"}}})
}

func (b *bench) measure(ctx context.Context, dir string, steps []step) (usage, error) {
	flushDisk()
	return measure(ctx, job{Steps: steps, Log: filepath.Join(dir, "log")}, b.Timeout)
}

func (b *bench) say(format string, args ...any) {
	fmt.Fprintf(b.log, "%s "+format+"\n", append([]any{time.Now().Format(time.TimeOnly)}, args...)...)
}

// told says how a run went.
func (b *bench) told(w *row, u usage) {
	if u.Error != "" {
		b.say("%-28s %-14s FAILED: %s", w.Case, w.Tool, u.Error)
		return
	}
	b.say("%-28s %-14s %7.2fs  %6.2fs cpu  %4d MB", w.Case, w.Tool, u.Wall.Seconds(), u.cpu().Seconds(), u.Peak/megabyte)
}

// runnable are the tools to run in a round: each round begins with another one, so that none always follows the same.
func (b *bench) runnable(round int, can func(tool) bool) []tool {
	var all []tool
	for _, t := range b.tools {
		if t.Skipped == "" && can(t) {
			all = append(all, t)
		}
	}
	if len(all) == 0 {
		return nil
	}
	at := round % len(all)
	return append(all[at:len(all):len(all)], all[:at]...)
}
