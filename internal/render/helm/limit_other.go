//go:build !linux

package helm

import (
	"runtime/debug"

	"github.com/labring-actions/cluster-image/internal/render"
)

// maxStack bounds the stack of a template that calls itself without end.
const maxStack = 128 << 20

// limit asks the collector to stay small; there is no hard limit on this system beside the stack.
func limit(l render.Limits) {
	debug.SetMaxStack(maxStack)
	if l.Memory > 0 {
		debug.SetMemoryLimit(l.Memory / 4 * 3)
	}
}

func peakMemory() int64 { return 0 }
