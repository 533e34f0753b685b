// Package cli is the command line: one file per command, each a constructor that takes flags into an options struct and makes one call.
//
// Standard output carries only the result of a command; progress, logs and errors go to standard error.
package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"reflect"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/labring-actions/cluster-image/internal/failure"
	"github.com/labring-actions/cluster-image/internal/progress"
)

// name is how the program calls itself.
const name = "cluster-image"

// Env is what the program is started with.
type Env struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	// Version is what the linker was told; empty takes it from the build's own record.
	Version string
	// Catalogue has the directories of recipes that are compiled in: applications/, configs/, dockerimages/.
	Catalogue fs.FS
	// InstallTools puts helm, yq, jq and this program into a directory, for an init.sh; nil leaves it the machine's own.
	InstallTools func(dir string) error
	// Commands make the commands beyond those of this package that need what only main links, such as the chart engine.
	Commands []func(*Program) *cli.Command
}

// Program is what a command has at hand during one run.
type Program struct {
	Env
	// JSON says that the result is to be one JSON document.
	JSON bool
	// Secrets are kept out of all output.
	Secrets *progress.Secrets

	mode     progress.Mode
	reporter *progress.Reporter
}

// Run runs one command line, without the program's name, and gives the exit code.
func Run(ctx context.Context, args []string, env Env) int {
	p := &Program{Env: env, Secrets: new(progress.Secrets), mode: progress.Auto}
	err := p.run(ctx, args)
	p.reporter.Close()
	return p.fail(ctx, err)
}

func (p *Program) run(ctx context.Context, args []string) error {
	app := p.app()
	if len(args) > 0 && args[0] == completeCommand {
		return p.complete(app, args[1:])
	}
	line, err := arrange(app, args)
	if err != nil {
		return err
	}
	if line.help {
		return writeHelp(p.Stdout, app, line.path)
	}
	return required(app.RunContext(ctx, line.argv))
}

// app puts the commands together.
func (p *Program) app() *cli.App {
	app := &cli.App{
		Name:                      name,
		HelpName:                  name,
		Usage:                     "build cluster images: applications with everything they need, for clusters without an internet",
		Description:               appDescription,
		UsageText:                 appExamples,
		Flags:                     p.flags(),
		Commands:                  p.commands(),
		Reader:                    p.Stdin,
		Writer:                    p.Stderr,
		ErrWriter:                 p.Stderr,
		HideHelp:                  true,
		HideVersion:               true,
		DisableSliceFlagSeparator: true,
		ExitErrHandler:            func(*cli.Context, error) {},
		OnUsageError:              badFlag,
		Action:                    func(*cli.Context) error { return nil },
	}
	prepare(app.Commands)
	return app
}

// commands are the commands in the order in which help lists them.
func (p *Program) commands() []*cli.Command {
	var all []*cli.Command
	makers := append(commands(), p.Env.Commands...)
	for _, maker := range append(makers, completionCommand, versionCommand) {
		all = append(all, maker(p))
	}
	return all
}

// flags are those that every command knows.
func (p *Program) flags() []cli.Flag {
	return []cli.Flag{
		&cli.BoolFlag{Name: "json", Usage: "print the result as one JSON document", Destination: &p.JSON},
		&cli.GenericFlag{Name: "progress", Usage: "show progress as `MODE`: auto, bars, plain, json or quiet", Value: progressValue(&p.mode)},
	}
}

// prepare takes over from the library what it does for itself: help, and what a wrong flag leads to.
func prepare(commands []*cli.Command) {
	for _, c := range commands {
		c.HideHelp, c.HideHelpCommand = true, true
		c.CustomHelpTemplate = "{{/* nothing: the library writes help where a flag is missing, before the error */}}"
		c.OnUsageError = badFlag
		prepare(c.Subcommands)
	}
}

// Reporter is where the command tells what it does. It is made when it is first asked for, and closed when the run ends.
func (p *Program) Reporter() *progress.Reporter {
	if p.reporter == nil {
		p.reporter = progress.New(progress.Options{Mode: p.mode, Out: p.Stderr, Secrets: p.Secrets})
	}
	return p.reporter
}

// Result writes what the command was asked for to standard output: the text as it is, or the document where JSON is wanted. It is called once.
func (p *Program) Result(text string, document any) error {
	if p.reporter != nil {
		p.reporter.Close()
	}
	if p.JSON {
		if list := reflect.ValueOf(document); list.Kind() == reflect.Slice && list.IsNil() {
			document = []any{} // a list of nothing is a list
		}
		b, err := json.MarshalIndent(document, "", "  ")
		if err != nil {
			return fmt.Errorf("write result: %w", err)
		}
		text = string(b)
	}
	if text != "" && !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	if _, err := io.WriteString(p.Stdout, text); err != nil {
		return fmt.Errorf("write result: %w", err)
	}
	return nil
}

// usage is an error in the command line.
func usage(format string, args ...any) *failure.Failure {
	return failure.New(failure.Usage, format, args...)
}
