package cli

import (
	"fmt"
	"io/fs"
	"net/url"
	"path"
	"strconv"

	"github.com/urfave/cli/v2"

	"github.com/labring-actions/cluster-image/internal/failure"
	"github.com/labring-actions/cluster-image/internal/source"
)

func fetchCommand(p *Program) *cli.Command {
	var (
		f      source.File
		output string
		mode   = "0644"
	)
	return &cli.Command{
		Name:      "fetch",
		Usage:     "download a file and check it",
		ArgsUsage: "URL",
		UsageText: "cluster-image fetch https://get.helm.sh/helm-v3.16.4-linux-arm64.tar.gz --sha256-url https://get.helm.sh/helm-v3.16.4-linux-arm64.tar.gz.sha256sum --output opt/helm.tar.gz",
		Description: "For an init.sh: unlike curl in a pipe it fails where the server does, and a file that is not whole, is empty, or is not what its " +
			"checksum says never appears.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "write to `FILE`", DefaultText: "the last part of URL", Destination: &output},
			&cli.StringFlag{Name: "sha256", Usage: "the file must have the checksum `HEX`", Destination: &f.SHA256},
			&cli.StringFlag{Name: "sha256-url", Usage: "the file must have the checksum that the list at `URL` gives it", Destination: &f.SHA256URL},
			&cli.StringFlag{Name: "mode", Usage: "give the file `MODE`", Value: mode, Destination: &mode},
			&cli.GenericFlag{Name: "max", Usage: "refuse more than `SIZE`, for example 500MB", DefaultText: "4 GiB", Value: sizeValue(&f.Max)},
		},
		Action: func(c *cli.Context) error {
			n, err := strconv.ParseUint(mode, 8, 32)
			if err != nil || n > 0o777 {
				return usage("--mode %s: want three octal digits, for example 0755", mode)
			}
			f.URL, f.Mode = c.Args().First(), fs.FileMode(n)
			if output == "" {
				if output = nameOf(f.URL); output == "" {
					return usage("%s has no file name", f.URL).Advise("add --output FILE")
				}
			}
			got, err := source.FromEnvironment().Download(c.Context, f, output)
			if err != nil {
				return &failure.Failure{Class: failure.Source, Err: err}
			}
			return p.Result(fmt.Sprintf("%s  %s", got.SHA256, output), map[string]string{"file": output, "sha256": got.SHA256})
		},
	}
}

// nameOf is the last part of a URL's path.
func nameOf(s string) string {
	u, err := url.Parse(s)
	if err != nil {
		return ""
	}
	if base := path.Base(u.Path); base != "/" && base != "." {
		return base
	}
	return ""
}
