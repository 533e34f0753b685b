package cli

import (
	"cmp"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/urfave/cli/v2"
)

// build is which program this is.
type build struct {
	Version  string `json:"version"`
	Commit   string `json:"commit,omitempty"`
	Date     string `json:"date,omitempty"`
	Modified bool   `json:"modified,omitempty"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

func versionCommand(p *Program) *cli.Command {
	return &cli.Command{
		Name:      "version",
		Usage:     "print the version of the program",
		UsageText: "cluster-image version --json",
		Action: func(*cli.Context) error {
			b := readBuild(p.Version)
			return p.Result(b.String(), b)
		},
	}
}

// readBuild takes the version from the linker, else from what the go command recorded.
func readBuild(version string) build {
	b := build{Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if ok {
		b.Version = info.Main.Version
		b.record(info.Settings)
	}
	b.Version = cmp.Or(version, b.Version, "(devel)")
	return b
}

func (b *build) record(settings []debug.BuildSetting) {
	for _, s := range settings {
		switch s.Key {
		case "vcs.revision":
			b.Commit = s.Value
		case "vcs.time":
			b.Date = s.Value
		case "vcs.modified":
			b.Modified = s.Value == "true"
		}
	}
}

// String is one line: cluster-image v1.0.0 (commit 1a2b3c4d5e6f, go1.26.1, linux/amd64).
func (b build) String() string {
	details := b.Go + ", " + b.Platform
	if b.Commit != "" {
		details = fmt.Sprintf("commit %.12s%s, %s", b.Commit, map[bool]string{true: " with changes"}[b.Modified], details)
	}
	return fmt.Sprintf("%s %s (%s)", name, b.Version, details)
}
