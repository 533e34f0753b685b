package cli

import (
	"slices"
	"strings"
	"testing"
)

func TestArrange(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"sample nginx 1":                          "cluster-image sample -- nginx 1",
		"sample nginx --force 1":                  "cluster-image sample --force -- nginx 1",
		"sample nginx 1 -o f":                     "cluster-image sample --output=f -- nginx 1",
		"--output=f sample nginx 1":               "cluster-image sample --output=f -- nginx 1",
		"-o f sample nginx 1":                     "cluster-image sample --output=f -- nginx 1",
		"--progress plain sample nginx 1 --json":  "cluster-image --progress=plain --json sample -- nginx 1",
		"sample --arch arm64 -platform=amd64 a b": "cluster-image sample --platform=arm64 --platform=amd64 -- a b",
		"sample -- --force -o":                    "cluster-image sample -- --force -o",
		"sample --output -- a b":                  "ERROR",
		"sample --output=-- a b":                  "cluster-image sample --output=-- -- a b",
		"sample --output -x a b":                  "cluster-image sample --output=-x -- a b",
		"sample --output= a b":                    "cluster-image sample --output= -- a b",
		"sample - b":                              "cluster-image sample -- - b",
		"sample --force=false a b":                "cluster-image sample --force=false -- a b",
		"group --registry-dir x save ctx":         "cluster-image group --registry-dir=x save -- ctx",
		"group save --registry-dir x ctx":         "cluster-image group --registry-dir=x save -- ctx",
		"group list":                              "cluster-image group list --",
		"group list a b c":                        "cluster-image group list -- a b c",
		"sample --platform":                       "ERROR",
		"sample --push --force a b":               "ERROR",
		"group --force save x":                    "ERROR",
		"group save":                              "ERROR",
		"group save a b":                          "ERROR",
		"":                                        "HELP",
		"group":                                   "HELP",
		"help":                                    "HELP",
		"help group save":                         "HELP",
		"sample --help --force":                   "HELP",
		"help nonsense":                           "ERROR",
		"--version":                               "cluster-image version --",
	} {
		got, err := arrange(program().app(), strings.Fields(line))
		text := strings.Join(got.argv, " ")
		switch {
		case err != nil:
			text = "ERROR"
		case got.help:
			text = "HELP"
		}
		if text != want {
			t.Errorf("%q\n got %s (%v)\nwant %s", line, text, err, want)
		}
	}
}

// What stands behind two dashes arrives as it is, and so does what follows a flag with a value.
func FuzzArrange(f *testing.F) {
	for _, s := range []string{"--force", "-x", "", "--", "--help", "a=b", "-"} {
		f.Add(s, s)
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		got, err := arrange(program().app(), []string{"sample", "--output=" + a, "--", a, b})
		if err != nil {
			t.Fatal(err)
		}
		if want := []string{name, "sample", "--output=" + a, "--", a, b}; !slices.Equal(got.argv, want) {
			t.Errorf("got %q, want %q", got.argv, want)
		}
		_, _ = arrange(program().app(), []string{a, b, a})
		_, _ = arrange(program().app(), []string{"sample", a, b})
	})
}
