package kubefile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

// ErrNone says that a directory holds no build file.
var ErrNone = errors.New("there is no build file")

// names are the build files that this program reads, foreign the further ones that sealos reads. With several of
// them sealos builds the last of Sealfile, Kubefile, Dockerfile, Containerfile, silently.
var (
	names   = []string{"Kubefile", "Dockerfile"}
	foreign = []string{"Sealfile", "Containerfile"}
)

// Load reads the build file of a context: its Kubefile or its Dockerfile. A directory with both is refused, since
// it would be a guess which one is meant; one with neither is ErrNone.
func Load(dir string) (*Kubefile, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open context: %w", err)
	}
	defer root.Close()
	found := present(root, names)
	others := present(root, foreign)
	switch all := append(found, others...); {
	case len(all) > 1:
		return nil, fmt.Errorf("there are several build files, %s, and sealos would build the last of them without a word: keep one, named Kubefile", strings.Join(all, " and "))
	case len(all) == 0:
		return nil, fmt.Errorf("%w: add a Kubefile, for example\n    FROM scratch\n    COPY . .\n    CMD [\"helm upgrade -i NAME charts/NAME\"]", ErrNone)
	case len(others) > 0:
		return nil, fmt.Errorf("there is no Kubefile, but a %s, which only sealos reads: rename it to Kubefile", others[0])
	}
	f, err := root.Open(found[0])
	if err != nil {
		return nil, fmt.Errorf("read build file: %w", err)
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, fmt.Errorf("read build file: %s is not a regular file", found[0])
	}
	return Parse(found[0], f)
}

func present(root *os.Root, names []string) (found []string) {
	for _, name := range names {
		if _, err := root.Lstat(name); !errors.Is(err, fs.ErrNotExist) {
			found = append(found, name)
		}
	}
	return found
}
