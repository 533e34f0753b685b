package app

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"

	"github.com/labring-actions/cluster-image/internal/spelling"
)

// Write is how a version is written as a tag: with or without the v, as the recipe says.
func (v Version) Write(version string) string {
	bare := bareVersion(version)
	if _, err := semver.NewVersion(bare); err != nil && !partial(bare) {
		return version
	}
	switch v.V {
	case VAlways:
		return "v" + bare
	case VNever:
		return bare
	}
	return version
}

// bareVersion is the version without the v in front of its number.
func bareVersion(version string) string {
	if rest, ok := strings.CutPrefix(version, "v"); ok && rest != "" && rest[0] >= '0' && rest[0] <= '9' {
		return rest
	}
	return version
}

// partial says whether a text begins like a version, so that a v before it is a matter of spelling.
func partial(bare string) bool { return bare != "" && bare[0] >= '0' && bare[0] <= '9' }

// NotServed is the error for a version that a recipe does not serve.
type NotServed struct {
	Version, Range, Example string
	// Only are the versions there are, the nearest first, where the recipe lists them.
	Only []string
}

func (e *NotServed) Error() string {
	if len(e.Only) > 0 {
		return "there is no such version; the nearest are " + strings.Join(e.Only[:min(len(e.Only), maxOffered)], ", ")
	}
	return fmt.Sprintf("the recipe serves versions %s, such as %s", e.Range, e.Example)
}

// maxOffered is how many versions an error offers.
const maxOffered = 5

// Serves says whether a version, as [Version.Write] writes it, is one that the recipe serves; if not, why.
func (v Version) Serves(version string) error {
	if len(v.Only) > 0 {
		if contains(v.Only, version) {
			return nil
		}
		return &NotServed{Version: version, Only: nearestFirst(version, v.Only)}
	}
	if v.Range == "" {
		return nil
	}
	if ok, err := InRange(version, v.Range); err != nil || !ok {
		return &NotServed{Version: version, Range: v.Range, Example: v.Example}
	}
	return nil
}

// nearestFirst orders versions by how far they are from one that there is none of.
func nearestFirst(version string, there []string) []string {
	out := slices.Clone(there)
	slices.SortStableFunc(out, func(a, b string) int {
		return cmp.Compare(spelling.Distance(version, a), spelling.Distance(version, b))
	})
	return out
}

// parse reads a version. In a tag the + before a build is written as _.
func parse(version string) (*semver.Version, error) {
	return semver.NewVersion(strings.ReplaceAll(version, "_", "+"))
}

// preRelease finds one in a range; 1.2 - 2.3 has none.
var preRelease = regexp.MustCompile(`[0-9xX*]-[0-9A-Za-z]`)

// InRange says whether a version is in a semver range. A pre-release is where its release is, unless the range names pre-releases itself.
func InRange(version, constraint string) (bool, error) {
	c, err := semver.NewConstraint(constraint)
	if err != nil {
		return false, fmt.Errorf("range %q: %w", constraint, err)
	}
	parsed, err := parse(version)
	if err != nil {
		return false, fmt.Errorf("%s is no semver version, so that it is in no range", version)
	}
	if c.IncludePrerelease = preRelease.MatchString(constraint); c.IncludePrerelease {
		return c.Check(parsed), nil
	}
	return c.Check(semver.New(parsed.Major(), parsed.Minor(), parsed.Patch(), "", "")), nil
}
