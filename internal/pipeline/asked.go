package pipeline

import (
	"errors"
	"fmt"
	"strings"

	"github.com/labring-actions/cluster-image/internal/reference"
	"github.com/labring-actions/cluster-image/internal/transfer"
)

// askedBy adds to an error about images which file asks for each of them.
func askedBy(err error, needs Needs) error {
	var lines strings.Builder
	seen := map[reference.Reference]bool{}
	for _, ref := range troubled(err) {
		for _, n := range needs.Needs {
			if n.Ref != ref || seen[ref] || len(n.Origins) == 0 {
				continue
			}
			seen[ref] = true
			fmt.Fprintf(&lines, "\n  %s: %s", ref, Where(n.Origins[0]))
			if more := len(n.Origins) - 1; more > 0 {
				fmt.Fprintf(&lines, " and %d more", more)
			}
		}
	}
	if lines.Len() == 0 {
		return err
	}
	return fmt.Errorf("%w\nasked for by:%s", err, &lines)
}

// troubled are the images that an error names.
func troubled(err error) []reference.Reference {
	var (
		out        []reference.Reference
		unresolved *transfer.Unresolved
		missing    *transfer.MissingPlatforms
	)
	if errors.As(err, &unresolved) {
		for _, i := range unresolved.Images {
			out = append(out, i.Ref)
		}
	}
	if errors.As(err, &missing) {
		for _, i := range missing.Images {
			out = append(out, i.Ref)
		}
	}
	return out
}
