package lock

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/labring-actions/cluster-image/internal/progress"
)

// Change is one difference between two locks.
type Change struct {
	// Kind is input, image, absent, release, values, context or platforms.
	Kind string `json:"kind"`
	// Name is what changed; Platform is empty when it is the same for all.
	Name     string `json:"name"`
	Platform string `json:"platform,omitempty"`
	// From and To are empty where there was nothing, or is nothing any more.
	From string `json:"from,omitempty"`
	To   string `json:"to,omitempty"`
	// FromSize and ToSize are in bytes; zero where they have no meaning.
	FromSize int64 `json:"from_size,omitempty"`
	ToSize   int64 `json:"to_size,omitempty"`
}

// Diff says what is different in the second of two locks.
func Diff(before, after Lock) []Change {
	old, now := before.facts(), after.facts()
	var out []Change
	for _, key := range slices.Sorted(maps.Keys(union(old, now))) {
		a, b := old[key], now[key]
		if a.value == b.value {
			continue
		}
		out = append(out, Change{
			Kind: key.kind(), Name: cmp.Or(b.name, a.name), Platform: cmp.Or(b.platform, a.platform), From: a.value, To: b.value, FromSize: a.size, ToSize: b.size,
		})
	}
	whole := slices.Clone(out)
	return slices.DeleteFunc(out, func(c Change) bool { return c.Kind == contextKind && explained(c, whole) })
}

const contextKind = "context"

// explained says whether another change tells why the files of a platform are others. What is left are those of the recipe's directory, and what an
// init.sh makes.
func explained(context Change, all []Change) bool {
	return context.From == "" || context.To == "" || slices.ContainsFunc(all, func(c Change) bool {
		return slices.Contains([]string{"input", "release", "values"}, c.Kind) && (c.Platform == "" || c.Platform == context.Platform)
	})
}

// fact is one thing that a lock says.
type fact struct {
	name, platform, value string
	size                  int64
}

// factKey sorts the kinds in the order in which they are told.
type factKey string

func (k factKey) kind() string {
	_, rest, _ := strings.Cut(string(k), " ")
	kind, _, _ := strings.Cut(rest, " ")
	return kind
}

func union(a, b map[factKey]fact) map[factKey]fact {
	out := maps.Clone(a)
	maps.Copy(out, b)
	return out
}

func (l Lock) facts() map[factKey]fact {
	out := map[factKey]fact{}
	add := func(kind string, f fact) { out[factKey(kind+" "+f.name+" "+f.platform)] = f }
	add("0 platforms", fact{name: "platforms", value: strings.Join(slices.Sorted(slices.Values(l.Platforms)), " ")})
	for name, tag := range l.Resolved {
		add("1 release", fact{name: name, value: tag})
	}
	for _, i := range l.Inputs {
		add("2 input", fact{name: i.Source, platform: i.Platform, value: i.is(), size: i.Size})
	}
	for p, sum := range l.Values {
		add("3 values", fact{name: "values", platform: p, value: "sha256:" + sum})
	}
	for p, sum := range l.Contexts {
		add("3z "+contextKind, fact{name: contextKind, platform: p, value: "sha256:" + sum})
	}
	for _, i := range l.Images {
		for p, m := range i.Platforms {
			add("4 image", fact{name: i.Ref, platform: p, value: m.Digest, size: m.Size})
		}
	}
	for _, ref := range l.Absent {
		add("5 absent", fact{name: ref, value: "does not exist"})
	}
	return out
}

// is tells what an input is, in few words.
func (i Input) is() string {
	var words []string
	for _, w := range []string{i.Version, i.Commit} {
		if w != "" {
			words = append(words, w)
		}
	}
	if i.SHA256 != "" {
		words = append(words, "sha256:"+i.SHA256)
	}
	return strings.Join(words, " ")
}

// String writes a change for a person, in one line.
func (c Change) String() string {
	s := c.Kind + " " + c.Name
	if c.Kind == c.Name {
		s = c.Kind
	}
	if c.Platform != "" {
		s += " " + c.Platform
	}
	switch {
	case c.From == "":
		return fmt.Sprintf("+ %s: %s%s", s, shortWords(c.To), size(c.ToSize))
	case c.To == "":
		return fmt.Sprintf("- %s: %s%s", s, shortWords(c.From), size(c.FromSize))
	}
	return fmt.Sprintf("~ %s: %s -> %s%s", s, shortWords(c.From), shortWords(c.To), c.growth())
}

func size(n int64) string {
	if n == 0 {
		return ""
	}
	return " (" + progress.Bytes(n) + ")"
}

// growth is the size now, and what it was before where that was another.
func (c Change) growth() string {
	if c.FromSize == c.ToSize {
		return size(c.ToSize)
	}
	return fmt.Sprintf(" (%s -> %s, %s)", progress.Bytes(c.FromSize), progress.Bytes(c.ToSize), progress.SignedBytes(c.ToSize-c.FromSize))
}

func shortWords(s string) string {
	words := strings.Fields(s)
	for i := range words {
		words[i] = short(words[i])
	}
	return strings.Join(words, " ")
}

// short cuts a digest or commit so that a person can read it.
func short(s string) string {
	const enough = 12
	hex, isSum := strings.CutPrefix(s, "sha256:")
	switch {
	case isSum && hexSum.MatchString(hex):
		return "sha256:" + hex[:enough]
	case hexCommit.MatchString(s):
		return s[:enough]
	}
	return s
}
