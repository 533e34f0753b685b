package publish_test

import (
	"testing"

	"github.com/labring-actions/cluster-image/internal/publish"
)

func TestMoving(t *testing.T) {
	t.Parallel()
	for tag, want := range map[string]bool{
		"latest": true, "main": true, "stable": true, "v1.2": true, "v10.23": true,
		"v1.2.3": false, "1.2": false, "v1": false, "v1.2-rc1": false, "latest-alpine": false, "": false, "vX.Y": false, "xlatest": false,
	} {
		if got := publish.Moving(tag, nil); got != want {
			t.Errorf("Moving(%q) = %v", tag, got)
		}
	}
	patterns := []string{"nightly-*", "X.Y", "X.Y.Z-XL", "release(1"}
	for tag, want := range map[string]bool{
		"nightly-2026": true, "1.23": true, "1.2.3-XL": true, "release(1": true, "latest": true, "1.2.3": false, "nightly": false,
	} {
		if got := publish.Moving(tag, patterns); got != want {
			t.Errorf("Moving(%q, patterns) = %v", tag, got)
		}
	}
}
