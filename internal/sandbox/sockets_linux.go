package sandbox

import (
	"fmt"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Where the kernel puts what a filter looks at, in bytes (struct seccomp_data of linux/seccomp.h).
const (
	offsetCall = 0
	offsetArch = 4
	offsetArg0 = 16
)

// x32 is the bit of the calls of amd64's third interface, which would go past a filter of the numbers alone.
const x32 = 0x40000000

// restrictSockets lets this process and its children open internet sockets only. A Unix socket would lead to daemons that are not confined: Docker's, a session
// bus's, a name service's. The rings of io_uring, which open sockets past every filter, are refused. Machines other than amd64 and arm64 go
// without.
func restrictSockets() error {
	arch := map[string]uint32{"amd64": unix.AUDIT_ARCH_X86_64, "arm64": unix.AUDIT_ARCH_AARCH64}[runtime.GOARCH]
	if arch == 0 {
		return nil
	}
	filter := socketFilter(arch)
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("give up privileges: %w", err)
	}
	_, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&program)))
	runtime.KeepAlive(filter)
	if errno != 0 {
		return fmt.Errorf("set filter: %w", errno)
	}
	return nil
}

func socketFilter(arch uint32) []unix.SockFilter {
	load := func(offset uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: offset}
	}
	jump := func(test uint16, k uint32, yes, no uint8) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_K | test, Jt: yes, Jf: no, K: k}
	}
	refuse := func(errno unix.Errno) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ERRNO | uint32(errno)}
	}
	allow := unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW}
	return []unix.SockFilter{
		load(offsetArch),
		jump(unix.BPF_JEQ, arch, 1, 0),
		refuse(unix.EPERM),
		load(offsetCall),
		jump(unix.BPF_JGE, x32, 0, 1),
		refuse(unix.EPERM),
		jump(unix.BPF_JEQ, unix.SYS_IO_URING_SETUP, 0, 1),
		refuse(unix.ENOSYS),
		jump(unix.BPF_JEQ, unix.SYS_SOCKET, 1, 0),
		allow,
		load(offsetArg0),
		jump(unix.BPF_JEQ, unix.AF_INET, 3, 0),
		jump(unix.BPF_JEQ, unix.AF_INET6, 2, 0),
		jump(unix.BPF_JEQ, unix.AF_NETLINK, 1, 0),
		refuse(unix.EACCES),
		allow,
	}
}

// kept are the capabilities that unpacking an archive uses when root does it.
var kept = map[uintptr]bool{unix.CAP_CHOWN: true, unix.CAP_DAC_OVERRIDE: true, unix.CAP_FOWNER: true, unix.CAP_FSETID: true}

// dropCapabilities leaves a program that root starts only what it needs for its own files: no devices, modules, mounts or clocks. For others there
// is nothing to drop, so that errors mean nothing.
func dropCapabilities() {
	for c := uintptr(0); c <= unix.CAP_LAST_CAP; c++ {
		if !kept[c] {
			_ = unix.Prctl(unix.PR_CAPBSET_DROP, c, 0, 0, 0)
		}
	}
}
