package cluster

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/labring-actions/cluster-image/internal/reference"
	"github.com/labring-actions/cluster-image/internal/registrydir"
)

// Content is what a need was resolved to for one platform.
type Content struct{ Manifest, Config v1.Hash }

// Want is an image that the application needs.
type Want struct {
	Need reference.Reference
	// Content is what nodes must get, by platform (linux/amd64). A platform that it leaves out does not need the image.
	Content map[string]Content
}

// Result is how one need fared on one platform.
type Result struct {
	Platform string
	Need     reference.Reference
	Want     Content
	Answer   Answer
	// Err is nil where the answer is the platform's content.
	Err error
}

// Report is everything that [Prove] asked.
type Report struct {
	// Copied is what reached the empty registry, by platform.
	Copied map[string]Copied
	// Results are in the order of the platforms, then of the needs.
	Results []Result
}

// ProofError names every need and every tag that fails.
type ProofError struct{ Problems []string }

func (e *ProofError) Error() string {
	return fmt.Sprintf("a cluster would not have what it needs, %d times:\n  %s", len(e.Problems), strings.Join(e.Problems, "\n  "))
}

// Prove does for every platform what a cluster does: it serves the directory, copies its tags into an empty registry and asks that registry for every
// need; what it gets must be the platform's content, the same manifest or at least the same config. The error is a [*ProofError] where something is
// missing or different; the report is complete then, too.
func Prove(ctx context.Context, dirs map[string]*registrydir.Dir, wants []Want) (Report, error) {
	report := Report{Copied: map[string]Copied{}}
	var problems []string
	for _, platform := range slices.Sorted(maps.Keys(dirs)) {
		copied, results, err := prove(ctx, platform, dirs[platform], wants)
		if ctx.Err() != nil {
			return report, fmt.Errorf("prove %s: %w", platform, ctx.Err())
		}
		if err != nil {
			problems = append(problems, platform+": "+err.Error())
		}
		report.Copied[platform] = copied
		report.Results = append(report.Results, results...)
		problems = append(problems, tell(platform, copied, results)...)
	}
	if len(problems) > 0 {
		return report, &ProofError{Problems: problems}
	}
	return report, nil
}

func prove(ctx context.Context, platform string, dir *registrydir.Dir, wants []Want) (Copied, []Result, error) {
	source, stop, err := Serve(registrydir.Handler(dir))
	if err != nil {
		return Copied{}, nil, err
	}
	defer stop()
	from, to := NewClient(source), NewRegistry()
	defer from.Close()
	copied, err := Sync(ctx, from, to, platform)
	if err != nil {
		return copied, nil, err
	}
	target, stopTarget, err := Serve(to)
	if err != nil {
		return copied, nil, err
	}
	defer stopTarget()
	c := NewClient(target)
	defer c.Close()
	return copied, Ask(ctx, c, platform, wants), nil
}

// Ask resolves every need of the platform in a cluster's registry and compares.
func Ask(ctx context.Context, c *Client, platform string, wants []Want) []Result {
	var results []Result
	for _, w := range wants {
		content, ok := w.Content[platform]
		if !ok {
			continue
		}
		r := Result{Platform: platform, Need: w.Need, Want: content}
		if r.Answer, r.Err = Resolve(ctx, c, w.Need, platform); r.Err == nil {
			r.Err = r.compare()
		}
		results = append(results, r)
	}
	return results
}

func (r Result) compare() error {
	switch {
	case r.Answer.Manifest == r.Want.Manifest:
		return nil
	case r.Want.Config != v1.Hash{} && r.Answer.Config == r.Want.Config:
		return nil
	}
	return fmt.Errorf("got %s, wanted %s", r.Answer.Manifest, r.Want.Manifest)
}

// String is the result in one line.
func (r Result) String() string {
	line := fmt.Sprintf("%s %s: asked for %s: ", r.Platform, r.Need, strings.Join(r.Answer.Asked, ", then "))
	if r.Err != nil {
		return line + r.Err.Error()
	}
	return line + "got " + r.Answer.Manifest.String()
}

func tell(platform string, copied Copied, results []Result) []string {
	var problems []string
	for _, f := range copied.Failed {
		problems = append(problems, fmt.Sprintf("%s %s: not copied: %v", platform, f.Name, f.Err))
	}
	if copied.Left > 0 {
		problems = append(problems, fmt.Sprintf("%s: `sealos registry sync` takes %d repositories, %d more stay behind", platform, maxRepositories, copied.Left))
	}
	for _, r := range results {
		if r.Err != nil {
			problems = append(problems, r.String())
		}
	}
	return problems
}
