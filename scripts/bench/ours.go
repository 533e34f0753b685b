package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

func saveOurs(t tool, s saving) []step {
	args := []string{"registry", "save", "--images", strings.Join(s.names(), ","), "--platform", platformList(s.images), "--registry-dir", s.out}
	return []step{{Path: t.Path, Args: args, Env: s.env}}
}

func platformList(images []imageSpec) string {
	return "linux/" + strings.Join(archs(images), ",linux/")
}

// buildOurs lets the program build and push a recipe that has nothing but a list of images.
func buildOurs(t tool, b building) ([]step, error) {
	recipes := filepath.Join(b.home, "recipes")
	if err := writeContext(filepath.Join(recipes, application, b.version), b.saving); err != nil {
		return nil, err
	}
	args := []string{"build", application, b.version, "--recipes", recipes, "--platform", platformList(b.images), "--push", b.target()}
	return []step{{Path: t.Path, Args: args, Env: b.env}}, nil
}

// application is the cluster image that is built.
const application = "bench"

// writeContext writes a build context that has nothing but a list of images.
func writeContext(dir string, s saving) error {
	files := map[string]string{
		"Kubefile":          "FROM scratch\nCOPY images images\nCOPY registry registry\nCMD [\"true\"]\n",
		"images/shim/bench": strings.Join(s.names(), "\n") + "\n",
	}
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return fmt.Errorf("write build context: %w", err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			return fmt.Errorf("write build context: %w", err)
		}
	}
	return nil
}
