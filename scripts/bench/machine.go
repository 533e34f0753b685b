package main

import (
	"context"
	"os"
	"os/exec"
	"runtime"
	"strings"
)

// machine is where was measured.
type machine struct {
	Processor string
	Cores     int
	System    string
	Go        string
	Registry  string
	// LoadBefore and LoadAfter are the numbers of processes that wanted to run, over one minute: high ones mean that others were at work.
	LoadBefore, LoadAfter string
}

func describeMachine(ctx context.Context) machine {
	m := machine{Processor: processor(), Cores: runtime.NumCPU(), System: runtime.GOOS + "/" + runtime.GOARCH, Go: runtime.Version(), LoadBefore: load()}
	if out, err := exec.CommandContext(ctx, "uname", "-sr").Output(); err == nil {
		m.System = lastLine(out) + " " + m.System
	}
	m.Registry = "go-containerregistry, in process"
	if path := registryProgram(); path != "" {
		m.Registry = "docker-registry"
		if out, err := exec.CommandContext(ctx, path, "--version").Output(); err == nil {
			m.Registry = lastLine(out)
		}
	}
	return m
}

func processor() string {
	b, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return "unknown processor"
	}
	for line := range strings.Lines(string(b)) {
		key, value, ok := strings.Cut(line, ":")
		if ok && strings.TrimSpace(key) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "unknown processor"
}

func load() string {
	b, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	first, _, _ := strings.Cut(string(b), " ")
	return first
}
