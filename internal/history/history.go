// Package history is the record of what was built: of each version of an application the last build that was pushed, when and as what.
//
// A record is a JSON list: [{"name", "version", "time", "digest", "url"}].
package history

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/labring-actions/cluster-image/internal/catalog"
)

// File is the name of a record, in a site and in what a run leaves.
const File = "builds.json"

const (
	// maxFile bounds a record, in bytes.
	maxFile = 16 << 20
	// maxVersions is how many versions of an application are kept: those built last.
	maxVersions = 50
	// maxURL bounds an address, in bytes.
	maxURL = 2048
	// ahead is how far clocks may differ.
	ahead = 24 * time.Hour
)

// Build is one finished build of a version.
type Build struct {
	Name    string    `json:"name"`
	Version string    `json:"version"`
	Time    time.Time `json:"time"`
	Digest  string    `json:"digest,omitempty"`
	// URL is the page of the run.
	URL string `json:"url,omitempty"`
}

var digest = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)

// Check says what is wrong with a build that came from elsewhere. What is later than now would count as the last build for ever.
func (b Build) Check(now time.Time) error {
	if err := errors.Join(catalog.CheckName(b.Name), catalog.CheckVersion(b.Version)); err != nil {
		return err
	}
	switch {
	case b.Time.IsZero():
		return fmt.Errorf("%s %s has no time", b.Name, b.Version)
	case b.Time.After(now.Add(ahead)):
		return fmt.Errorf("%s %s: the time %s is yet to come", b.Name, b.Version, b.Time.UTC().Format(time.RFC3339))
	case b.Digest != "" && !digest.MatchString(b.Digest):
		return fmt.Errorf("%s %s: %.100q is no digest", b.Name, b.Version, b.Digest)
	case b.URL != "" && !isPage(b.URL):
		return fmt.Errorf("%s %s: %.100q is no address of a page: want https://…", b.Name, b.Version, b.URL)
	}
	return nil
}

func isPage(address string) bool {
	u, err := url.Parse(address)
	return err == nil && len(address) <= maxURL && u.Scheme == "https" && u.Host != "" && u.User == nil && !strings.ContainsAny(address, " <>\"'`\\")
}

// Read reads a record. Builds may stand in any order, and several times.
func Read(r io.Reader, now time.Time) ([]Build, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("read builds: %w", err)
	}
	if len(b) > maxFile {
		return nil, fmt.Errorf("read builds: more than %d bytes", maxFile)
	}
	var all []Build
	if err := json.Unmarshal(b, &all); err != nil {
		return nil, fmt.Errorf("read builds: %w", err)
	}
	for i, one := range all {
		if err := one.Check(now); err != nil {
			return nil, fmt.Errorf("read builds: number %d: %w", i+1, err)
		}
	}
	return all, nil
}

// Merge joins records: of each version the last build, of each application the versions that were built last. The order of the records makes no
// difference. The result is sorted by name and version.
func Merge(records ...[]Build) []Build {
	all := slices.Concat(records...)
	for i := range all {
		all[i].Time = all[i].Time.UTC().Truncate(time.Second)
	}
	slices.SortFunc(all, func(a, b Build) int { return cmp.Or(byVersion(a, b), later(a, b)) })
	all = slices.CompactFunc(all, func(a, b Build) bool { return byVersion(a, b) == 0 })
	var out []Build
	for len(all) > 0 {
		n := slices.IndexFunc(all, func(b Build) bool { return b.Name != all[0].Name })
		if n < 0 {
			n = len(all)
		}
		out = append(out, newest(all[:n])...)
		all = all[n:]
	}
	return out
}

// newest are the versions of one application that were built last, sorted as they were.
func newest(of []Build) []Build {
	if len(of) <= maxVersions {
		return of
	}
	of = slices.Clone(of)
	slices.SortFunc(of, func(a, b Build) int { return cmp.Or(later(a, b), byVersion(a, b)) })
	of = of[:maxVersions]
	slices.SortFunc(of, byVersion)
	return of
}

func byVersion(a, b Build) int {
	return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Version, b.Version))
}

// later puts the last build first. Two of the same second have an order too, so that the result is the same each time.
func later(a, b Build) int {
	return cmp.Or(b.Time.Compare(a.Time), strings.Compare(b.Digest, a.Digest), strings.Compare(b.URL, a.URL))
}

// Text is the record as a file has it: a build on each line.
func Text(all []Build) ([]byte, error) {
	var b bytes.Buffer
	b.WriteString("[")
	for i, one := range all {
		line, err := json.Marshal(one)
		if err != nil {
			return nil, fmt.Errorf("write builds: %w", err)
		}
		if i > 0 {
			b.WriteString(",")
		}
		b.WriteString("\n")
		b.Write(line)
	}
	b.WriteString("\n]\n")
	return b.Bytes(), nil
}
