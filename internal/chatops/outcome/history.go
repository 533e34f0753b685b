package outcome

import (
	"time"

	"github.com/labring-actions/cluster-image/internal/history"
	"github.com/labring-actions/cluster-image/internal/recipe"
)

// History are the builds of applications that ended in a push, for the record of what was built. The address is that of the run's page. What can't be
// recorded as it is, is left out.
func History(all []Outcome, url string, now time.Time) []history.Build {
	var out []history.Build
	for _, o := range all {
		if o.State != Pushed || o.Build.Kind.Recipes() != recipe.Application {
			continue
		}
		b := history.Build{Name: o.Build.Name, Version: o.Build.Version, Time: o.Time, Digest: o.Digest, URL: url}
		if b.Check(now) == nil {
			out = append(out, b)
		}
	}
	return history.Merge(out)
}
