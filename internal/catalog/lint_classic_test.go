package catalog_test

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/labring-actions/cluster-image/internal/catalog"
	"github.com/labring-actions/cluster-image/internal/recipe"
)

// TestLintOfScripts holds what is said of recipes of scripts, each with its line.
func TestLintOfScripts(t *testing.T) {
	t.Parallel()
	const init = "set -e\n# http://in.a.comment\ncurl -L http://x.com/a\ncurl -LO https://x.com/$1/tool # http://localhost:1\nwget https://x.com/tool-linux-amd64\n"
	for name, c := range map[string]struct {
		files map[string]string
		want  []string
	}{
		"sound":  {map[string]string{"Kubefile": "FROM scratch\nCOPY a registry ./\nCMD [\"bash a/go.sh\"]\n", "a/go.sh": "true\n"}, nil},
		"copy":   {map[string]string{"Kubefile": "FROM scratch\nCOPY . .\nCOPY charts charts\n"}, []string{"Kubefile:3: error: COPY charts: there is no such file, and no init.sh that could make it"}},
		"start":  {map[string]string{"Kubefile": "FROM scratch\nCOPY . .\nCMD [\"bash -e start.sh\"]\n"}, []string{"Kubefile: error: the start command calls start.sh, which is not there, and no init.sh could make it"}},
		"made":   {map[string]string{"Kubefile": "FROM scratch\nCOPY charts charts\nCMD [\"bash start.sh\"]\n", "init.sh": "mkdir charts\n"}, nil},
		"syntax": {map[string]string{"Kubefile": "FROM scratch\nCOPPY a b\n"}, []string{"Kubefile:2: error: "}},
		"engine": {map[string]string{"Kubefile": "FROM scratch\nRUN make\n"}, nil},
		"downloads": {map[string]string{"Kubefile": "FROM scratch\nCOPY . .\n", "init.sh": init}, []string{
			"init.sh:3: error: http://x.com/a: without TLS anybody on the way can change it: use https",
			"init.sh:3: notice: http://x.com/a has no checksum: cluster-image fetch --sha256-url takes one",
			"init.sh:4: notice: https://x.com/$1/tool has no checksum: cluster-image fetch --sha256-url takes one",
			"init.sh:5: notice: https://x.com/tool-linux-amd64: it is for amd64, whatever is built: make the address of $1, the platform's word",
			"init.sh:5: notice: https://x.com/tool-linux-amd64 has no checksum: cluster-image fetch --sha256-url takes one",
		}},
	} {
		files := fstest.MapFS{}
		for file, text := range c.files {
			files["x/latest/"+file] = &fstest.MapFile{Data: []byte(text)}
		}
		findings, err := catalog.Open(files, recipe.Application, "the test's catalogue").Lint(nil)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, f := range findings {
			got = append(got, strings.TrimPrefix(f.String(), "x/latest/"))
		}
		if !slices.EqualFunc(got, c.want, func(g, w string) bool { return g == w || strings.HasSuffix(w, ": ") && strings.HasPrefix(g, w) }) {
			t.Errorf("%s:\ngot  %q\nwant %q", name, got, c.want)
		}
	}
}
