package dagger

import (
	"os"
	"path/filepath"
	"testing"
)

// writeRecipe adds an application to a directory of recipes.
func writeRecipe(t *testing.T, recipes, app string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(recipes, app, "latest", name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
}

const kubefile = "FROM scratch\nCOPY manifests manifests\nCOPY entrypoint.sh entrypoint.sh\nCOPY registry registry\nCMD [\"bash entrypoint.sh\"]\n"

// pods is a recipe whose init.sh writes pods with the given images.
func pods(images ...string) map[string]string {
	script := "#!/usr/bin/env bash\nset -eu\nmkdir -p manifests\ncat >manifests/pods.yaml <<'END'\n"
	for _, image := range images {
		script += "---\napiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers:\n  - name: a\n    image: " + image + "\n"
	}
	return map[string]string{"init.sh": script + "END\n", "Kubefile": kubefile, "entrypoint.sh": "kubectl apply -f manifests\n"}
}
