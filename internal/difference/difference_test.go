package difference_test

import (
	"maps"
	"reflect"
	"testing"

	"github.com/labring-actions/cluster-image/internal/difference"
)

func image(ref, platform, digest string, bytes int64) difference.Image {
	return difference.Image{Ref: ref, Platform: platform, Digest: digest, Bytes: bytes}
}

func TestBetween(t *testing.T) {
	t.Parallel()
	before := []difference.Image{
		image("quay.io/x/a:1", "linux/amd64", "sha256:a1", 10),
		image("quay.io/x/a:1", "linux/arm64", "sha256:a2", 11),
		image("quay.io:443/x/b:1", "linux/amd64", "sha256:b1", 20),
		image("quay.io/x/gone@sha256:99", "linux/amd64", "sha256:99", 30),
		image("quay.io/x/two:1", "linux/amd64", "sha256:t1", 1),
		image("quay.io/x/two:2", "linux/amd64", "sha256:t2", 1),
		image("quay.io/x/moving:latest", "linux/amd64", "sha256:m1", 5),
	}
	after := []difference.Image{
		image("quay.io/x/two:3", "linux/amd64", "sha256:t3", 1),
		image("quay.io/x/two:2", "linux/amd64", "sha256:t2", 1),
		image("quay.io/x/a:1", "linux/amd64", "sha256:a1", 10),
		image("quay.io/x/a:2", "linux/arm64", "sha256:a3", 12),
		image("quay.io:443/x/b:2", "linux/amd64", "sha256:b2", 21),
		image("quay.io/x/moving:latest", "linux/amd64", "sha256:m2", 6),
		image("quay.io/x/new:1", "linux/arm64", "sha256:n1", 40),
	}
	d := difference.Between(before, after)
	if want := []difference.Image{after[6]}; !reflect.DeepEqual(d.Added, want) {
		t.Errorf("added %v", d.Added)
	}
	if want := []difference.Image{before[3]}; !reflect.DeepEqual(d.Removed, want) {
		t.Errorf("removed %v", d.Removed)
	}
	want := []difference.Move{{before[1], after[3]}, {before[6], after[5]}, {before[4], after[0]}, {before[2], after[4]}}
	if !reflect.DeepEqual(d.Moved, want) {
		t.Errorf("moved\n%v, want\n%v", d.Moved, want)
	}
	if d.Same != 2 || !maps.Equal(d.Before, map[string]int64{"linux/amd64": 67, "linux/arm64": 11}) || d.After["linux/arm64"] != 52 {
		t.Errorf("%d the same, %v, %v", d.Same, d.Before, d.After)
	}
	if none := difference.Between(before, before); len(none.Added)+len(none.Removed)+len(none.Moved) != 0 || none.Same != len(before) {
		t.Errorf("an image differs from itself: %+v", none)
	}
}
