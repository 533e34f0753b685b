package pipeline

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/labring-actions/cluster-image/internal/assemble"
	"github.com/labring-actions/cluster-image/internal/failure"
)

// Format is the form of an image on disk.
type Format string

// The formats. An archive is one tar file, a layout a directory; a docker-archive holds one platform.
const (
	OCIArchive    Format = "oci-archive"
	OCILayout     Format = "oci-layout"
	DockerArchive Format = "docker-archive"
)

// Output is an image on disk.
type Output struct {
	Path   string
	Format Format
	// Name is the full reference that the image carries, by which sealos load calls it.
	Name string
}

// Check finds out whether an image of that many platforms can be written, before an hour of work is done for it.
func (o Output) Check(platforms int) error {
	if o.Path == "" {
		return nil
	}
	if o.Path == "-" {
		return failure.New(failure.Usage, "--output -: an image is a file or a directory, and what is written to standard output is its name").Advise("name a file")
	}
	if o.Format == DockerArchive && platforms != 1 {
		return failure.New(failure.Usage, "a docker-archive holds one platform, and there are %d", platforms).
			Advise("choose one with --platform, or --format oci-archive")
	}
	if info, err := os.Stat(o.Path); err == nil {
		switch {
		case o.Format == OCILayout && !info.IsDir():
			return failure.New(failure.Usage, "%s exists and is no directory, which an oci-layout is", o.Path).Advise("choose another --output, or another --format")
		case o.Format != OCILayout && !info.Mode().IsRegular():
			return failure.New(failure.Usage, "%s exists and is no file that could be replaced", o.Path).Advise("choose another --output, or --format oci-layout for a directory")
		}
	}
	dir := filepath.Dir(o.Path)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return failure.New(failure.Usage, "the directory for %s cannot be made: %w", o.Path, err).Advise("choose another place with --output")
	}
	f, err := os.CreateTemp(dir, "."+filepath.Base(o.Path)+".*.part") // as a part that is being written, so that one that a killed run leaves is removed
	if err != nil {
		return failure.New(failure.Usage, "%s cannot be written to: %w", dir, err).Advise("choose another place with --output")
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}

// Write writes the image.
func (o Output) Write(ctx context.Context, x assemble.Index) error {
	switch o.Format {
	case OCILayout:
		return assemble.WriteLayout(ctx, o.Path, x, o.Name)
	case DockerArchive:
		return assemble.WriteDockerArchive(ctx, o.Path, x, o.Name)
	case OCIArchive, "":
		return assemble.WriteArchive(ctx, o.Path, x, o.Name)
	}
	return fmt.Errorf("unknown format %q", o.Format)
}
