package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// The parts of the measurement.
const (
	partSave  = "save"
	partSlow  = "slow"
	partBuild = "build"
	partScale = "scale"
)

// options are what is asked for. They also travel to the process in the network of its own.
type options struct {
	Binary, Dir string
	Runs        int
	Parts       []string
	Tools       []string
	JSON        bool
	Latency     time.Duration
	Rate        int64
	Timeout     time.Duration
	Sealos      bool
	Serve       bool
	// Skipped says why a tool is not run.
	Skipped map[string]string
	Work    string

	work string
	// storage is how sealos keeps images.
	storage string
}

// parse reads the command line; nil ends the program with the code.
func parse(args []string, log io.Writer) (*options, int) {
	o := &options{Skipped: map[string]string{}}
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.SetOutput(log)
	f.StringVar(&o.Binary, "binary", "", "measure this cluster-image; without it one is built from the sources")
	f.StringVar(&o.Dir, "dir", "", "work in a temporary directory below `DIR` (needs up to 5 GB; removed at the end)")
	f.IntVar(&o.Runs, "runs", 3, "run every tool `N` times, in turn")
	f.BoolVar(&o.JSON, "json", false, "print one JSON document in place of the table")
	f.BoolVar(&o.Sealos, "sealos", true, "measure sealos, when it is installed and can be given a network of its own")
	f.DurationVar(&o.Latency, "latency", 40*time.Millisecond, "of each request to the slow registry")
	f.Int64Var(&o.Rate, "rate", 15e6, "`BYTES` a second and connection of the slow registry")
	f.DurationVar(&o.Timeout, "timeout", 10*time.Minute, "give up a single run after this time")
	f.BoolVar(&o.Serve, "serve", false, "measure nothing: make the set, say where it is served, and wait for an interrupt; for a look with a profiler")
	parts := f.String("only", strings.Join([]string{partSave, partSlow, partBuild}, ","), "measure these `PARTS`: save, slow, build, scale")
	tools := f.String("tools", "", "run these `TOOLS` only, parted by commas, for example cluster-image,regctl")
	scale := f.Bool("scale", false, "measure how time and memory grow with the job; the same as --only scale")
	if err := f.Parse(args); errors.Is(err, flag.ErrHelp) {
		return nil, 0
	} else if err != nil {
		return nil, 2
	}
	o.Parts, o.Tools = words(*parts), words(*tools)
	if *scale {
		o.Parts = []string{partScale}
	}
	if err := o.check(f.Args()); err != nil {
		fmt.Fprintln(log, "bench:", err)
		return nil, 2
	}
	return o, 0
}

func (o *options) check(rest []string) error {
	for _, p := range o.Parts {
		if !slices.Contains([]string{partSave, partSlow, partBuild, partScale}, p) {
			return fmt.Errorf("--only %s: the parts are save, slow, build and scale", p)
		}
	}
	switch {
	case len(rest) > 0:
		return fmt.Errorf("unexpected argument %q", rest[0])
	case o.Runs < 1:
		return fmt.Errorf("--runs %d: want at least 1", o.Runs)
	case o.Rate < 1 || o.Latency < 0:
		return errors.New("--rate and --latency must be positive")
	}
	return nil
}

func words(s string) []string {
	return strings.FieldsFunc(s, func(c rune) bool { return c == ',' || c == ' ' })
}

func (o *options) has(part string) bool { return slices.Contains(o.Parts, part) }

func (o *options) wants(tool string) bool {
	return len(o.Tools) == 0 || slices.Contains(o.Tools, tool)
}

// without leaves a tool out.
func (o *options) without(tool, reason string) {
	if o.wants(tool) {
		o.Skipped[tool] = reason
	}
}

// encode writes the options for the process inside, decode reads them there.
func (o *options) encode() (string, error) {
	o.Work = o.work
	b, err := json.Marshal(o)
	return string(b), err
}

func decode(s string) (*options, error) {
	o := &options{Skipped: map[string]string{}}
	if err := json.Unmarshal([]byte(s), o); err != nil {
		return nil, fmt.Errorf("read options: %w", err)
	}
	o.work = o.Work
	return o, nil
}
