package cli

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/labring-actions/cluster-image/internal/progress"
	"github.com/labring-actions/cluster-image/internal/reference"
	"github.com/labring-actions/cluster-image/internal/source"
)

// again is what the library hands a value when it copies a flag to the flag's other names. It changes nothing, since all names share the value.
const again = "\x00again"

// value is a flag value that a function parses. It fits [cli.Generic].
type value struct {
	set     func(string) error
	text    func() string
	choices []string
}

func (v *value) Set(s string) error {
	if s == again {
		return nil
	}
	return v.set(s)
}

func (v *value) String() string {
	if v == nil || v.text == nil {
		return ""
	}
	return v.text()
}

// Serialize is asked for when the library copies the value to another name of the flag.
func (v *value) Serialize() string { return again }

// list is a flag that may come more than once. The first that is given takes the place of the default; what comes twice is kept once.
func list[T comparable](dst *[]T, parse func(string) ([]T, error), format func(T) string, choices ...string) *value {
	given := false
	set := func(s string) error {
		items, err := parse(s)
		if err != nil {
			return err
		}
		if !given {
			given, *dst = true, nil
		}
		for _, item := range items {
			if !slices.Contains(*dst, item) {
				*dst = append(*dst, item)
			}
		}
		return nil
	}
	text := func() string {
		var words []string
		for _, item := range *dst {
			words = append(words, format(item))
		}
		return strings.Join(words, ",")
	}
	return &value{set: set, text: text, choices: choices}
}

// one is a flag with one value.
func one[T any](dst *T, parse func(string) (T, error), format func(T) string, choices ...string) *value {
	set := func(s string) error {
		v, err := parse(s)
		if err == nil {
			*dst = v
		}
		return err
	}
	return &value{set: set, text: func() string { return format(*dst) }, choices: choices}
}

func same(s string) string { return s }

// textsValue is any text, repeatable.
func textsValue(dst *[]string) *value {
	return list(dst, func(s string) ([]string, error) {
		if strings.TrimSpace(s) == "" {
			return nil, fmt.Errorf("it is empty")
		}
		return []string{s}, nil
	}, same)
}

// hostsValue is a host, with its port if it has one, repeatable.
func hostsValue(dst *[]string) *value {
	return list(dst, func(s string) ([]string, error) {
		host := strings.TrimSpace(s)
		switch {
		case host == "":
			return nil, fmt.Errorf("it is empty")
		case strings.Contains(host, "://"):
			return nil, fmt.Errorf("leave the scheme out: want HOST or HOST:PORT")
		case strings.ContainsAny(host, "/@ "):
			return nil, fmt.Errorf("want HOST or HOST:PORT alone")
		}
		return []string{host}, nil
	}, same)
}

// platforms are those that images are built for.
var platforms = []string{"linux/amd64", "linux/arm64"}

// platformsValue is linux/amd64 and linux/arm64, also without linux/, repeatable and parted by commas.
func platformsValue(dst *[]string) *value {
	return list(dst, parsePlatforms, same, platforms...)
}

func parsePlatforms(s string) ([]string, error) {
	var out []string
	for word := range strings.SplitSeq(s, ",") {
		p := strings.TrimSpace(word)
		if !strings.Contains(p, "/") {
			p = "linux/" + p
		}
		if !slices.Contains(platforms, p) {
			return nil, fmt.Errorf("%q is not a platform: want %s", word, strings.Join(platforms, " or "))
		}
		out = append(out, p)
	}
	return out, nil
}

// mirrorsValue is PREFIX=PREFIX, repeatable.
func mirrorsValue(dst *reference.Mirrors) *value {
	return list((*[]reference.Mirror)(dst), func(s string) ([]reference.Mirror, error) {
		m, err := reference.ParseMirror(s)
		return []reference.Mirror{m}, err
	}, func(m reference.Mirror) string { return m.Prefix + "=" + m.Target })
}

// sourceMirrorsValue is PREFIX=PREFIX with https URLs, repeatable.
func sourceMirrorsValue(dst *source.Mirrors) *value {
	return list((*[]source.Mirror)(dst), func(s string) ([]source.Mirror, error) {
		m, err := source.ParseMirror(s)
		return []source.Mirror{m}, err
	}, func(m source.Mirror) string { return m.Prefix + "=" + m.Target })
}

// pairsValue is KEY=VALUE, repeatable; of a key that comes twice the last value counts.
func pairsValue(dst *map[string]string) *value {
	set := func(s string) error {
		k, v, ok := strings.Cut(s, "=")
		if !ok || strings.TrimSpace(k) == "" {
			return fmt.Errorf("want KEY=VALUE")
		}
		if *dst == nil {
			*dst = map[string]string{}
		}
		(*dst)[strings.TrimSpace(k)] = v
		return nil
	}
	return &value{set: set, text: func() string { return "" }}
}

// sizeValue is a number of bytes with a unit: 512MiB, 2GB, 1.5 G; without a unit bytes. MB is a million bytes, MiB is 2^20.
func sizeValue(dst *int64) *value {
	return one(dst, parseSize, sizeText)
}

// sizeText writes a size so that it can be read again; powers of two as such.
func sizeText(n int64) string {
	if n > 0 && n%(1<<20) == 0 {
		return fmt.Sprintf("%dMiB", n>>20)
	}
	return progress.Bytes(n)
}

var sizeUnits = map[string]float64{
	"": 1, "b": 1,
	"k": 1e3, "kb": 1e3, "m": 1e6, "mb": 1e6, "g": 1e9, "gb": 1e9, "t": 1e12, "tb": 1e12,
	"ki": 1 << 10, "kib": 1 << 10, "mi": 1 << 20, "mib": 1 << 20, "gi": 1 << 30, "gib": 1 << 30, "ti": 1 << 40, "tib": 1 << 40,
}

func parseSize(s string) (int64, error) {
	s = strings.TrimSpace(s)
	digits := strings.TrimRight(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ ")
	unit, ok := sizeUnits[strings.ToLower(strings.TrimSpace(s[len(digits):]))]
	n, err := strconv.ParseFloat(digits, 64)
	switch bytes := n * unit; {
	case err != nil || !ok || n < 0 || strings.ContainsAny(digits, "xXpPeE_"):
		return 0, fmt.Errorf("want a size, for example 512MiB or 2GB")
	case bytes >= math.MaxInt64:
		return 0, fmt.Errorf("that is more than can be counted")
	default:
		return int64(bytes), nil
	}
}

// countValue is a number from 1 on.
func countValue(dst *int) *value {
	return one(dst, func(s string) (int, error) {
		n, err := strconv.Atoi(strings.TrimSpace(s))
		if err != nil || n < 1 {
			return 0, fmt.Errorf("want a number from 1 on")
		}
		return n, nil
	}, strconv.Itoa)
}

// timeValue is a length of time, such as 1h30m.
func timeValue(dst *time.Duration, least time.Duration) *value {
	return one(dst, func(s string) (time.Duration, error) {
		t, err := time.ParseDuration(strings.TrimSpace(s))
		switch {
		case err != nil:
			return 0, fmt.Errorf("want a time with its unit, for example 30m or 12h")
		case t < least:
			return 0, fmt.Errorf("want a time from %s on", least)
		}
		return t, nil
	}, time.Duration.String)
}

// choiceValue is one word of a few.
func choiceValue[T ~string](dst *T, words ...T) *value {
	var names []string
	for _, w := range words {
		names = append(names, string(w))
	}
	parse := func(s string) (T, error) {
		if !slices.Contains(names, s) {
			return "", fmt.Errorf("want %s or %s", strings.Join(names[:len(names)-1], ", "), names[len(names)-1])
		}
		return T(s), nil
	}
	return one(dst, parse, func(t T) string { return string(t) }, names...)
}

// progressValue is how progress is shown.
func progressValue(dst *progress.Mode) *value {
	return choiceValue(dst, progress.Auto, progress.Bars, progress.Plain, progress.JSON, progress.Quiet)
}

// choices are the words that a flag takes, for completion; none when it takes any text.
func choices(f cli.Flag) []string {
	if g, ok := f.(*cli.GenericFlag); ok {
		if v, ok := g.Value.(*value); ok {
			return v.choices
		}
	}
	return nil
}

// commaValue is texts parted by commas, repeatable.
func commaValue(dst *[]string) *value {
	return list(dst, func(s string) ([]string, error) {
		var out []string
		for word := range strings.SplitSeq(s, ",") {
			if word = strings.TrimSpace(word); word != "" {
				out = append(out, word)
			}
		}
		if len(out) == 0 {
			return nil, fmt.Errorf("it is empty")
		}
		return out, nil
	}, same)
}
