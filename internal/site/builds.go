package site

import (
	"encoding/json"
	"fmt"
	"io"
	"time"
)

// maxBuilds bounds a file of builds, in bytes.
const maxBuilds = 64 << 20

// Built is one finished build of a version.
type Built struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Build
}

// ReadBuilds reads a JSON list of finished builds: [{"name", "version", "time", "digest", "url"}], in any order. Of several of one version the latest
// counts.
func ReadBuilds(r io.Reader) ([]Built, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxBuilds+1))
	if err != nil {
		return nil, fmt.Errorf("read builds: %w", err)
	}
	if len(b) > maxBuilds {
		return nil, fmt.Errorf("read builds: more than %d bytes", maxBuilds)
	}
	var all []Built
	if err := json.Unmarshal(b, &all); err != nil {
		return nil, fmt.Errorf("read builds: %w", err)
	}
	for i, one := range all {
		if one.Name == "" || one.Version == "" || one.Time.IsZero() {
			return nil, fmt.Errorf("read builds: number %d has no name, no version or no time", i+1)
		}
	}
	return all, nil
}

// builds are the latest by version.
type builds map[string]*Build

// latestOf picks the builds of one application.
func latestOf(name string, all []Built) builds {
	out := builds{}
	for i := range all {
		one := &all[i]
		if one.Name != name {
			continue
		}
		if before := out[one.Version]; before == nil || before.Time.Before(one.Time) {
			out[one.Version] = &Build{Time: one.Time.UTC().Truncate(time.Second), Digest: one.Digest, URL: one.URL}
		}
	}
	return out
}
