package helm

import (
	"bufio"
	"os"
	"runtime/debug"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/labring-actions/cluster-image/internal/render"
)

// maxStack bounds the stack of a template that calls itself without end.
const maxStack = 128 << 20

// limit bounds this process: writable memory, the stack, no core file. A limit that the system refuses is left out: the parent's deadline holds.
func limit(l render.Limits) {
	debug.SetMaxStack(maxStack)
	_ = unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{})
	if l.Memory > 0 {
		debug.SetMemoryLimit(l.Memory / 4 * 3)
		_ = unix.Setrlimit(unix.RLIMIT_DATA, &unix.Rlimit{Cur: uint64(l.Memory), Max: uint64(l.Memory)})
	}
}

// peakMemory is the largest resident size so far in bytes. getrusage would count the parent's size at the fork.
func peakMemory() int64 {
	f, err := os.Open("/proc/self/status")
	if err != nil {
		return 0
	}
	defer func() { _ = f.Close() }()
	for s := bufio.NewScanner(f); s.Scan(); {
		if rest, ok := strings.CutPrefix(s.Text(), "VmHWM:"); ok {
			kib, _ := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(rest, "kB")), 10, 64)
			return kib << 10
		}
	}
	return 0
}
