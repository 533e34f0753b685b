package app_test

import (
	"os"
	"strings"
	"testing"

	"github.com/labring-actions/cluster-image/internal/recipe/app"
)

// TestExamplesOfTheGuide takes every example of docs/recipes.md that is YAML into a recipe and decodes it as if somebody had copied it.
func TestExamplesOfTheGuide(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile("../../../docs/recipes.md")
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[app.Kind]bool{}
	for i, block := range strings.Split(string(b), "```yaml\n")[1:] {
		block, _, _ = strings.Cut(block, "```")
		a, err := app.Decode([]byte(completed(block)))
		if err != nil {
			t.Errorf("example %d: %v\n%s", i+1, err, completed(block))
			continue
		}
		for i := range a.Sources {
			kinds[a.Sources[i].Kind()] = true
		}
	}
	for _, k := range []app.Kind{app.KindChart, app.KindManifest, app.KindArchive, app.KindGit, app.KindBinary, app.KindImages} {
		if !kinds[k] {
			t.Errorf("the guide has no example of a source of the kind %s", k)
		}
	}
}

// completed adds to an example what makes it a whole recipe.
func completed(block string) string {
	switch {
	case strings.HasPrefix(block, "    "):
		block = "variables: {ROOT_PASSWORD: {generate: password, about: x}}\nstart:\n  - helm: x\n    chart: charts/x\n    namespace: x\n" + block
	case strings.HasPrefix(block, "  - "):
		block = "sources:\n" + block
	}
	if !strings.Contains(block, "description:") {
		block = "description: x\nhome: https://example.com\ncategories: [web]\n" + block
	}
	if !strings.Contains(block, "\nversion:") {
		block += "\nversion: {v: never, example: 1.2.3}\n"
	}
	if !strings.Contains(block, "\nstart:") {
		block += "start: [{run: \"true\"}]\n"
	}
	return block
}
