package spelling_test

import (
	"testing"

	"github.com/labring-actions/cluster-image/internal/spelling"
)

func TestDistance(t *testing.T) {
	t.Parallel()
	for pair, want := range map[[2]string]int{
		{"", ""}: 0, {"abc", "abc"}: 0, {"", "abc"}: 3, {"abc", ""}: 3, {"nignx", "nginx"}: 1, {"ngix", "nginx"}: 1, {"nginxx", "nginx"}: 1, {"ngjnx", "nginx"}: 1,
		{"abcd", "dcba"}: 3,
	} {
		if got := spelling.Distance(pair[0], pair[1]); got != want {
			t.Errorf("%q: %d, want %d", pair, got, want)
		}
		if got := spelling.Distance(pair[1], pair[0]); got != want {
			t.Errorf("%q turned round: %d, want %d", pair, got, want)
		}
	}
}

func TestMeant(t *testing.T) {
	t.Parallel()
	words := []string{"build", "build-all", "lint", "version", "Lock", "platform", "progress", "push", "password-stdin", "output"}
	for typed, want := range map[string]string{
		"buidl": "build", "LINT": "lint", "vers": "version", "lintall": "lint", "lok": "Lock", "xyzzy": "", "": "", "b": "", "platforms": "platform", "pus": "push",
		"password": "password-stdin", "ouptut": "output",
	} {
		if got := spelling.Meant(typed, words); got != want {
			t.Errorf("%q: %q, want %q", typed, got, want)
		}
	}
}

func FuzzDistance(f *testing.F) {
	f.Add("nginx", "nignx")
	f.Fuzz(func(t *testing.T, a, b string) {
		if len(a) > 200 || len(b) > 200 {
			return
		}
		d := spelling.Distance(a, b)
		if d < 0 || d > max(len(a), len(b)) || (d == 0) != (a == b) || d != spelling.Distance(b, a) {
			t.Errorf("%q, %q: %d", a, b, d)
		}
	})
}
