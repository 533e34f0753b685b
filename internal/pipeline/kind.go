package pipeline

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/labring-actions/cluster-image/internal/recipe"
)

// holdsImages says whether the image is a cluster image, which brings along the container images that it needs. An image of configuration and a
// container image hold files alone: nothing in them is taken for the name of an image.
func (o Order) holdsImages() bool {
	return o.Recipe.Kind != recipe.Config && o.Recipe.Kind != recipe.DockerImage
}

// imageDirs are the directories of a context that stand for container images.
var imageDirs = []string{"charts", "images", "registry"}

// checkKind refuses an image of configuration whose context asks for container images: they would be missing.
func (b *build) checkKind() error {
	if b.order.Recipe.Kind != recipe.Config {
		return nil
	}
	for _, dir := range b.Contexts.Dirs() {
		for _, name := range imageDirs {
			if _, err := os.Lstat(filepath.Join(dir, name)); err == nil {
				return fmt.Errorf("it has %s/, and an image of configuration brings no container images along: make it an application", name)
			}
		}
	}
	return nil
}
