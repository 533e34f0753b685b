package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// The storage that sealos may keep images in: overlay mounts them, vfs copies them.
const (
	overlay = "overlay"
	vfs     = "vfs"
)

// giveStorage chooses the fastest storage that works here: overlay needs a kernel and a file system that can, and a sealos built with cgo.
func (o *options) giveStorage(ctx context.Context, t *tool) {
	var err error
	for _, o.storage = range []string{overlay, vfs} {
		if err = t.starts(ctx, o.work, o.storage); err == nil {
			break
		}
	}
	switch {
	case err != nil:
		t.Skipped = "it has no storage that works here: " + err.Error()
	case o.storage != overlay:
		t.Version += " (storage " + o.storage + ")"
	}
}

// starts says whether sealos can list its images in a storage.
func (t tool) starts(ctx context.Context, work, storage string) error {
	home, err := os.MkdirTemp(work, "home-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(home)
	cmd := exec.CommandContext(ctx, t.Path, "images")
	if cmd.Env, err = settle(home, storage); err != nil {
		return err
	}
	return cmd.Run()
}

// saveSealos saves each platform into a directory of its own, since a second platform in the same one takes the tags of the first.
func saveSealos(t tool, s saving) []step {
	var out []step
	for _, arch := range archs(s.images) {
		args := []string{"registry", "save", "--arch", arch, "--registry-dir", perArch(s.out, arch), "--images", strings.Join(s.names(), ",")}
		out = append(out, step{Path: t.Path, Args: args, Env: s.env})
	}
	return out
}

// buildSealos builds each platform in a context of its own, pushes both and joins them under one tag: what the pipelines of its users do.
func buildSealos(t tool, b building) ([]step, error) {
	run := func(args ...string) step { return step{Path: t.Path, Args: args, Env: b.env} }
	var builds, pushes []step
	list := []string{"manifest", "create", b.target()}
	for _, arch := range archs(b.images) {
		dir := perArch(filepath.Join(b.home, "context"), arch)
		if err := writeContext(dir, b.saving); err != nil {
			return nil, err
		}
		name := b.target() + "-" + arch
		builds = append(builds, run("build", "-t", name, "--platform", "linux/"+arch, dir))
		pushes = append(pushes, run("push", name))
		list = append(list, name)
	}
	steps := append(builds, pushes...)
	if b.again {
		steps = append(steps, run("manifest", "rm", b.target()))
	}
	return append(steps, run(list...), run("manifest", "push", "--all", b.target(), "docker://"+b.target())), nil
}
