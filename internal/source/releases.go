package source

import (
	"bufio"
	"context"
	"encoding/json"
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
