package cli

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/labring-actions/cluster-image/internal/assemble"
	"github.com/labring-actions/cluster-image/internal/pipeline"
	"github.com/labring-actions/cluster-image/internal/progress"
	"github.com/labring-actions/cluster-image/internal/transfer"
)

// madeImage is the JSON result of assemble: what was made and where it is.
type madeImage struct {
	Name      string          `json:"name"`
	Version   string          `json:"version"`
	DryRun    bool            `json:"dryRun,omitempty"`
	Digest    string          `json:"digest,omitempty"`
	Archive   string          `json:"archive,omitempty"`
	Pushed    []pushedImage   `json:"pushed,omitempty"`
	Platforms []builtPlatform `json:"platforms,omitempty"`
}

// builtImage is the JSON result of build, which knows too what was looked for and fetched.
type builtImage struct {
	madeImage
	Images   []plannedImage `json:"images"`
	Bytes    plannedBytes   `json:"bytes"`
	Warnings int            `json:"warnings"`
}

type pushedImage struct {
	Reference string `json:"reference"`
	Outcome   string `json:"outcome"`
	Replaced  string `json:"replaced,omitempty"`
}

type builtPlatform struct {
	Platform string `json:"platform"`
	Digest   string `json:"digest"`
	Layers   int    `json:"layers"`
	Bytes    int64  `json:"bytes"`
}

type plannedImage struct {
	Image    string `json:"image"`
	Platform string `json:"platform"`
	Digest   string `json:"digest"`
	Bytes    int64  `json:"bytes"`
	// Unique are the bytes that no image before it in the list has, Stored those that the store has.
	Unique int64  `json:"unique"`
	Stored int64  `json:"stored"`
	Why    string `json:"why"`
	Maybe  bool   `json:"maybe,omitempty"`
}

// plannedBytes count a blob once for each image that has it (total), once (unique), and those in the store already.
type plannedBytes struct {
	Total  int64 `json:"total"`
	Unique int64 `json:"unique"`
	Stored int64 `json:"stored"`
}

// buildResult is the result as text and as a document.
func buildResult(o pipeline.Order, b *pipeline.Built) (string, builtImage) {
	doc := builtImage{
		madeImage: madeImage{Name: o.Recipe.Name, Version: o.Recipe.Version, DryRun: o.DryRun},
		Images:    planned(b.Needs, b.Plan), Warnings: len(b.Needs.Warnings),
		Bytes: plannedBytes{b.Plan.Total, b.Plan.Unique, b.Plan.Stored},
	}
	if o.DryRun {
		return planTable(doc), doc
	}
	doc.Digest, doc.Archive, doc.Platforms = b.Index.Digest.String(), o.Output.Path, platformsOf(b.Index)
	var lines []string
	for _, r := range b.Pushed {
		pushed := pushedImage{Reference: r.Name(), Outcome: string(r.Outcome)}
		if r.Replaced.Hex != "" {
			pushed.Replaced = r.Replaced.String()
		}
		doc.Pushed = append(doc.Pushed, pushed)
		lines = append(lines, pushed.Reference)
	}
	if len(lines) == 0 {
		lines = append(lines, withDigest(o.Output.Name, doc.Digest))
	}
	return strings.Join(lines, "\n"), doc
}

func planned(needs pipeline.Needs, plan transfer.Plan) []plannedImage {
	why := map[string]pipeline.Need{}
	for _, n := range needs.Needs {
		why[n.Ref.String()] = n
	}
	out := []plannedImage{}
	for _, i := range plan.Images {
		line := plannedImage{Image: i.Ref.String(), Platform: i.Platform, Digest: i.Digest.String(), Bytes: i.Total, Unique: i.New, Stored: i.Stored}
		if n, ok := why[line.Image]; ok {
			line.Why, line.Maybe = pipeline.Where(n.Origins[0]), n.Maybe
			if more := len(n.Origins) - 1; more > 0 {
				line.Why += fmt.Sprintf(" and %d more", more)
			}
		}
		out = append(out, line)
	}
	return out
}

func platformsOf(x assemble.Index) []builtPlatform {
	var out []builtPlatform
	for _, img := range x.Images {
		p := builtPlatform{Platform: img.Platform.String(), Digest: img.Manifest.Digest.String(), Layers: len(img.Layers)}
		for _, l := range img.Layers {
			p.Bytes += l.Desc.Size
		}
		out = append(out, p)
	}
	return out
}

// planTable is what a dry run prints.
func planTable(doc builtImage) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "IMAGE\tPLATFORM\tDIGEST\tSIZE\tUNIQUE\tSTORED\tWHY")
	for _, i := range doc.Images {
		name := i.Image
		if i.Maybe {
			name += " (maybe)"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n",
			name, i.Platform, i.Digest, progress.Bytes(i.Bytes), progress.Bytes(i.Unique), progress.Bytes(i.Stored), i.Why)
	}
	_ = w.Flush() // a strings.Builder does not fail
	fmt.Fprintf(&b, "\n%s in all images, %s of it once, %s of that in the store, %s to fetch\n",
		progress.Bytes(doc.Bytes.Total), progress.Bytes(doc.Bytes.Unique), progress.Bytes(doc.Bytes.Stored), progress.Bytes(doc.Bytes.Unique-doc.Bytes.Stored))
	return b.String()
}
