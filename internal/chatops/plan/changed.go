package plan

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/labring-actions/cluster-image/internal/catalog"
	"github.com/labring-actions/cluster-image/internal/chatops/grammar"
	"github.com/labring-actions/cluster-image/internal/recipe"
)

// latestDir serves every version without a directory of its own.
const latestDir = "latest"

// example finds a version in a README, in the command that builds it.
var example = regexp.MustCompile(`(?m)(?:cluster-image build|/imagebuild_apps) ([a-z0-9-]+) ([0-9A-Za-z._-]+)`)

// Changed plans the builds that try what a change touches: one for each recipe of an application that has a changed file and is still there. A recipe
// for every version is tried with the version of the schedule, else of its README; without either it is not built. Nothing of it is pushed.
func (p *Planner) Changed(files []string, scheduled []Scheduled) (Plan, error) {
	out := Plan{Version: Version, Action: DoBuild, Source: Source{Event: "pull_request", Run: p.Run, Attempt: p.Attempt, RunURL: p.RunURL}}
	root, err := os.OpenRoot(p.Root)
	if err != nil {
		return out, fmt.Errorf("open recipes: %w", err)
	}
	defer root.Close()
	var untried []string
	for _, dir := range changedRecipes(files) {
		name, version := dir[0], dir[1]
		if info, err := root.Stat(string(recipe.Application) + "/" + name + "/" + version); err != nil || !info.IsDir() {
			continue
		}
		if version == latestDir {
			version = tried(root.FS(), name, scheduled)
		}
		if version == "" {
			untried = append(untried, name)
			continue
		}
		out.Builds = append(out.Builds, Build{Kind: grammar.Apps, Name: name, Version: version}.finish(p.registry(grammar.Apps)))
	}
	return p.bounded(out, untried)
}

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

// changedRecipes are the directories NAME/DIR that have a changed file. A README beside them changes nothing that is built.
func changedRecipes(files []string) [][2]string {
	var out [][2]string
	for _, f := range files {
		parts := strings.Split(f, "/")
		if len(parts) < 4 || parts[0] != string(recipe.Application) || errors.Join(catalog.CheckName(parts[1]), catalog.CheckVersion(parts[2])) != nil {
			continue
		}
		if dir := [2]string{parts[1], parts[2]}; !slices.Contains(out, dir) {
			out = append(out, dir)
		}
	}
	return out
}

// tried is the version that a recipe for every version is tried with.
func tried(root fs.FS, name string, scheduled []Scheduled) string {
	for _, l := range scheduled {
		if l.Name == name && l.Version != latestDir && !l.Outdated {
			return l.Version
		}
	}
	readme, err := fs.ReadFile(root, string(recipe.Application)+"/"+name+"/README.md")
	if err != nil {
		return ""
	}
	for _, m := range example.FindAllStringSubmatch(string(readme), -1) {
		if m[1] == name && catalog.CheckVersion(m[2]) == nil {
			return m[2]
		}
	}
	return ""
}
