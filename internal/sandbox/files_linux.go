package sandbox

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/landlock-lsm/go-landlock/landlock"
	ll "github.com/landlock-lsm/go-landlock/landlock/syscall"
)

// systemDirs are what programs are made of. Nothing of a user is in them.
var systemDirs = []string{
	"/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store", "/gnu/store", "/run/current-system", "/proc",
	"/etc/alternatives", "/etc/ca-certificates", "/etc/crypto-policies", "/etc/ld.so.conf.d", "/etc/pki/ca-trust", "/etc/pki/tls", "/etc/ssl/certs", "/etc/static",
	"/etc/terminfo",
}

// systemFiles are the settings that name resolution, certificates, the loader and common tools read. They are links on many machines.
var systemFiles = []string{
	"/etc/bash.bashrc", "/etc/debian_version", "/etc/gai.conf", "/etc/group", "/etc/host.conf", "/etc/hosts", "/etc/inputrc", "/etc/ld.so.cache", "/etc/ld.so.conf",
	"/etc/locale.alias", "/etc/localtime", "/etc/mime.types", "/etc/nsswitch.conf", "/etc/os-release", "/etc/passwd", "/etc/profile", "/etc/protocols",
	"/etc/resolv.conf", "/etc/services", "/etc/ssl/cert.pem", "/etc/ssl/openssl.cnf", "/etc/timezone", "/etc/wgetrc",
}

// devices are those that every program expects.
var devices = []string{"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"}

// writable is what a program may do in a directory of its own: everything but making device files.
const writable = landlock.AccessFSSet(ll.AccessFSExecute | ll.AccessFSReadFile | ll.AccessFSReadDir | ll.AccessFSWriteFile | ll.AccessFSTruncate |
	ll.AccessFSRemoveDir | ll.AccessFSRemoveFile | ll.AccessFSMakeDir | ll.AccessFSMakeReg | ll.AccessFSMakeSock | ll.AccessFSMakeFifo | ll.AccessFSMakeSym)

// restrictFiles gives this process and its children the system, what the request lists, and nothing else. Signals to others are confined as well,
// where the kernel can.
func restrictFiles(r request) error {
	abi, err := ll.LandlockGetABIVersion()
	if err != nil {
		return fmt.Errorf("ask for Landlock: %w", err)
	}
	rules := []landlock.Rule{landlock.RWFiles(devices...).IgnoreIfMissing()}
	for _, path := range append(append(append([]string{}, systemDirs...), systemFiles...), r.Read...) {
		if rule, ok := readable(path); ok {
			rules = append(rules, rule)
		}
	}
	config := landlock.V9
	config.HandledAccessNet = 0
	for _, dir := range r.Write {
		rules = append(rules, ownDir(dir, abi))
	}
	return config.BestEffort().Restrict(rules...)
}

// readable lets a file, or a directory with all in it, be read and executed. What is absent needs no rule.
func readable(path string) (landlock.Rule, bool) {
	target, err := filepath.EvalSymlinks(path)
	if err != nil {
		return nil, false
	}
	info, err := os.Stat(target)
	if err != nil {
		return nil, false
	}
	if info.IsDir() {
		return landlock.RODirs(target).IgnoreIfMissing(), true
	}
	return landlock.ROFiles(target).IgnoreIfMissing(), true
}

// ownDir lets a directory be changed. Moving a file from one directory to another, which Linux 5.19 knows, is a right of its own.
func ownDir(dir string, abi int) landlock.Rule {
	rule := landlock.PathAccess(writable, dir)
	if abi >= 2 {
		return rule.WithRefer()
	}
	return rule
}
