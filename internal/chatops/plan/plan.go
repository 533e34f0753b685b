// Package plan decides what becomes of an event: which images are built, where and in which order, or why not. It builds nothing and writes nothing.
package plan

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/labring-actions/cluster-image/internal/chatops/grammar"
)

// Version is that of the document. A field that is added leaves it as it is.
const Version = 1

// Action is what is to be done.
type Action string

// The actions. Answer is a reply without a build, Ignore not even that.
const (
	DoBuild  Action = "build"
	DoCancel Action = "cancel"
	DoAnswer Action = "answer"
	DoIgnore Action = "ignore"
)

// Plan is the decision about one event.
type Plan struct {
	Version int    `json:"version"`
	Action  Action `json:"action"`
	// Why says why an event is ignored.
	Why    string `json:"why,omitempty"`
	Source Source `json:"source"`
	// Command is what was understood, Text the same as it is written, Hash that of the text.
	Command *grammar.Command `json:"command,omitempty"`
	Text    string           `json:"text,omitempty"`
	Hash    string           `json:"hash,omitempty"`
	// Accepted says that a maintainer's label allows it.
	Accepted bool     `json:"accepted,omitempty"`
	Refusal  *Refusal `json:"refusal,omitempty"`
	// Builds are all images. Waves are the same as matrices for strategy.matrix, of which each is run after the one before it.
	Builds []Build  `json:"builds,omitempty"`
	Waves  []Matrix `json:"waves,omitempty"`
	// Cancel are the runs to end.
	Cancel []int64 `json:"cancel,omitempty"`
	// Offline says that GitHub was not asked: for permissions, limits and what was handled before.
	Offline bool `json:"offline,omitempty"`
}

// Source is where a request comes from.
type Source struct {
	Event      string `json:"event"`
	Repository string `json:"repository"`
	// Key tells the request from every other: comment-NUMBER, issue-NUMBER or run-NUMBER.
	Key   string `json:"key,omitempty"`
	Issue int    `json:"issue,omitempty"`
	// User is who asks. For a label, By is who put it on.
	User  int64  `json:"user,omitempty"`
	Login string `json:"login,omitempty"`
	By    string `json:"by,omitempty"`
	// Run and Attempt are those of the workflow.
	Run     int64  `json:"run,omitempty"`
	Attempt int    `json:"attempt,omitempty"`
	RunURL  string `json:"runURL,omitempty"`
}

// Reason is the kind of a refusal.
type Reason string

// The reasons.
const (
	BadCommand Reason = "command"
	BadPlace   Reason = "place"
	NoRecipe   Reason = "recipe"
	NoBuilder  Reason = "builder"
	NotAllowed Reason = "permission"
	OverLimit  Reason = "limit"
	Edited     Reason = "edited"
)

// Refusal says why something is not built.
type Refusal struct {
	Reason Reason `json:"reason"`
	// Understood is the line as it was read, Problem what is wrong with it, Usage its right form, Suggestion what may be meant.
	Understood string `json:"understood,omitempty"`
	Problem    string `json:"problem"`
	Usage      string `json:"usage,omitempty"`
	Suggestion string `json:"suggestion,omitempty"`
	// Acceptable says that a maintainer's label would allow it.
	Acceptable bool `json:"acceptable,omitempty"`
}

// Build is one image. Everything in it is checked: it may be put into names of files and jobs.
type Build struct {
	// ID is the name of its job and of its files: apps-nginx-1.23.1.
	ID      string       `json:"id"`
	Kind    grammar.Kind `json:"kind"`
	Name    string       `json:"name"`
	Version string       `json:"version"`
	// Image is the tag that is pushed.
	Image string `json:"image"`
	// Recipe is the directory that serves the version.
	Recipe string `json:"recipe,omitempty"`
	// Platforms are those asked for; none means those of the recipe.
	Platforms []string `json:"platforms,omitempty"`
	Arguments []string `json:"arguments,omitempty"`
	// Runner are the labels of the machine.
	Runner []string `json:"runner"`
	// Engine is process, or dagger on the remote engine.
	Engine string `json:"engine"`
	// Concurrency is the key of which only one build runs at a time.
	Concurrency string `json:"concurrency"`
	Force       bool   `json:"force,omitempty"`
	DryRun      bool   `json:"dryRun,omitempty"`
	// Moving says that the tag may come to name another image.
	Moving bool `json:"moving,omitempty"`
}

// Matrix is a value for strategy.matrix.
type Matrix struct {
	Build []Build `json:"build"`
}

const (
	// WaveSize is the most jobs of one matrix. GitHub refuses more than 256.
	WaveSize = 200
	// MaxWaves is how many matrices the workflows have.
	MaxWaves = 3
)

// waves splits the builds.
func waves(builds []Build) []Matrix {
	var out []Matrix
	for len(builds) > 0 {
		n := min(len(builds), WaveSize)
		out = append(out, Matrix{builds[:n]})
		builds = builds[n:]
	}
	return out
}

// maxFile bounds the file of a plan, in bytes.
const maxFile = 16 << 20

// ReadFile reads a plan.
func ReadFile(name string) (Plan, error) {
	f, err := os.Open(name)
	if err != nil {
		return Plan{}, fmt.Errorf("read plan: %w", err)
	}
	defer f.Close()
	var p Plan
	if err := decode(f, &p); err != nil {
		return Plan{}, fmt.Errorf("read plan %s: %w", name, err)
	}
	if p.Version != Version {
		return Plan{}, fmt.Errorf("read plan %s: version %d is not known", name, p.Version)
	}
	return p, nil
}

// decode reads one strict document.
func decode(r io.Reader, v any) error {
	d := json.NewDecoder(io.LimitReader(r, maxFile))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows the document")
	}
	return nil
}
