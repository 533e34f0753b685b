package main

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

// insideMode is the hidden mode in a network of its own. sealos opens a registry without a password on every interface while it saves and builds, and
// writes to /etc/containers: there, only this program can reach it, and sees that directory as an empty one.
const insideMode = "inside"

// shadowed is what sealos would write to.
const shadowed = "/etc/containers"

// mayIsolate says why sealos cannot be run safely; empty when it can.
func (o *options) mayIsolate() string {
	switch _, err := exec.LookPath("sealos"); {
	case err != nil:
		return "not installed"
	case !o.wants("sealos") || !o.Sealos:
		return "not asked for"
	}
	if _, err := os.Stat(shadowed); err != nil {
		return "it writes to " + shadowed + ", which is not there to be shadowed"
	}
	if err := command(context.Background(), insideMode).Run(); err != nil {
		return fmt.Sprintf("no network of its own, which it needs since it listens on all interfaces: %v", err)
	}
	return ""
}

// command is this program in new namespaces.
func command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "/proc/self/exe", args...)
	attr := &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNET | unix.CLONE_NEWNS, Setpgid: true}
	if os.Geteuid() != 0 {
		attr.Cloneflags |= unix.CLONE_NEWUSER
		attr.UidMappings = []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}}
		attr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}}
	}
	cmd.SysProcAttr = attr
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	return cmd
}

// isolated measures in a process of its own network.
func isolated(ctx context.Context, o *options) error {
	text, err := o.encode()
	if err != nil {
		return fmt.Errorf("write options: %w", err)
	}
	cmd := command(ctx, insideMode, text)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("measure: %w", err)
	}
	return nil
}

// inside is the process in the network of its own. Without an argument it only tries.
func inside(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := enter(ctx, args); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		return 1
	}
	return 0
}

func enter(ctx context.Context, args []string) error {
	if err := startLoopback(); err != nil {
		return err
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("keep mounts to this process: %w", err)
	}
	if len(args) == 0 {
		return nil
	}
	o, err := decode(args[0])
	if err != nil {
		return err
	}
	if err := shadow(filepath.Join(o.work, "etc-containers")); err != nil {
		return err
	}
	return measureAll(ctx, o, os.Stdout)
}

// startLoopback brings up 127.0.0.1 in a new network.
func startLoopback() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("start loopback: %w", err)
	}
	defer unix.Close(fd)
	request, err := unix.NewIfreq("lo")
	if err != nil {
		return fmt.Errorf("start loopback: %w", err)
	}
	request.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	if err := unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, request); err != nil {
		return fmt.Errorf("start loopback: %w", err)
	}
	return nil
}

func shadow(dir string) error {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return fmt.Errorf("make directory: %w", err)
	}
	const policy = `{"default": [{"type": "insecureAcceptAnything"}]}`
	if err := os.WriteFile(filepath.Join(dir, "policy.json"), []byte(policy), fs.FileMode(0o644)); err != nil {
		return fmt.Errorf("write policy: %w", err)
	}
	if err := unix.Mount(dir, shadowed, "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("shadow %s: %w", shadowed, err)
	}
	return nil
}
