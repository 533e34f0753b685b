package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"github.com/labring-actions/cluster-image/internal/difference"
	"github.com/labring-actions/cluster-image/internal/lock"
	"github.com/labring-actions/cluster-image/internal/pipeline"
	"github.com/labring-actions/cluster-image/internal/progress"
)

func diffCommand(p *Program) *cli.Command {
	var o buildOptions
	return &cli.Command{
		Name:      "diff",
		Usage:     "show which container images come, go or are others between two versions of an application",
		ArgsUsage: "NAME VERSION VERSION",
		UsageText: "cluster-image diff nginx 1.28.0 1.29.1\ncluster-image diff cert-manager v1.15.0 v1.16.2 --platform linux/arm64 --json",
		Description: "Taken from the lock files when both versions have one. Otherwise both are worked out as a build would, up to where every image is " +
			"resolved: nothing is fetched but charts, manifests and the manifests of images.",
		Flags: join([]cli.Flag{platformFlag(&o.platforms), locksFlag(&o.locks), recipesFlag(&o.recipes), maybeFlag(&o.maybe)},
			o.recipeRun.flags(), o.access.flags(), o.credentials.flags()),
		Action: func(c *cli.Context) error {
			name, before, after := c.Args().Get(0), c.Args().Get(1), c.Args().Get(2)
			d, err := p.difference(c.Context, name, before, after, &o)
			if err != nil {
				return err
			}
			return p.Result(differenceText(name, before, after, d), d)
		},
	}
}

func (p *Program) difference(ctx context.Context, name, before, after string, o *buildOptions) (difference.Difference, error) {
	if d, ok, err := p.lockedDifference(name, before, after, o); ok || err != nil {
		return d, err
	}
	o.dryRun = true
	keychain, err := o.keychain(p, nil)
	if err != nil {
		return difference.Difference{}, err
	}
	e, err := p.engine(o.access, o.recipeRun, o.maybe, keychain)
	if err != nil {
		return difference.Difference{}, err
	}
	var both [2][]difference.Image
	for i, version := range []string{before, after} {
		if both[i], err = p.resolved(ctx, e, name, version, o); err != nil {
			return difference.Difference{}, o.credentials.explain(err)
		}
	}
	return difference.Between(both[0], both[1]), nil
}

// lockedDifference compares two locks; false when there are not two.
func (p *Program) lockedDifference(name, before, after string, o *buildOptions) (difference.Difference, bool, error) {
	var both [2][]difference.Image
	for i, version := range []string{before, after} {
		r, err := p.find(o.recipes, name, version)
		if err != nil {
			return difference.Difference{}, false, err
		}
		l, err := readLock(r, o.locks)
		if errors.Is(err, fs.ErrNotExist) {
			return difference.Difference{}, false, nil
		}
		if err != nil {
			return difference.Difference{}, false, recipeFailure(err)
		}
		both[i] = lockedImages(l, o.platforms)
	}
	return difference.Between(both[0], both[1]), true, nil
}

// lockedImages are those of the platforms, or of all.
func lockedImages(l lock.Lock, platforms []string) []difference.Image {
	var out []difference.Image
	for _, i := range l.Images {
		for platform, m := range i.Platforms {
			if len(platforms) == 0 || slices.Contains(platforms, platform) {
				out = append(out, difference.Image{Ref: i.Ref, Platform: platform, Digest: m.Digest, Bytes: m.Size})
			}
		}
	}
	return out
}

// resolved are the images of a version, as a build would fetch them.
func (p *Program) resolved(ctx context.Context, e *pipeline.Engine, name, version string, o *buildOptions) ([]difference.Image, error) {
	r, err := p.find(o.recipes, name, version)
	if err != nil {
		return nil, err
	}
	order, err := o.order(e, r, nil)
	if err != nil {
		return nil, err
	}
	built, err := e.Build(ctx, order)
	if err != nil {
		return nil, err
	}
	defer built.Close()
	var out []difference.Image
	for _, i := range built.Plan.Images {
		out = append(out, difference.Image{Ref: i.Ref.String(), Platform: i.Platform, Digest: i.Digest.String(), Bytes: i.Total + i.Manifest}) // as locks count
	}
	return out, nil
}

// differenceText is a table of what changed, and what it weighs.
func differenceText(name, before, after string, d difference.Difference) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, i := range d.Added {
		fmt.Fprintf(w, "added\t%s\t%s\t+%s\n", i.Platform, i.Ref, progress.Bytes(i.Bytes))
	}
	for _, i := range d.Removed {
		fmt.Fprintf(w, "removed\t%s\t%s\t-%s\n", i.Platform, i.Ref, progress.Bytes(i.Bytes))
	}
	for _, m := range d.Moved {
		fmt.Fprintf(w, "moved\t%s\t%s -> %s\t%s\n", m.To.Platform, m.From.Ref, movedTo(m), progress.SignedBytes(m.To.Bytes-m.From.Bytes))
	}
	_ = w.Flush() // a strings.Builder does not fail
	if b.Len() > 0 {
		b.WriteByte('\n')
	}
	for _, platform := range slices.Sorted(maps.Keys(d.After)) {
		fmt.Fprintf(&b, "%s %s: %s in %s, %s in %s (%s)\n", name, platform, progress.Bytes(d.Before[platform]), before,
			progress.Bytes(d.After[platform]), after, progress.SignedBytes(d.After[platform]-d.Before[platform]))
	}
	fmt.Fprintf(&b, "%s the same\n", count(d.Same, "image"))
	return b.String()
}

// movedTo is the new tag, or the new digest of a tag that moved.
func movedTo(m difference.Move) string {
	if m.From.Ref == m.To.Ref {
		return m.To.Digest
	}
	return m.To.Ref
}
