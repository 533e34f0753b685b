package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/labring-actions/cluster-image/internal/chatops/plan"
	"github.com/labring-actions/cluster-image/internal/failure"
)

func chatopsScheduleCommand(p *Program) *cli.Command {
	var (
		f     planFlags
		newer string
	)
	return &cli.Command{
		Name:      "schedule",
		Usage:     "plan the rebuild of the scheduled images, or of some of them",
		ArgsUsage: "[NAME...]",
		UsageText: "cluster-image chatops schedule --output plan.json",
		Description: "A line of .github/schedule/*.txt is NAME:VERSION. Its tag moves: it names the image of the last build. With an exclamation mark in front " +
			"it is fixed: another image under it is an error. NAME:outdated, or *:outdated, is the newest version that --outdated reports. A number sign " +
			"begins a comment.",
		Flags: join([]cli.Flag{
			&cli.StringFlag{Name: "outdated", Usage: "what is outdated is in `FILE`, as outdated --json prints it", Destination: &newer},
		}, f.flags()),
		Action: func(c *cli.Context) error {
			planner, err := f.planner(f.repository, nil)
			if err != nil {
				return err
			}
			lines, err := f.schedule()
			if err != nil {
				return recipeLines(err)
			}
			news, err := readNewer(newer)
			if err != nil {
				return err
			}
			names := strings.Fields(strings.Join(c.Args().Slice(), " "))
			for _, name := range names {
				if !plan.Has(lines, name) {
					return usage("the schedule has no line for %.80q", name).Advise("its lines are in .github/schedule/*.txt")
				}
			}
			made, err := planner.Schedule(plan.Only(plan.Expand(lines, news), names))
			if err != nil {
				return recipeLines(err)
			}
			if made.Why != "" {
				p.Reporter().Note("%s", made.Why)
			}
			return p.give(&f, made)
		},
	}
}

// readNewer reads what outdated printed. A file with nothing in it is one of a run that got no answer.
func readNewer(file string) ([]plan.Newer, error) {
	if file == "" {
		return nil, nil
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, usage("--outdated: %v", err)
	}
	var out []plan.Newer
	if len(bytes.TrimSpace(b)) == 0 {
		return nil, nil
	}
	if err := json.Unmarshal(b, &out); err != nil {
		return nil, usage("--outdated %s: %v", file, err)
	}
	return out, nil
}

// schedule reads the files of the checkout; none is an empty schedule.
func (f *planFlags) schedule() ([]plan.Scheduled, error) {
	root, err := os.OpenRoot(filepath.Join(f.root, ".github", "schedule"))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read schedule: %w", err)
	}
	defer root.Close()
	return plan.ReadSchedule(root.FS())
}

func recipeLines(err error) error { return &failure.Failure{Class: failure.Recipe, Err: err} }

func chatopsChangedCommand(p *Program) *cli.Command {
	var f planFlags
	return &cli.Command{
		Name:      "changed",
		Usage:     "plan the builds that try the recipes which a change touches; the files stand on standard input, each ended by a zero byte",
		UsageText: "git diff --name-only -z origin/main... | cluster-image chatops changed --output plan.json",
		Flags:     f.flags(),
		Action: func(c *cli.Context) error {
			const most = 8 << 20
			b, err := io.ReadAll(io.LimitReader(p.Stdin, most))
			if err != nil {
				return fmt.Errorf("read files: %w", err)
			}
			planner, err := f.planner(f.repository, nil)
			if err != nil {
				return err
			}
			lines, err := f.schedule()
			if err != nil {
				return recipeLines(err)
			}
			var files []string
			for _, name := range bytes.Split(b, []byte{0}) {
				files = append(files, string(name))
			}
			made, err := planner.Changed(files, lines)
			if err != nil {
				return recipeLines(err)
			}
			if made.Why != "" {
				p.Reporter().Note("%s", made.Why)
			}
			return p.give(&f, made)
		},
	}
}
