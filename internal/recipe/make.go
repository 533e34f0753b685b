package recipe

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/labring-actions/cluster-image/internal/recipe/app"
	"github.com/labring-actions/cluster-image/internal/source"
)

// maxText bounds a file that is edited or searched for images, in bytes.
const maxText = 32 << 20

// images writes the list of images of a source to images/shim.
func (f *fetching) images(ctx context.Context) error {
	list, err := f.imageList(ctx)
	if err != nil {
		return err
	}
	text := ""
	if f.About != "" {
		text = "# " + strings.Join(strings.Fields(f.About), " ") + "\n"
	}
	return f.write(f.ListFile(), 0o644, strings.NewReader(text+strings.Join(list, "\n")+"\n"))
}

func (f *fetching) imageList(ctx context.Context) ([]string, error) {
	l := f.Fetch.Images
	if len(l.List) > 0 {
		return l.List, nil
	}
	var content []byte
	where := l.File
	var err error
	if l.URL != "" {
		where = l.URL
		content, err = f.downloaded(ctx)
	} else {
		content, err = f.text(l.File)
	}
	if err != nil {
		return nil, err
	}
	list, err := l.Extract(content)
	if err != nil {
		return nil, fmt.Errorf("images in %s: %w", where, err)
	}
	return list, nil
}

// downloaded gives the content of a download that is only looked at.
func (f *fetching) downloaded(ctx context.Context) ([]byte, error) {
	file, err := f.file(ctx)
	if err != nil {
		return nil, err
	}
	defer os.Remove(file)
	f.record.took(f.Index, f.input)
	if f.input.Size > maxText {
		return nil, fmt.Errorf("%w: %s has more than %d bytes", source.ErrSource, f.Address, maxText)
	}
	return os.ReadFile(file)
}

// text reads a file of the context that is not too large.
func (f *fetcher) text(name string) ([]byte, error) {
	info, err := f.root.Stat(filepath.FromSlash(name))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, plain(err))
	}
	if !info.Mode().IsRegular() || info.Size() > maxText {
		return nil, fmt.Errorf("read %s: it is no file of at most %d bytes", name, maxText)
	}
	return f.root.ReadFile(filepath.FromSlash(name))
}

// plain is what the system says of a file, without the file's name.
func plain(err error) error {
	var of *fs.PathError
	if errors.As(err, &of) {
		return of.Err
	}
	return err
}

// edit makes one edit in the files that it names.
func (f *fetcher) edit(i int) error {
	e, ok, err := f.recipe.App.Edit(i, f.scope)
	if err != nil || !ok {
		return err
	}
	names, err := f.matching(e.File)
	if err != nil {
		return fmt.Errorf("%s:%d: edit: %w", app.File, e.At.Line, err)
	}
	for _, name := range names {
		if err := f.editFile(e, name); err != nil {
			return fmt.Errorf("%s:%d: edit of %s: %w", app.File, e.At.Line, name, err)
		}
	}
	return nil
}

// matching are the files of the context that a path or pattern names.
func (f *fetcher) matching(pattern string) ([]string, error) {
	if !strings.ContainsAny(pattern, "*?[") {
		return []string{pattern}, nil
	}
	var out []string
	err := eachFile(f.root, func(name string, info fs.FileInfo) error {
		if ok, err := path.Match(pattern, name); err == nil && ok && info.Mode().IsRegular() {
			out = append(out, name)
		}
		return nil
	})
	if err == nil && len(out) == 0 {
		err = fmt.Errorf("no file matches %s", pattern)
	}
	return out, err
}

func (f *fetcher) editFile(e app.Edit, name string) error {
	before, err := f.text(name)
	if err != nil {
		return err
	}
	after, err := e.Apply(before)
	if err != nil {
		return err
	}
	return f.root.WriteFile(filepath.FromSlash(name), after, 0o644)
}

// generate makes the files that the recipe stands for.
func (f *fetcher) generate() error {
	var paths []string
	err := eachFile(f.root, func(name string, info fs.FileInfo) error {
		if !info.IsDir() {
			paths = append(paths, name)
		}
		return nil
	})
	if err != nil {
		return f.failed(err)
	}
	made, err := f.recipe.App.Generate(f.scope, paths)
	if err != nil {
		return f.failed(err)
	}
	if own := f.recipe.App.Kubefile; own != "" && own != "Kubefile" && own != "Dockerfile" {
		if err := f.root.Rename(filepath.FromSlash(own), "Kubefile"); err != nil {
			return f.failed(fmt.Errorf("kubefile %s: %w", own, plain(err)))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(made)) {
		if err := f.write(name, generatedMode(name), strings.NewReader(made[name])); err != nil {
			return f.failed(err)
		}
	}
	f.record.made(f.platform, made)
	return nil
}

func generatedMode(name string) fs.FileMode {
	if path.Ext(name) == ".sh" {
		return 0o755
	}
	return 0o644
}
