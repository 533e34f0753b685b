package source

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
)

// GitHubAPI is where the releases of projects on GitHub are asked for.
const GitHubAPI = "https://api.github.com"

// Bounds of what a server may say about versions.
const (
	maxReleasePage  = 32 << 20
	maxReleasePages = 10
	perPage         = 100
	maxVersionLine  = 4096
)

// Release is one release of a project.
type Release struct {
	Tag string `json:"tag_name"`
	// Prerelease is what the project says of it, Draft that nobody can see it yet.
	Prerelease bool `json:"prerelease"`
	Draft      bool `json:"draft"`
}

// Releases gives the releases of a project on GitHub, named as OWNER/NAME, the latest published first. The api is [GitHubAPI], or another server that
// answers like it.
func (c *Client) Releases(ctx context.Context, api, project string) ([]Release, error) {
	var all []Release
	for page := 1; page <= maxReleasePages; page++ {
		releases, err := c.releasePage(ctx, api, project, page)
		if err != nil {
			return nil, fmt.Errorf("releases of %s: %w", project, err)
		}
		all = append(all, releases...)
		if len(releases) < perPage {
			break
		}
	}
	return all, nil
}

func (c *Client) releasePage(ctx context.Context, api, project string, page int) ([]Release, error) {
	u, err := url.Parse(api)
	if err != nil {
		return nil, fmt.Errorf("%w: %q is no address", ErrSource, api)
	}
	u = u.JoinPath("repos", project, "releases")
	u.RawQuery = fmt.Sprintf("per_page=%d&page=%d", perPage, page)
	var releases []Release
	err = c.get(ctx, u.String(), func(body io.Reader) error {
		b, err := io.ReadAll(io.LimitReader(body, maxReleasePage))
		if err != nil {
			return err
		}
		if err := json.Unmarshal(b, &releases); err != nil {
			return fmt.Errorf("the answer is no list of releases: %w", err)
		}
		return nil
	})
	return releases, err
}

// VersionList fetches a page that has one version a line. Empty lines and those that begin with # are left out.
func (c *Client) VersionList(ctx context.Context, address string) ([]string, error) {
	var versions []string
	err := c.get(ctx, address, func(body io.Reader) error {
		versions = nil
		lines := bufio.NewScanner(io.LimitReader(body, maxReleasePage))
		lines.Buffer(nil, maxVersionLine)
		for lines.Scan() {
			if line := strings.TrimSpace(lines.Text()); line != "" && !strings.HasPrefix(line, "#") {
				versions = append(versions, line)
			}
		}
		return lines.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("list of versions: %w", err)
	}
	return versions, nil
}

// ErrNoRelease means that a project has no release in a range.
var ErrNoRelease = errors.New("no such release")

// NewestRelease gives the tag of the newest stable release of a project on GitHub that is in a semver range, of those whose tag begins with a prefix.
func (c *Client) NewestRelease(ctx context.Context, project, prefix, constraint string) (string, error) {
	releases, err := do(&c.flights, "releases "+project, func() ([]Release, error) { return c.Releases(ctx, GitHubAPI, project) })
	if err != nil {
		return "", err
	}
	var tags, versions []string
	for _, r := range releases {
		if rest, ok := strings.CutPrefix(r.Tag, prefix); ok && !r.Draft && !r.Prerelease {
			tags, versions = append(tags, r.Tag), append(versions, rest)
		}
	}
	if i := NewestIn(versions, constraint); i >= 0 {
		return tags[i], nil
	}
	return "", fmt.Errorf("%w: %w: %s has no stable release %s%s", ErrSource, ErrNoRelease, project, prefix, constraint)
}

// Nearest gives versions that there are near to one that there is none of, from where a recipe says that they are published; none when it cannot be
// asked. The prefix is what stands before the version in the tags of a project on GitHub.
func (c *Client) Nearest(ctx context.Context, releases, prefix, version string) []string {
	var versions []string
	if project, ok := strings.CutPrefix(releases, "github:"); ok {
		all, err := c.Releases(ctx, GitHubAPI, project)
		if err != nil {
			return nil
		}
		for _, r := range all {
			if v, ok := strings.CutPrefix(r.Tag, prefix); ok {
				versions = append(versions, v)
			}
		}
	}
	if address, ok := strings.CutPrefix(releases, "url:"); ok {
		all, err := c.VersionList(ctx, address)
		if err != nil {
			return nil
		}
		versions = all
	}
	return NearestVersions(versions, version)
}
