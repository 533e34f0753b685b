// Package toolbox holds the tools that an init.sh calls, so that the machine needs none of them: helm, yq and jq are linked into this binary and
// answer when it is called by their names. Only this package and the chart renderer link helm.
package toolbox

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/itchyny/gojq/cli"
	yq "github.com/mikefarah/yq/v4/cmd"
	helm "helm.sh/helm/v4/pkg/cmd"

	_ "github.com/labring-actions/cluster-image/internal/toolbox/untranslated"
)

// Self is the name under which an init.sh calls this program itself.
const Self = "cluster-image"

// names are those that the binary answers to as a tool.
var names = []string{"helm", "yq", "jq"}

// Main runs the tool that the program was called as, by the first of its arguments, and gives its exit status. It is false when that is no tool's
// name.
func Main(argv []string) (code int, ok bool) {
	if len(argv) == 0 {
		return 0, false
	}
	switch strings.TrimSuffix(filepath.Base(argv[0]), ".exe") {
	case "helm":
		return runHelm(argv[1:]), true
	case "yq":
		return runYQ(argv[1:]), true
	case "jq":
		return cli.Run(), true // reads os.Args
	}
	return 0, false
}

func runHelm(args []string) int {
	cmd, err := helm.NewRootCmd(os.Stdout, args, helm.SetupLogging)
	if err != nil {
		fmt.Fprintln(os.Stderr, "Error:", err)
		return 1
	}
	cmd.SetArgs(args)
	var failed helm.CommandError
	switch err := cmd.Execute(); {
	case err == nil:
		return 0
	case errors.As(err, &failed):
		return failed.ExitCode
	}
	return 1
}

// runYQ puts eval first where no command is named, as yq itself does.
func runYQ(args []string) int {
	cmd := yq.New()
	if _, _, err := cmd.Find(args); err != nil && !isCompletion(args) {
		args = append([]string{"eval"}, args...)
	}
	cmd.SetArgs(args)
	if cmd.Execute() != nil {
		return 1
	}
	return 0
}

func isCompletion(args []string) bool {
	return len(args) > 0 && (args[0] == "__complete" || args[0] == "__completeNoDesc")
}

// Install puts links to the binary into a directory, one under the name of each tool and one under its own.
func Install(dir, exe string) error {
	for _, name := range slices.Concat(names, []string{Self}) {
		if err := link(exe, filepath.Join(dir, name)); err != nil {
			return fmt.Errorf("install %s: %w", name, err)
		}
	}
	return nil
}

// InstallSelf installs the running binary.
func InstallSelf(dir string) error {
	exe, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find the program's own file: %w", err)
	}
	return Install(dir, exe)
}

// link makes a symbolic link, or a hard one where these are not to be had.
func link(exe, path string) error {
	if os.Symlink(exe, path) == nil {
		return nil
	}
	return os.Link(exe, path)
}
