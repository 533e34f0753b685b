package sandbox

import (
	"bytes"
	"os"
	"strconv"
	"syscall"
	"time"
)

// rounds bounds how often the process table is read while the processes of a program are ended.
const rounds = 1000

// killDescendants ends all processes that this one started or, as their subreaper, adopted. It returns when none is left.
func killDescendants() {
	for range rounds {
		living := descendants(os.Getpid())
		if len(living) == 0 {
			return
		}
		for _, pid := range living {
			_ = syscall.Kill(pid, syscall.SIGKILL) // it may have ended by itself
		}
		reap(living)
	}
}

// reap takes the exit status of those that are children of this process and gives the others the time to become such.
func reap(pids []int) {
	ended := false
	for _, pid := range pids {
		var status syscall.WaitStatus
		if got, err := syscall.Wait4(pid, &status, syscall.WNOHANG, nil); err == nil && got == pid {
			ended = true
		}
	}
	if !ended {
		time.Sleep(time.Millisecond)
	}
}

// descendants are the processes below one, found by the parents that the process table names.
func descendants(root int) []int {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	children := map[int][]int{}
	for _, e := range entries {
		if pid, err := strconv.Atoi(e.Name()); err == nil {
			parent := parentOf(e.Name())
			children[parent] = append(children[parent], pid)
		}
	}
	found := children[root]
	for i := 0; i < len(found); i++ {
		found = append(found, children[found[i]]...)
	}
	return found
}

// parentOf reads the fourth field of a process's stat; the second, its name in parentheses, may hold anything.
func parentOf(pid string) int {
	b, err := os.ReadFile("/proc/" + pid + "/stat")
	if err != nil {
		return 0
	}
	fields := bytes.Fields(b[bytes.LastIndexByte(b, ')')+1:])
	if len(fields) < 2 {
		return 0
	}
	parent, err := strconv.Atoi(string(fields[1]))
	if err != nil {
		return 0
	}
	return parent
}
