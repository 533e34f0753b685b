package plan

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/labring-actions/cluster-image/internal/catalog"
	"github.com/labring-actions/cluster-image/internal/chatops/grammar"
)

// latestDir serves every version without a directory of its own.
const latestDir = "latest"

// example finds a version in a README, in the command that builds it.
var example = regexp.MustCompile(`(?m)(?:cluster-image build|/imagebuild_(?:apps|configs|dockerimages)) ([a-z0-9-]+) ([0-9A-Za-z._-]+)`)

// changeable are the kinds whose recipes a change is tried with.
var changeable = []grammar.Kind{grammar.Apps, grammar.Configs, grammar.DockerImages}

// Changed plans the builds that try what a change touches: one for each recipe that has a changed file and is still there. A recipe for every version is
// tried with the version of the schedule, else of its README; without either it is not built. Nothing of it is pushed.
func (p *Planner) Changed(files []string, scheduled []Scheduled) (Plan, error) {
	out := Plan{Version: Version, Action: DoBuild, Source: Source{Event: "pull_request", Run: p.Run, Attempt: p.Attempt, RunURL: p.RunURL}}
	root, err := os.OpenRoot(p.Root)
	if err != nil {
		return out, fmt.Errorf("open recipes: %w", err)
	}
	defer root.Close()
	var untried []string
	for _, c := range changedRecipes(files) {
		if info, err := root.Stat(c.dir()); err != nil || !info.IsDir() {
			continue
		}
		b := Build{Kind: c.kind, Name: c.name, Version: c.version}
		if c.kind == grammar.DockerImages {
			b.Engine = OnDagger
		}
		if b.Version == latestDir {
			b.Version = c.tried(root.FS(), scheduled)
		}
		if b.Version == "" {
			untried = append(untried, c.name)
			continue
		}
		out.Builds = append(out.Builds, b.finish(p.registry(c.kind)))
	}
	return p.bounded(out, untried)
}

// changed is a directory of the catalogue with a changed file.
type changed struct {
	kind          grammar.Kind
	name, version string
}

func (c changed) dir() string { return path.Join(string(c.kind.Recipes()), c.name, c.version) }

// bounded keeps the matrix under its limit: a change of the whole catalogue is tried in part.
func (p *Planner) bounded(out Plan, untried []string) (Plan, error) {
	const most = 30
	if n := len(out.Builds); n > most {
		for _, b := range out.Builds[most:] {
			untried = append(untried, b.Name)
		}
		out.Builds = out.Builds[:most]
	}
	if len(untried) > 0 {
		out.Why = "not tried: " + strings.Join(untried, " ")
	}
	if len(out.Builds) == 0 {
		out.Action = DoIgnore
	}
	for _, b := range out.Builds {
		if err := b.Check(); err != nil {
			return out, err
		}
	}
	out.Waves = waves(out.Builds)
	return out, nil
}

// changedRecipes are the directories KIND/NAME/DIR that have a changed file. A README beside them changes nothing that is built.
func changedRecipes(files []string) []changed {
	var out []changed
	for _, f := range files {
		parts := strings.Split(f, "/")
		if len(parts) < 4 || errors.Join(catalog.CheckName(parts[1]), catalog.CheckVersion(parts[2])) != nil {
			continue
		}
		i := slices.IndexFunc(changeable, func(k grammar.Kind) bool { return string(k.Recipes()) == parts[0] })
		if i < 0 {
			continue
		}
		if c := (changed{changeable[i], parts[1], parts[2]}); !slices.Contains(out, c) {
			out = append(out, c)
		}
	}
	return out
}

// tried is the version that a recipe for every version is tried with.
func (c changed) tried(root fs.FS, scheduled []Scheduled) string {
	for _, l := range scheduled {
		if c.kind == grammar.Apps && l.Name == c.name && l.Version != latestDir && !l.Outdated {
			return l.Version
		}
	}
	readme, err := fs.ReadFile(root, path.Join(path.Dir(c.dir()), "README.md"))
	if err != nil {
		return ""
	}
	for _, m := range example.FindAllStringSubmatch(string(readme), -1) {
		if m[1] == c.name && catalog.CheckVersion(m[2]) == nil {
			return m[2]
		}
	}
	return ""
}
