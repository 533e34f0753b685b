package main

import (
	"context"
	"fmt"
)

// series is a job in growing sizes, each twice the one before.
type series struct {
	name  string
	sizes []int
	set   func(n int) []imageSpec
}

// growing are the jobs whose growth is measured.
func growing() []series {
	return []series{
		{"images", []int{25, 50, 100, 200}, func(n int) []imageSpec { return plainSet("images", n, 3, 100_000) }},
		{"MB in one blob", []int{250, 500, 1000, 2000}, func(n int) []imageSpec { return onePlatform(plainSet("large", 1, 1, int64(n)*megabyte)) }},
		{"tiny blobs", []int{250, 500, 1000, 2000}, func(n int) []imageSpec { return onePlatform(plainSet("tiny", n/50, 50, 100)) }},
	}
}

// growth measures how time and memory of a save grow with the job. Without --tools it measures our program alone.
func (b *bench) growth(ctx context.Context) error {
	idle, err := b.idle(ctx)
	if err != nil {
		return err
	}
	b.report.Idle = idle.Peak
	for _, s := range growing() {
		for _, n := range s.sizes {
			if err := b.grow(ctx, s, n); err != nil {
				return err
			}
		}
		b.report.judgeGrowth(s)
	}
	return nil
}

func (s series) label(n int) string { return fmt.Sprintf("save, %d %s", n, s.name) }

// grow measures one size of a series, from a registry of its own, so that no more room is taken than for the largest.
func (b *bench) grow(ctx context.Context, s series, n int) error {
	source, err := startServer(ctx, b.work)
	if err != nil {
		return err
	}
	defer source.close()
	r := newRemote(source.host)
	defer r.close()
	set, images := newPublisher(r), s.set(n)
	if err := set.publish(ctx, images); err != nil {
		return err
	}
	for round := range b.Runs {
		for _, t := range b.runnable(round, func(t tool) bool { return t.Name == ours || len(b.Tools) > 0 }) {
			one := saver{bench: b, tool: t, saving: saving{host: source.host, images: images}, want: set.of(images, "")}
			if err := one.run(ctx, []string{s.label(n)}); err != nil {
				return err
			}
		}
	}
	return nil
}

// judgeGrowth wants twice the job to take about twice the time at most, and no job to take more memory than 48 MiB above an idle program. Of the times
// the fastest run counts, since what else happens on a machine only adds.
func (r *report) judgeGrowth(s series) {
	n := len(s.sizes)
	half, whole := r.find(s.label(s.sizes[n-2]), ours), r.find(s.label(s.sizes[n-1]), ours)
	if half == nil || whole == nil {
		return
	}
	times := float64(whole.fastest()) / float64(half.fastest())
	r.target(fmt.Sprintf("%d %s take at most 2.3x as long as half of them", s.sizes[n-1], s.name), times <= 2.3, "%.2fx", times)
	above := mib(whole.peak() - r.Idle)
	r.target(fmt.Sprintf("%d %s take at most 48 MiB above an idle program", s.sizes[n-1], s.name), above <= 48,
		"%.0f MiB above %.0f MiB; half of them %.0f MiB", above, mib(r.Idle), mib(half.peak()-r.Idle))
}
