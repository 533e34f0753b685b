package cli

import (
	"encoding/json"

	"github.com/urfave/cli/v2"

	"github.com/labring-actions/cluster-image/internal/recipe/app"
)

func schemaCommand(p *Program) *cli.Command {
	return &cli.Command{
		Name:        "schema",
		Usage:       "print the JSON Schema of app.yaml, for editors",
		UsageText:   "cluster-image schema > app.schema.json",
		Description: "An editor that knows it completes keys and names what is wrong. It is published as " + app.SchemaURL + ".",
		Action: func(*cli.Context) error {
			b, err := app.Schema()
			if err != nil {
				return err
			}
			return p.Result(string(b), json.RawMessage(b))
		},
	}
}
