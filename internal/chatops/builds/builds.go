// Package builds brings the record of what was built up to date: what the published site has, and what runs have left since.
//
// Anybody can have a run leave an artifact, by a pull request. So GitHub is asked of each what it was a run of, and only those count that ran the
// default branch's own workflows.
package builds

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/labring-actions/cluster-image/internal/chatops/github"
	"github.com/labring-actions/cluster-image/internal/history"
)

// Artifact is the name of what a run leaves. It holds [history.File].
const Artifact = "builds"

const (
	// kept is how long the artifacts of runs are kept, and longer.
	kept = 90 * 24 * time.Hour
	// overlap is how much older than the last known build an artifact may be: a build is known only after its run, and clocks differ.
	overlap = 24 * time.Hour
)

// workflows are those that build what is pushed, events what starts them.
var (
	workflows = []string{".github/workflows/imagebuild.yml", ".github/workflows/schedule.yml"}
	events    = []string{"issue_comment", "issues", "workflow_dispatch", "schedule"}
)

// Gatherer asks GitHub for what runs have left.
type Gatherer struct {
	GitHub *github.Client
	// Repository is OWNER/NAME, Branch its default branch.
	Repository, Branch string
	Now                time.Time
	// Warn is told what was left out.
	Warn func(format string, args ...any)
}

// Published is the record that the site at an address has; empty where there is none yet. A mark makes the address another one each time, so that no
// cache answers in the place of the site.
func (g Gatherer) Published(ctx context.Context, site, mark string) ([]history.Build, error) {
	b, err := g.GitHub.Page(ctx, strings.TrimSuffix(site, "/")+"/"+history.File+"?run="+mark)
	if errors.Is(err, github.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return history.Read(bytes.NewReader(b), g.Now)
}

// Since adds to a record what runs have left since its last build. All of them are looked at, not only the one that ended just now: of runs that write
// the site GitHub lets one wait, and ends the others.
func (g Gatherer) Since(ctx context.Context, former []history.Build) ([]history.Build, error) {
	artifacts, err := g.GitHub.Artifacts(ctx, Artifact, g.since(former))
	if err != nil {
		return nil, err
	}
	all, runs := [][]history.Build{former}, map[int64]github.Run{}
	for _, a := range artifacts {
		run, known := runs[a.Run]
		if !known {
			if run, err = g.GitHub.Run(ctx, a.Run); err != nil && !errors.Is(err, github.ErrNotFound) {
				return nil, err
			}
			runs[a.Run] = run
		}
		if why := g.foreign(run); why != "" {
			g.Warn("artifact %d of run %d is left out: %s", a.ID, a.Run, why)
			continue
		}
		one, err := g.read(ctx, a)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return history.Merge(all...), nil
}

// since is from when on artifacts can hold a build that the record has not.
func (g Gatherer) since(former []history.Build) time.Time {
	at := g.Now.Add(-kept)
	for _, b := range former {
		if t := b.Time.Add(-overlap); t.After(at) {
			at = t
		}
	}
	return at
}

// foreign says why a run does not count; empty when it does.
func (g Gatherer) foreign(r github.Run) string {
	path, _, _ := strings.Cut(r.Path, "@")
	switch {
	case r.ID == 0:
		return "there is no such run"
	case r.HeadRepository.FullName != g.Repository:
		return fmt.Sprintf("it ran for %.120q", r.HeadRepository.FullName)
	case r.HeadBranch != g.Branch:
		return fmt.Sprintf("it ran on the branch %.120q", r.HeadBranch)
	case !slices.Contains(workflows, path):
		return fmt.Sprintf("it ran %.120q", r.Path)
	case !slices.Contains(events, r.Event):
		return fmt.Sprintf("it was started by %.60q", r.Event)
	}
	return ""
}

// read reads what a run left. What is no record is left out: it would keep the site from being written until it expires.
func (g Gatherer) read(ctx context.Context, a github.Artifact) ([]history.Build, error) {
	b, err := g.GitHub.ReadArtifact(ctx, a, history.File)
	switch {
	case errors.Is(err, github.ErrContent) || errors.Is(err, github.ErrNotFound):
		g.Warn("artifact %d of run %d is left out: %v", a.ID, a.Run, err)
		return nil, nil
	case err != nil:
		return nil, err
	}
	all, err := history.Read(bytes.NewReader(b), g.Now)
	if err != nil {
		g.Warn("artifact %d of run %d is left out: %v", a.ID, a.Run, err)
		return nil, nil
	}
	return all, nil
}
