package outcome

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// maxTags bounds how many tags of a repository are looked at.
const maxTags = 10_000

// Changes are the container images of a cluster image against another one.
type Changes struct {
	// Against is the image that it is compared with.
	Against string  `json:"against"`
	Added   []Entry `json:"added,omitempty"`
	Removed []Entry `json:"removed,omitempty"`
	// Moved are images of the same name whose tag or digest is another.
	Moved []Move `json:"moved,omitempty"`
}

// Entry is a container image of one platform.
type Entry struct {
	Image    string `json:"image"`
	Platform string `json:"platform"`
}

// Move is a container image that is another now.
type Move struct {
	Image    string `json:"image"`
	Platform string `json:"platform"`
	From     string `json:"from"`
	To       string `json:"to"`
}

// held is an entry of the program's list of what a cluster image holds.
type held struct{ Repository, Tag, Digest, Platform string }

// Changes compares the image in a layout with what its tag names now or, where that is nothing, with the newest version before it in the registry. It
// is nil when there is none.
func (r Runner) Changes(ctx context.Context, o Outcome, layout string, l Login) (*Changes, error) {
	before, err := previous(ctx, o, l)
	if err != nil || before == "" {
		return nil, err
	}
	was, err := r.contents(ctx, before, l)
	if err != nil {
		return nil, err
	}
	is, err := r.contents(ctx, layout, Login{})
	if err != nil {
		return nil, err
	}
	c := compare(was, is)
	c.Against = before
	return c, nil
}

// previous is the image to compare with.
func previous(ctx context.Context, o Outcome, l Login) (string, error) {
	ref, err := name.NewTag(o.Build.Image)
	if err != nil {
		return "", fmt.Errorf("find the version before: %w", err)
	}
	options := []remote.Option{remote.WithContext(ctx), remote.WithAuthFromKeychain(l.keychain())}
	if d, err := remote.Head(ref, options...); err == nil && d.Digest.String() != o.Digest {
		return o.Build.Image + "@" + d.Digest.String(), nil
	}
	tags, err := remote.List(ref.Context(), options...)
	if err != nil {
		return "", nil //nolint:nilerr // a repository that is not there, or lists nothing to us, has no version before
	}
	repository, _ := strings.CutSuffix(o.Build.Image, ":"+o.Build.Version)
	if tag := newestBefore(o.Build.Version, tags); tag != "" {
		return repository + ":" + tag, nil
	}
	return "", nil
}

// newestBefore is the greatest version below one; empty when there is none.
func newestBefore(version string, tags []string) string {
	now, err := semver.NewVersion(version)
	if err != nil {
		return ""
	}
	best, found := "", (*semver.Version)(nil)
	for _, t := range tags[:min(len(tags), maxTags)] {
		v, err := semver.NewVersion(t)
		if err != nil || strings.HasSuffix(t, "-amd64") || strings.HasSuffix(t, "-arm64") || !v.LessThan(now) || found != nil && !v.GreaterThan(found) {
			continue
		}
		best, found = t, v
	}
	return best
}

// contents are the container images in a cluster image: a layout, or one in a registry.
func (r Runner) contents(ctx context.Context, image string, l Login) ([]held, error) {
	var stdout, stderr bytes.Buffer
	flags, stdin := l.flags()
	cmd := r.command(ctx, append([]string{"images", image, "--json", "--progress", "quiet"}, flags...)...)
	cmd.Stdin = stdin
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("look into %s: %w: %.300s", image, err, &stderr)
	}
	var out []held
	if err := json.Unmarshal(stdout.Bytes(), &out); err != nil {
		return nil, fmt.Errorf("look into %s: %w", image, err)
	}
	// Indexes and what only a digest names come along with the images.
	return slices.DeleteFunc(out, func(h held) bool {
		return h.Tag == "" || h.Platform == "" || strings.HasPrefix(h.Tag, "sha256-")
	}), nil
}

// compare finds what is new, gone or another. An image whose name is there once before and once now moved; where a name has several tags, each tag
// counts by itself.
func compare(was, is []held) *Changes {
	c := &Changes{}
	before, now := byName(was), byName(is)
	for _, key := range sortedKeys(before, now) {
		c.name(before[key], now[key])
	}
	return c
}

type key struct{ repository, platform string }

func byName(all []held) map[key][]held {
	out := map[key][]held{}
	for _, h := range all {
		k := key{h.Repository, h.Platform}
		out[k] = append(out[k], h)
	}
	return out
}

func sortedKeys(a, b map[key][]held) []key {
	var keys []key
	for _, m := range []map[key][]held{a, b} {
		for k := range m {
			keys = append(keys, k)
		}
	}
	slices.SortFunc(keys, func(x, y key) int {
		return cmp.Or(cmp.Compare(x.repository, y.repository), cmp.Compare(x.platform, y.platform))
	})
	return slices.Compact(keys)
}

// name compares the tags of one name and platform.
func (c *Changes) name(was, is []held) {
	old := map[string]string{}
	for _, h := range was {
		old[h.Tag] = h.Digest
	}
	var added []held
	for _, h := range is {
		digest, ok := old[h.Tag]
		delete(old, h.Tag)
		switch {
		case !ok:
			added = append(added, h)
		case digest != h.Digest:
			c.Moved = append(c.Moved, Move{h.Repository, h.Platform, h.Tag + "@" + short(digest), h.Tag + "@" + short(h.Digest)})
		}
	}
	gone := slices.DeleteFunc(slices.Clone(was), func(h held) bool { _, ok := old[h.Tag]; return !ok })
	if len(added) == 1 && len(gone) == 1 {
		c.Moved = append(c.Moved, Move{added[0].Repository, added[0].Platform, gone[0].Tag, added[0].Tag})
		return
	}
	for _, h := range added {
		c.Added = append(c.Added, Entry{h.Repository + ":" + h.Tag, h.Platform})
	}
	for _, h := range gone {
		c.Removed = append(c.Removed, Entry{h.Repository + ":" + h.Tag, h.Platform})
	}
}

// short is enough of a digest to tell two apart.
func short(digest string) string {
	_, hex, _ := strings.Cut(digest, ":")
	return hex[:min(len(hex), 12)]
}
