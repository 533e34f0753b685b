package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/labring-actions/cluster-image/internal/failure"
	"github.com/labring-actions/cluster-image/internal/pipeline"
	"github.com/labring-actions/cluster-image/internal/registrydir"
)

// verified is what registry verify found in one directory.
type verified struct {
	Directory string `json:"directory"`
	Platform  string `json:"platform,omitempty"`
	Images    int    `json:"images"`
	Blobs     int    `json:"blobs"`
	Bytes     int64  `json:"bytes"`
}

func registryVerifyCommand(p *Program) *cli.Command {
	var platforms []string
	return &cli.Command{
		Name:      "verify",
		Usage:     "read every byte of a registry directory, and prove that a cluster finds every image in it",
		ArgsUsage: "DIR",
		UsageText: "cluster-image registry verify registry --platform linux/amd64",
		Description: "Every blob is hashed, every tag followed to its manifest, config and layers. Then the tags, and only they, are copied into an empty " +
			"registry, as sealos registry sync does, and every image is asked for there as a node does.",
		Flags: []cli.Flag{platformFlag(&platforms)},
		Action: func(c *cli.Context) error {
			dirs, err := registryDirs(c.Args().First(), platforms)
			if err != nil {
				return err
			}
			found, err := verifyAll(c.Context, p, dirs, len(platforms) > 0 || len(dirs.Dirs()) > 1)
			if err != nil {
				return err
			}
			var lines []string
			for _, v := range found {
				lines = append(lines, fmt.Sprintf("%s: complete, %d images, %d blobs, %d bytes", v.Directory, v.Images, v.Blobs, v.Bytes))
			}
			return p.Result(strings.Join(lines, "\n"), found)
		},
	}
}

// registryDirs says which directories there are under dir: one per platform, dir itself, or both where a save for one platform and a save for several
// went to it. Dir itself then has no platform.
func registryDirs(dir string, platforms []string) (pipeline.ByPlatform, error) {
	dirs, err := pipeline.Find(dir, platforms)
	if err != nil {
		return nil, failure.New(failure.Usage, "%v", err).Advise("DIR is the directory that holds docker/registry/v2")
	}
	if _, err := os.Lstat(filepath.Join(dir, filepath.FromSlash(registrydir.Root))); err == nil && len(platforms) == 0 && !slices.Contains(dirs.Dirs(), dir) {
		dirs[""] = dir
	}
	return dirs, nil
}

// verifyAll checks each directory once; for its platform, when the directory is known to be for one.
func verifyAll(ctx context.Context, p *Program, dirs pipeline.ByPlatform, known bool) ([]verified, error) {
	var (
		out  []verified
		errs []error
		seen = map[string]bool{}
	)
	for _, platform := range dirs.Platforms() {
		dir := dirs[platform]
		if seen[dir] && !known {
			continue
		}
		seen[dir] = true
		if !known {
			platform = ""
		}
		v, err := verifyDir(ctx, p, dir, platform)
		out, errs = append(out, v), append(errs, err)
	}
	return out, errors.Join(errs...)
}

// unreadable is the failure of a directory that is no whole registry directory: a slip on the command line, or a directory that has defects.
func unreadable(err error) error {
	if defects := (*registrydir.DefectsError)(nil); errors.As(err, &defects) {
		return err
	}
	return failure.New(failure.Usage, "%w", err)
}

func verifyDir(ctx context.Context, p *Program, dir, platform string) (v verified, err error) {
	step := p.Reporter().Step("verify", strings.TrimSpace(dir+" "+platform))
	defer func() { step.Done(err) }()
	d, err := registrydir.Read(dir)
	if err != nil {
		return verified{}, unreadable(err)
	}
	if err := pipeline.Verify(ctx, d, platform); err != nil {
		return verified{}, fmt.Errorf("verify registry directory %s: %w", dir, err)
	}
	entries, err := d.List()
	return verified{Directory: dir, Platform: platform, Images: len(entries), Blobs: d.Len(), Bytes: d.Size()}, err
}
