package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/urfave/cli/v2"

	"github.com/labring-actions/cluster-image/internal/failure"
	"github.com/labring-actions/cluster-image/internal/reference"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){name: func() { os.Exit(Run(context.Background(), os.Args[1:], sampleEnv())) }})
}

func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{Dir: "testdata/script"})
}

// sampleEnv is a program with two commands that show what the scaffolding does.
func sampleEnv() Env {
	return Env{
		Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Version: "v1.2.3",
		Catalogue: fstest.MapFS{
			"applications/nginx/latest/init.sh": {}, "applications/nginx/1.23.1/init.sh": {}, "applications/nextcloud/latest/init.sh": {}, "applications/README.md": {},
		},
		Commands: []func(*Program) *cli.Command{sampleCommand, groupCommand},
	}
}

type sampleOptions struct {
	credentials
	platforms, push []string
	mirrors         reference.Mirrors
	annotations     map[string]string
	maybe           string
	memory          int64
	output          string
	force           bool
}

// sampleCommand prints what it was given.
func sampleCommand(p *Program) *cli.Command {
	o := &sampleOptions{platforms: platforms, memory: 512 << 20, maybe: "include"}
	return &cli.Command{
		Name: "sample", Usage: "print the flags", ArgsUsage: "NAME VERSION|CONTEXT", UsageText: "cluster-image sample nginx 1.23.1 --force",
		Description: "A first paragraph that is long enough that it has to be broken into two lines, at the words and nowhere else.\n\nA second one.",
		Flags: append([]cli.Flag{
			&cli.GenericFlag{Name: "platform", Aliases: []string{"arch"}, Usage: "build for `PLATFORM`, repeatable", Value: platformsValue(&o.platforms)},
			&cli.GenericFlag{Name: "push", Usage: "push to `REF`, repeatable", Value: textsValue(&o.push)},
			&cli.GenericFlag{Name: "mirror", Usage: "fetch what is below a prefix from another, as in `PREFIX=PREFIX`", Value: mirrorsValue(&o.mirrors)},
			&cli.GenericFlag{Name: "annotation", Usage: "annotate with `KEY=VALUE`", Value: pairsValue(&o.annotations)},
			&cli.GenericFlag{Name: "maybe", Usage: "`WHAT` to do with images that may not be needed", Value: choiceValue(&o.maybe, "include", "list", "fail")},
			&cli.GenericFlag{Name: "render-memory", Usage: "let a chart use `SIZE` of memory", Value: sizeValue(&o.memory)},
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "write to `FILE`", Destination: &o.output},
			&cli.BoolFlag{Name: "force", Usage: "replace tags", Destination: &o.force},
			&cli.BoolFlag{Name: "secret-way", Hidden: true},
		}, o.credentials.flags()...),
		Action: func(c *cli.Context) error { return o.run(p, c.Args().Slice()) },
	}
}

func (o *sampleOptions) run(p *Program, operands []string) error {
	if _, err := o.keychain(p, []string{"registry.example.com"}); err != nil {
		return err
	}
	step := p.Reporter().Step("sample", strings.Join(operands, " "))
	defer step.Done(nil)
	switch operands[0] {
	case "leak":
		return fmt.Errorf("the password is hunter2hunter2")
	case "broken":
		return &failure.Failure{
			Class: failure.Registry, App: "broken 1.0", Platform: "linux/arm64", Step: "fetch", Asked: "quay.io/x/y:1", Of: "quay.io", Tries: 5,
			Advice: "name a mirror with --mirror quay.io=HOST", Err: errors.New("i/o timeout"),
		}
	case "cancelled":
		return fmt.Errorf("fetch: %w", context.Canceled)
	}
	text := fmt.Sprintf("%q platforms=%v push=%v mirrors=%v annotations=%v maybe=%s memory=%d output=%s force=%v",
		operands, o.platforms, o.push, o.mirrors, o.annotations, o.maybe, o.memory, o.output, o.force)
	return p.Result(text, map[string]any{"operands": operands, "platforms": o.platforms})
}

// groupCommand has commands of its own.
func groupCommand(p *Program) *cli.Command {
	dir := ""
	return &cli.Command{
		Name: "group", Usage: "commands in a group", UsageText: "cluster-image group save . --registry-dir registry",
		Flags: []cli.Flag{&cli.StringFlag{Name: "registry-dir", Usage: "keep it in `DIR`", Destination: &dir}},
		Subcommands: []*cli.Command{{
			Name: "save", Usage: "save it", ArgsUsage: "CONTEXT", UsageText: "cluster-image group save .",
			Action: func(c *cli.Context) error { return p.Result(c.Args().First()+" "+dir, nil) },
		}, {
			Name: "list", Usage: "list it", ArgsUsage: "[WORD...]", UsageText: "cluster-image group list",
			Action: func(c *cli.Context) error { return p.Result(fmt.Sprint(c.Args().Slice()), nil) },
		}},
	}
}
