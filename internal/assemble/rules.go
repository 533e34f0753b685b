package assemble

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/labring-actions/cluster-image/internal/layer"
)

// copyLine is that line where there is no WORKDIR.
const copyLine = "COPY registry registry"

// misplaced is about a registry directory that no cluster would look into.
func misplaced(dir string) error {
	if path.Dir(dir) == layer.Root { // registry/linux-amd64
		return fmt.Errorf("%s holds a registry directory (%s), as registry save leaves it for several platforms: move registry/ out of the context, and name it with --registry-dir", dir, layoutPath)
	}
	if dir == "" {
		dir = "."
	}
	return fmt.Errorf("%s holds a registry directory (%s): sealos looks for it in /registry only, and an image that has one elsewhere exhausts the memory when it is run (labring/sealos#1545): move it to registry/ at the top of the context, or remove it", dir, layoutPath)
}

// mark says that a COPY brings the registry directory to a place, which must be /registry.
func (c *copying) mark(target string) error {
	if target == layer.Root {
		c.brought = true
		return nil
	}
	if !c.needs && !c.layout {
		return nil
	}
	return fmt.Errorf("this brings the registry directory to /%s, where sealos does not look for it (labring/sealos#1545): write %s", target, c.copyLine())
}

// copyLine is the line that brings the container images into an image, whatever the working directory is.
func (s *source) copyLine() string {
	if s.working {
		return "COPY registry /registry"
	}
	return copyLine
}

// hiddenRegistry names the line of the ignore file that hides the registry directory.
func (s *source) hiddenRegistry() error {
	n, line := s.ignore.registryLine()
	return fmt.Errorf("%s:%d: %q hides registry/, so the container images would be missing: remove it, or add the line !registry", s.ignore.name, n, line)
}

// judge applies what a cluster image must and must not be to the whole.
func (s *source) judge(t *tree, kubefile string) error {
	for _, rule := range []func(*tree, string) error{s.registryPlace, s.registryBrought, notEmpty, templates} {
		if err := rule(t, kubefile); err != nil {
			return err
		}
	}
	return nil
}

// registryPlace keeps /registry free for container images, and every other place free of registry directories.
func (s *source) registryPlace(t *tree, _ string) error {
	for _, name := range t.names() {
		it := t.items[name]
		if strings.HasSuffix("/"+name, "/"+layoutPath) {
			return blame(it.by, misplaced("/"+strings.TrimSuffix(strings.TrimSuffix(name, layoutPath), "/")))
		}
		isRoot := name == layer.Root && it.mode.IsDir()
		if !isRoot && (name == layer.Root || strings.HasPrefix(name, layer.Root+"/")) {
			return blame(it.by, fmt.Errorf("this makes /%s, but sealos takes /registry for a registry directory, and %s is none: move it elsewhere, for example to charts/", name, s.describe(it)))
		}
	}
	delete(t.items, layer.Root)
	return nil
}

func (s *source) describe(it item) string {
	if it.file == "" {
		return "this"
	}
	if dir, _, ok := strings.Cut(it.file, "/"); ok {
		return dir + "/"
	}
	return it.file
}

// registryBrought demands a COPY of the registry directory where there are container images.
func (s *source) registryBrought(t *tree, kubefile string) error {
	switch {
	case !s.needs || s.brought:
		return nil
	case s.ignore.hidesRegistry():
		return s.hiddenRegistry()
	}
	if i, ok := s.index[layer.Root]; ok && !s.entries[i].mark {
		return errors.New("registry in the build context is no registry directory, and the container images need its place: move it elsewhere, for example to charts/")
	}
	return fmt.Errorf("%s: no COPY brings the container images to /registry: add the line\n    %s", kubefile, s.copyLine())
}

// notEmpty refuses an image that sealos could not start.
func notEmpty(t *tree, kubefile string) error {
	if len(t.items) > 0 {
		return nil
	}
	return fmt.Errorf("%s: the image would hold nothing but registry/, and sealos makes no working directory for such an image, so its start command fails (labring/sealos#4478): COPY something else too, if only a README", kubefile)
}

// rendered are the directories whose templates sealos fills in.
var rendered = []string{"etc", "scripts", "manifests"}

// templates refuses a file that a rendered template would overwrite, and warns of templates that nobody renders.
func templates(t *tree, _ string) error {
	var idle []string
	for _, name := range t.names() {
		it := t.items[name]
		ext := path.Ext(name)
		if it.mode.IsDir() || ext != ".tmpl" && ext != ".tpl" {
			continue
		}
		top, _, nested := strings.Cut(name, "/")
		plain := strings.TrimSuffix(name, ext)
		_, beside := t.items[plain]
		switch {
		case nested && slices.Contains(rendered, top) && beside:
			return blame(it.by, fmt.Errorf("%s is beside %s, which sealos overwrites when it renders the template: keep one", name, plain))
		case ext == ".tmpl" && !(nested && slices.Contains(rendered, top)) && !t.inChart(name):
			idle = append(idle, name)
		}
	}
	if len(idle) > 0 {
		more := ""
		if len(idle) > 3 {
			idle, more = idle[:3], fmt.Sprintf(" and %d more", len(idle)-3)
		}
		t.warnings = append(t.warnings, fmt.Sprintf("%s%s: sealos renders templates in etc/, scripts/ and manifests/ only and leaves these as they are", strings.Join(idle, ", "), more))
	}
	return nil
}

// inChart says whether a file is part of a chart, whose templates are helm's.
func (t *tree) inChart(name string) bool {
	for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
		if _, ok := t.items[dir+"/Chart.yaml"]; ok {
			return true
		}
	}
	return false
}

// errArchive is about ADD, which would unpack.
var errArchive = errors.New("ADD would unpack it: unpack it in init.sh and COPY the directory, or COPY the archive as it is")

// notArchive refuses an archive in an ADD.
func (c *copying) notArchive(e entry) error {
	f, err := c.root.Open(e.path)
	if err != nil {
		return fmt.Errorf("read %s: %w", e.path, err)
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || info.Mode().Type() != fs.FileMode(0) {
		return fmt.Errorf("read %s: it is no regular file any more", e.path)
	}
	if isArchive(f) {
		return fmt.Errorf("%s is an archive: %w", e.path, errArchive)
	}
	return nil
}
