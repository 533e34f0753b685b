// Package outcome is what became of a build of a plan: a file that the job of the build leaves and the job that reports reads. It also runs the build,
// by this very program, so that a job has one command and no text of a user on its line.
package outcome

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/labring-actions/cluster-image/internal/chatops/plan"
)

// Version is that of the document.
const Version = 1

// State is how a build ended.
type State string

// The states. Begun is a build of which some steps are done, Built an image on disk that is not pushed yet, Planned a dry run. Lost is a build of which
// no file came back.
const (
	Begun   State = "begun"
	Built   State = "built"
	Pushed  State = "pushed"
	Planned State = "planned"
	Failed  State = "failed"
	Lost    State = "lost"
)

// Outcome is what became of one build.
type Outcome struct {
	Version int        `json:"version"`
	Build   plan.Build `json:"build"`
	State   State      `json:"state"`
	// Digest is that of the image's index; Push is pushed, unchanged or replaced, and Replaced the digest that the tag named before.
	Digest    string     `json:"digest,omitempty"`
	Push      string     `json:"push,omitempty"`
	Replaced  string     `json:"replaced,omitempty"`
	Platforms []Platform `json:"platforms,omitempty"`
	Images    []Image    `json:"images,omitempty"`
	// Bytes are those of all container images together, each blob once.
	Bytes int64 `json:"bytes,omitempty"`
	// Time is when the push ended.
	Time     time.Time `json:"time,omitzero"`
	Warnings int       `json:"warnings,omitempty"`
	Seconds  float64   `json:"seconds,omitempty"`
	Changes  *Changes  `json:"changes,omitempty"`
	Failure  *Failure  `json:"failure,omitempty"`
	JobURL   string    `json:"jobURL,omitempty"`
}

// Platform is the image of one platform.
type Platform struct {
	Platform string `json:"platform"`
	Digest   string `json:"digest"`
	Bytes    int64  `json:"bytes"`
}

// Image is a container image in the cluster image.
type Image struct {
	Image    string `json:"image"`
	Platform string `json:"platform"`
	Digest   string `json:"digest"`
}

// Failure says what went wrong.
type Failure struct {
	// Step is the last step that began; Class is that of the program's exit codes.
	Step  string `json:"step,omitempty"`
	Class string `json:"class,omitempty"`
	Error string `json:"error"`
	Todo  string `json:"todo,omitempty"`
	// Tail are the last lines that were written.
	Tail []string `json:"tail,omitempty"`
}

// maxFile bounds an outcome, in bytes.
const maxFile = 8 << 20

// Write writes the outcome to a file.
func (o Outcome) Write(name string) error {
	b, err := json.MarshalIndent(o, "", "  ")
	if err != nil {
		return fmt.Errorf("write outcome: %w", err)
	}
	if err := os.WriteFile(name, append(b, '\n'), 0o644); err != nil {
		return fmt.Errorf("write outcome: %w", err)
	}
	return nil
}

// Read reads an outcome.
func Read(name string) (Outcome, error) {
	var o Outcome
	f, err := os.Open(name)
	if err != nil {
		return o, fmt.Errorf("read outcome: %w", err)
	}
	defer f.Close()
	d := json.NewDecoder(io.LimitReader(f, maxFile))
	d.DisallowUnknownFields()
	if err := d.Decode(&o); err != nil {
		return o, fmt.Errorf("read outcome %s: %w", filepath.Base(name), err)
	}
	if o.Version != Version {
		return o, fmt.Errorf("read outcome %s: version %d is not known", filepath.Base(name), o.Version)
	}
	return o, nil
}

// Gather finds what became of every build of a plan, in the plan's order: result-ID/result.json below a directory. What the file says of the build is
// not believed: the plan says it.
func Gather(p plan.Plan, dir string) []Outcome {
	var out []Outcome
	for _, b := range p.Builds {
		o, err := Read(filepath.Join(dir, "result-"+b.ID, "result.json"))
		switch {
		case errors.Is(err, os.ErrNotExist):
			o = Outcome{Version: Version, State: Lost}
		case err != nil:
			o = Outcome{Version: Version, State: Failed, Failure: &Failure{Error: err.Error()}}
		case o.State == Begun:
			o.State = Failed
			o.Failure = &Failure{Error: "the build did not come to an end"}
		case o.State == Built:
			o.State = Failed
			o.Failure = &Failure{Step: "push", Error: "the image was built, and its push did not come to an end"}
		}
		o.Build = b
		out = append(out, o)
	}
	return out
}

// Succeeded says that everything asked for was done.
func (o Outcome) Succeeded() bool { return o.State == Pushed || o.State == Planned }

// Reference is the image with its digest.
func (o Outcome) Reference() string {
	return strings.TrimSuffix(o.Build.Image+"@"+o.Digest, "@")
}
