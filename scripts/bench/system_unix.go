//go:build unix

package main

import (
	"os"
	"os/exec"
	"runtime"
	"syscall"
)

// peak is the largest resident set of a process and of those that it waited for, in bytes.
func peak(p *os.ProcessState) int64 {
	r, ok := p.SysUsage().(*syscall.Rusage)
	if !ok {
		return 0
	}
	if runtime.GOOS == "darwin" {
		return int64(r.Maxrss)
	}
	return int64(r.Maxrss) << 10
}

// asGroup lets a cancelled command end together with all that it started.
func asGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}

// flushDisk lets writes of earlier runs end before the next begins.
func flushDisk() { syscall.Sync() }

// identify says which file it is and how many bytes of disk it takes.
func identify(info os.FileInfo) (fileID, int64, bool) {
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return fileID{}, 0, false
	}
	return fileID{uint64(s.Dev), uint64(s.Ino)}, int64(s.Blocks) * 512, true
}
