package plan

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/labring-actions/cluster-image/internal/catalog"
	"github.com/labring-actions/cluster-image/internal/chatops/grammar"
)

// maxLines bounds a schedule file.
const maxLines = 10_000

// outdated in the place of a version stands for a version that is new, everything in the place of a name for every application.
const (
	outdated   = "outdated"
	everything = "*"
)

// Scheduled is one line of a schedule.
type Scheduled struct {
	Name, Version string
	// Fixed says that the tag is to stay what it is.
	Fixed bool
	// Outdated stands for the newest version there is, where that is newer than the catalogue knows, and for what [Expand] made of it. The name * is
	// every application then.
	Outdated bool
	// At is the place: file:line.
	At string
}

// ReadSchedule reads every *.txt of a directory. A line is NAME:VERSION, with an exclamation mark in front when its tag is fixed, or NAME:outdated or
// *:outdated; a number sign begins a comment. All lines that are wrong are told at once.
func ReadSchedule(fsys fs.FS) ([]Scheduled, error) {
	files, err := fs.Glob(fsys, "*.txt")
	if err != nil {
		return nil, err
	}
	s := schedule{seen: map[string]Scheduled{}}
	for _, name := range files {
		s.file(fsys, name)
	}
	return s.lines, errors.Join(s.wrong...)
}

// schedule is what was read so far.
type schedule struct {
	lines []Scheduled
	seen  map[string]Scheduled
	wrong []error
}

func (s *schedule) file(fsys fs.FS, name string) {
	f, err := fsys.Open(name)
	if err != nil {
		s.wrong = append(s.wrong, fmt.Errorf("read schedule: %w", err))
		return
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		at := fmt.Sprintf("%s:%d", path.Base(name), n)
		if n > maxLines {
			s.wrong = append(s.wrong, fmt.Errorf("%s: at most %d lines are read", at, maxLines))
			return
		}
		s.line(lines.Text(), at)
	}
	if err := lines.Err(); err != nil {
		s.wrong = append(s.wrong, fmt.Errorf("read %s: %w", name, err))
	}
}

func (s *schedule) line(text, at string) {
	text, _, _ = strings.Cut(text, "#")
	text = strings.TrimSpace(text)
	if text == "" {
		return
	}
	l, err := parseScheduled(text)
	if err != nil {
		s.wrong = append(s.wrong, fmt.Errorf("%s: %w", at, err))
		return
	}
	l.At = at
	key := l.Name + ":" + l.Version
	if before, ok := s.seen[key]; ok {
		s.wrong = append(s.wrong, fmt.Errorf("%s: %s is in %s already", at, key, before.At))
		return
	}
	s.seen[key] = l
	s.lines = append(s.lines, l)
}

func parseScheduled(text string) (Scheduled, error) {
	text, fixed := strings.CutPrefix(text, "!")
	name, version, ok := strings.Cut(text, ":")
	if !ok {
		return Scheduled{}, fmt.Errorf("%.80q is not NAME:VERSION", text)
	}
	if version == outdated && !fixed && (name == everything || catalog.CheckName(name) == nil) {
		return Scheduled{Name: name, Version: version, Outdated: true}, nil
	}
	return Scheduled{Name: name, Version: version, Fixed: fixed}, errors.Join(catalog.CheckName(name), catalog.CheckVersion(version))
}

// Newer is an application of which there is a newer version than the catalogue knows.
type Newer struct {
	Name   string `json:"name"`
	Newest string `json:"newest"`
}

// Expand puts the new versions in the place of the lines that stand for them. Their tags are fixed: a version is built once.
func Expand(lines []Scheduled, newer []Newer) []Scheduled {
	var out []Scheduled
	seen := map[string]bool{}
	for _, l := range lines {
		if !l.Outdated {
			out = append(out, l)
			seen[l.Name+":"+l.Version] = true
		}
	}
	for _, l := range lines {
		for _, n := range newer {
			key := n.Name + ":" + n.Newest
			if !l.Outdated || l.Name != everything && l.Name != n.Name || seen[key] {
				continue
			}
			seen[key] = true
			out = append(out, Scheduled{Name: n.Name, Version: n.Newest, Fixed: true, Outdated: true, At: l.At})
		}
	}
	return out
}

// Schedule plans the rebuild of scheduled images. Tags move, but for those that are fixed.
func (p *Planner) Schedule(lines []Scheduled) (Plan, error) {
	out := Plan{Version: Version, Action: DoBuild, Source: Source{Event: "schedule", Run: p.Run, Attempt: p.Attempt, RunURL: p.RunURL}}
	var wrong []error
	seen := map[string]Scheduled{}
	for _, l := range lines {
		b := Build{Kind: grammar.Apps, Name: l.Name, Version: l.Version, Moving: !l.Fixed}.finish(p.registry(grammar.Apps))
		c := grammar.Command{Kind: grammar.Apps, Name: l.Name, Versions: []string{l.Version}}
		one := []Build{b}
		refusal := p.buildable(c, one)
		if refusal == nil {
			refusal = p.recipes(c, one, true)
		}
		if refusal != nil {
			wrong = append(wrong, fmt.Errorf("%s: %s", l.At, refusal.Problem))
			continue
		}
		// A version may be written in two ways, and what is new may be what a line has.
		switch before, ok := seen[one[0].ID]; {
		case !ok:
			seen[one[0].ID] = l
			out.Builds = append(out.Builds, one...)
		case !l.Outdated:
			wrong = append(wrong, fmt.Errorf("%s: %s:%s is in %s already, as %s", l.At, l.Name, l.Version, before.At, before.Version))
		}
	}
	if len(out.Builds) > WaveSize*MaxWaves {
		wrong = append(wrong, fmt.Errorf("%d images are scheduled, at most %d can be built at once", len(out.Builds), WaveSize*MaxWaves))
	}
	if len(out.Builds) == 0 {
		out.Action, out.Why = DoIgnore, "nothing is scheduled"
	}
	out.Waves = waves(out.Builds)
	return out, errors.Join(wrong...)
}

// Has says whether a line is about an application.
func Has(lines []Scheduled, name string) bool {
	return slices.ContainsFunc(lines, func(l Scheduled) bool { return l.Name == name || l.Name == everything })
}

// Only keeps the lines that have one of the names; no names keep all.
func Only(lines []Scheduled, names []string) []Scheduled {
	if len(names) == 0 {
		return lines
	}
	return slices.DeleteFunc(slices.Clone(lines), func(l Scheduled) bool { return !slices.Contains(names, l.Name) })
}
