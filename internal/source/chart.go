package source

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"
)

// Chart is the chart to install for a version of an application.
type Chart struct {
	Name       string `json:"name"`
	Version    string `json:"version"`
	AppVersion string `json:"appVersion"`
	// URL is where the archive is, resolved against the repository; it may begin with oci://.
	URL string `json:"url,omitempty"`
	// Digest is the SHA-256 of the archive as the index gives it, in hexadecimal; empty when it gives none.
	Digest string `json:"digest,omitempty"`
}

// ErrQuery means that a part of the question is missing.
var ErrQuery = errors.New("incomplete question")

// ErrNoVersion means that no chart in the index is for the application's version.
var ErrNoVersion = errors.New("no chart for this application version")

// Query asks for the chart of a version of an application.
type Query struct {
	// Repository is the address of a chart repository, without index.yaml.
	Repository string
	Chart      string
	AppVersion string
	// Version is the chart's own version, or a semver range of which the newest is taken. It is asked for where AppVersion is empty.
	Version string
	// Exact says that Version is a version and no range, whatever it looks like: 1.2 is not the newest 1.2.x.
	Exact bool
}

// FindChart fetches the index of a repository and gives the chart for a version of the application, by the rule of [Choose]. Hosts that the environment
// variable [PlainHTTPVariable] names may be asked without TLS.
func FindChart(ctx context.Context, q Query) (Chart, error) {
	return FromEnvironment().FindChart(ctx, q)
}

// FromEnvironment is a client for the commands of an init.sh: the environment variable [PlainHTTPVariable] names hosts that may be asked without TLS.
func FromEnvironment() *Client {
	return &Client{PlainHTTP: strings.FieldsFunc(os.Getenv(PlainHTTPVariable), func(r rune) bool { return r == ',' || r == ' ' })}
}

// FindChart is as the function of that name.
func (c *Client) FindChart(ctx context.Context, q Query) (Chart, error) {
	if q.Repository == "" || q.Chart == "" || q.AppVersion == "" && q.Version == "" {
		return Chart{}, fmt.Errorf("%w: a repository, a chart and an application version are wanted, not %q, %q and %q", ErrQuery, redact(q.Repository), q.Chart, q.AppVersion)
	}
	entries, err := c.Index(ctx, q.Repository, q.Chart)
	if err != nil {
		return Chart{}, err
	}
	e, err := q.choose(entries)
	if err != nil {
		return Chart{}, fmt.Errorf("chart %s in %s: %w", q.Chart, redact(q.Repository), err)
	}
	found := Chart{Name: q.Chart, Version: e.Version, AppVersion: e.AppVersion, Digest: strings.TrimPrefix(e.Digest, "sha256:")}
	if len(e.URLs) > 0 {
		found.URL = Resolve(q.Repository, e.URLs[0])
	}
	return found, nil
}

func (q Query) choose(entries []Entry) (Entry, error) {
	if q.AppVersion != "" {
		return Choose(entries, q.AppVersion)
	}
	if !q.Exact {
		return ChooseVersion(entries, q.Version)
	}
	e, all, ok := veryVersion(entries, q.Version)
	if !ok {
		return Entry{}, noVersion(all, q.Version)
	}
	return e, nil
}

// ChooseVersion gives the chart of a version, with or without a leading v, or the newest one in a semver range.
func ChooseVersion(entries []Entry, version string) (Entry, error) {
	e, all, ok := veryVersion(entries, version)
	if ok {
		return e, nil
	}
	if _, err := semver.StrictNewVersion(strings.TrimPrefix(version, "v")); err != nil {
		if i := NewestIn(all, version); i >= 0 {
			return entries[i], nil
		}
	}
	return Entry{}, noVersion(all, version)
}

// veryVersion gives the chart of a version, with or without a leading v, and all versions that there are.
func veryVersion(entries []Entry, version string) (found Entry, all []string, ok bool) {
	for _, e := range entries {
		all = append(all, e.Version)
	}
	for _, spelling := range spellings(version) {
		if i := slices.Index(all, spelling); i >= 0 {
			return entries[i], all, true
		}
	}
	return Entry{}, all, false
}

// noVersion names what there is in place of a chart's version.
func noVersion(all []string, version string) error {
	return noChartVersion(fmt.Sprintf("no chart version is %s; the nearest are %s", version, strings.Join(NearestVersions(all, version), ", ")))
}

// noChartVersion is an [ErrNoVersion] of the chart's own versions.
type noChartVersion string

func (e noChartVersion) Error() string { return string(e) }

// Is makes it an [ErrNoVersion].
func (e noChartVersion) Is(target error) bool { return target == ErrNoVersion }

// NewestIn gives the position of the newest version in a semver range, pre-releases only where the range names one; -1 when there is none.
func NewestIn(versions []string, constraint string) int {
	if constraint == "" {
		constraint = "*"
	}
	c, err := semver.NewConstraint(constraint)
	if err != nil {
		return -1
	}
	best, top := -1, (*semver.Version)(nil)
	for i, text := range versions {
		v, err := semver.NewVersion(text)
		if err == nil && c.Check(v) && (top == nil || v.GreaterThan(top)) {
			best, top = i, v
		}
	}
	return best
}

// Resolve makes an address of the index absolute, as helm does: relative to the repository's directory, and with the repository's query, in which some
// have a token.
func Resolve(repository, address string) string {
	base, err := url.Parse(repository)
	if err != nil {
		return address
	}
	u, err := url.Parse(address)
	if err != nil || u.IsAbs() {
		return address
	}
	query := base.RawQuery
	base = base.JoinPath("/")
	base.RawQuery = ""
	u = base.ResolveReference(u)
	if query != "" && u.Host == base.Host {
		u.RawQuery = query
	}
	return u.String()
}

// Choose gives the chart for a version of the application: the entries whose application version is the very one, else those where only a leading
// v differs, or the + that the tag of an image cannot have; among these the one whose own version is the greatest by semantic versioning, pre-releases
// after all others. With a differing v a pre-release counts only when a pre-release was asked for.
func Choose(entries []Entry, appVersion string) (Entry, error) {
	for i, spelling := range spellings(appVersion) {
		if e, ok := newest(entries, spelling, i%2 == 0 || strings.Contains(appVersion, "-")); ok {
			return e, nil
		}
	}
	return Entry{}, notFound(entries, appVersion)
}

// spellings are the ways to write a version, by turns with its v and without: as it is, and as it is where tags of images are not, in which a + is _.
func spellings(version string) []string {
	out := []string{version, toggleV(version)}
	if plus := strings.ReplaceAll(version, "_", "+"); plus != version {
		out = append(out, plus, toggleV(plus))
	}
	return out
}

func toggleV(version string) string {
	if rest, ok := strings.CutPrefix(version, "v"); ok {
		return rest
	}
	return "v" + version
}

func newest(entries []Entry, appVersion string, prereleases bool) (Entry, bool) {
	var best Entry
	var top *semver.Version
	for _, e := range entries {
		v, err := semver.NewVersion(e.Version)
		if err != nil || e.AppVersion != appVersion || v.Prerelease() != "" && !prereleases {
			continue
		}
		if top == nil || precedes(top, v) {
			best, top = e, v
		}
	}
	return best, top != nil
}

// precedes says whether b is to be taken rather than a.
func precedes(a, b *semver.Version) bool {
	if stable := b.Prerelease() == ""; stable != (a.Prerelease() == "") {
		return stable
	}
	return b.GreaterThan(a)
}

// notFound names what there is instead.
func notFound(entries []Entry, appVersion string) error {
	for _, e := range entries {
		if e.Version == appVersion || e.Version == toggleV(appVersion) {
			return fmt.Errorf("%w: %s is a version of the chart; its application version is %s", ErrNoVersion, appVersion, e.AppVersion)
		}
	}
	if near := nearest(entries, appVersion); len(near) > 0 {
		return fmt.Errorf("%w: %s; the nearest are %s", ErrNoVersion, appVersion, strings.Join(near, ", "))
	}
	return fmt.Errorf("%w: %s; the index names no application versions", ErrNoVersion, appVersion)
}

// maxNearest is how many versions an error offers.
const maxNearest = 5

// NearestVersions gives at most five of the versions, those nearest to one that there is none of first.
func NearestVersions(versions []string, version string) []string {
	var entries []Entry
	for _, v := range versions {
		entries = append(entries, Entry{AppVersion: v})
	}
	return nearest(entries, version)
}

// nearest gives application versions near to one that there is none of: those of the same minor version before those of the same major version,
// and among these the closest.
func nearest(entries []Entry, appVersion string) []string {
	var all []string
	for _, e := range entries {
		if e.AppVersion != "" && len(e.AppVersion) < 64 {
			all = append(all, e.AppVersion)
		}
	}
	slices.Sort(all)
	all = slices.Compact(all)
	far := make(map[string][]uint64, len(all))
	for _, v := range all {
		far[v] = apart(appVersion, v)
	}
	slices.SortStableFunc(all, func(a, b string) int { return cmp.Or(slices.Compare(far[a], far[b]), compareVersions(b, a)) })
	return all[:min(len(all), maxNearest)]
}

// apart is the distance between two versions: of their major numbers, then of their minor ones, then of their patches. What is no version is
// farthest; to what is none itself, all versions are as far.
func apart(asked, there string) []uint64 {
	y, err := semver.NewVersion(there)
	if err != nil {
		return []uint64{math.MaxUint64}
	}
	x, err := semver.NewVersion(asked)
	if err != nil {
		return nil
	}
	gap := func(p, q uint64) uint64 { return max(p, q) - min(p, q) }
	return []uint64{gap(x.Major(), y.Major()), gap(x.Minor(), y.Minor()), gap(x.Patch(), y.Patch())}
}

func compareVersions(a, b string) int {
	x, xerr := semver.NewVersion(a)
	y, yerr := semver.NewVersion(b)
	if xerr != nil || yerr != nil {
		return cmp.Compare(a, b)
	}
	return x.Compare(y)
}
