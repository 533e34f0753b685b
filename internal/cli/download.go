package cli

import (
	"errors"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/labring-actions/cluster-image/internal/failure"
	"github.com/labring-actions/cluster-image/internal/lock"
	"github.com/labring-actions/cluster-image/internal/pipeline"
	"github.com/labring-actions/cluster-image/internal/recipe"
)

func downloadCommand(p *Program) *cli.Command {
	var (
		o         access
		run       recipeRun
		recipes   string
		output    string
		platforms []string
		locked    bool
		locks     string
		kind      recipe.Kind
	)
	return &cli.Command{
		Name:      "download",
		Usage:     "run a recipe and leave its build context: charts, manifests, binaries",
		ArgsUsage: "NAME VERSION",
		UsageText: "cluster-image download nginx 1.29.1 --platform linux/arm64 --output context",
		Description: "The first of the four steps. For one platform the context is DIR itself, for several there is one in DIR/linux-amd64 " +
			"and one in DIR/linux-arm64, which registry save and assemble understand.",
		Flags: join([]cli.Flag{
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "leave the context in `DIR`, which must not exist or be empty", Required: true, Destination: &output},
			platformFlag(&platforms), kindFlag(&kind), recipesFlag(&recipes),
			&cli.BoolFlag{Name: "locked", Usage: "take the inputs of the lock file and no others", Destination: &locked}, locksFlag(&locks),
		}, run.flags(), o.flags()),
		Action: func(c *cli.Context) error {
			r, err := p.findOf(kind, recipes, c.Args().Get(0), c.Args().Get(1))
			if err != nil {
				return err
			}
			e, err := p.engine(o, run, pipeline.MaybeInclude, nil)
			if err != nil {
				return err
			}
			chosen, err := e.ChoosePlatforms(r, platforms)
			if err != nil {
				return recipeFailure(err)
			}
			var held *lock.Lock
			if locked {
				if held, err = lockOf(r, locks); err != nil {
					return err
				}
			}
			contexts, err := e.Download(c.Context, r, chosen, output, held)
			if errors.Is(err, recipe.ErrExists) {
				return failure.New(failure.Usage, "%w", err).Advise("remove it, or name another with --output")
			}
			if err != nil {
				return err
			}
			return p.Result(strings.Join(contexts.Dirs(), "\n"), downloaded{r.Name, r.Version, contexts})
		},
	}
}

// downloaded is the result of download: where the contexts are, of what, and the version as the recipe writes it.
type downloaded struct {
	Name     string              `json:"name"`
	Version  string              `json:"version"`
	Contexts pipeline.ByPlatform `json:"contexts"`
}

func platformFlag(dst *[]string) cli.Flag {
	return &cli.GenericFlag{Name: "platform", Usage: "only for `PLATFORM`: linux/amd64 or linux/arm64; repeatable", Value: platformsValue(dst)}
}

// join puts groups of flags together.
func join(groups ...[]cli.Flag) []cli.Flag {
	var out []cli.Flag
	for _, g := range groups {
		out = append(out, g...)
	}
	return out
}
