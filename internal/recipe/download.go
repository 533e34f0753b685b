package recipe

import (
	"context"
	"time"

	"github.com/labring-actions/cluster-image/internal/progress"
	"github.com/labring-actions/cluster-image/internal/sandbox"
)

// DefaultTimeout is how long an init.sh may run.
const DefaultTimeout = 30 * time.Minute

// Options say how a recipe is run. The zero value runs init.sh in the sandbox that this machine has.
type Options struct {
	// Sandbox says what init.sh is kept from.
	Sandbox sandbox.Options
	// Tools is a directory with the program's own helm, yq, jq and cluster-image, which comes first on PATH; empty adds none.
	Tools string
	// Timeout is DefaultTimeout when zero.
	Timeout time.Duration
	// Env are further variables for init.sh, each KEY=VALUE.
	Env []string
	// Environ is the environment that the passing variables are taken from: [os.Environ] when nil. See [Passing].
	Environ []string
	// Reporter is told the output of init.sh line by line; nil discards it.
	Reporter *progress.Reporter
}

// Download makes the build context of a recipe for one platform in the directory dest, which must be absent or empty. It appears only when all
// went well.
func Download(ctx context.Context, r Recipe, platform, dest string, o Options) error {
	return nil
}
