package recipe

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
)

// maxFindings is how many faults of a context one error names.
const maxFindings = 20

// Finding is one file that cannot be what was meant.
type Finding struct {
	// Path is relative to the context; of a file in an archive it is ARCHIVE!FILE.
	Path string
	// Problem says what the file is, in words that follow its path.
	Problem string
}

// ContextError names the files of a context that cannot be what was meant.
type ContextError struct {
	Name, Version, Platform string
	// Script says that an init.sh ran, which may have made the files.
	Script bool
	// Declared says that an app.yaml said what to download.
	Declared bool
	Findings []Finding
}

func (e *ContextError) Error() string {
	var s strings.Builder
	cause := "the recipe's files are wrong:"
	switch {
	case e.Declared:
		cause = "what was downloaded is wrong:"
	case e.Script:
		cause = "init.sh ended well, but what it left is wrong:"
	}
	fmt.Fprintf(&s, "%s %s for %s: %s", e.Name, e.Version, e.Platform, cause)
	for _, f := range e.Findings[:min(len(e.Findings), maxFindings)] {
		fmt.Fprintf(&s, "\n    %s %s", f.Path, f.Problem)
	}
	if more := len(e.Findings) - maxFindings; more > 0 {
		fmt.Fprintf(&s, "\n    and %d more", more)
	}
	if e.Declared {
		s.WriteString("\na file that is meant to be so is named under unchecked of app.yaml, with its path and the reason")
		return s.String()
	}
	s.WriteString("\na file that is meant to be so is named in " + uncheckedFile + " of the recipe: a pattern, # and the reason")
	return s.String()
}

// judge looks for what a failed download leaves behind when the script did not notice: pages in place of programs, empty files, programs for another
// machine, archives that end early.
func judge(ctx context.Context, root *os.Root, r Recipe, platform string) error {
	j := judgement{root: root, recipe: r, platform: platform}
	err := eachFile(root, func(name string, info fs.FileInfo) error {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if info.IsDir() || info.Mode()&fs.ModeSymlink != 0 || r.exempt(name) {
			return nil
		}
		return j.file(ctx, name, info)
	})
	if err != nil {
		return fmt.Errorf("%s for %s: %w", r, platform, err)
	}
	if len(j.findings) > 0 {
		return &ContextError{Name: r.Name, Version: r.Version, Platform: platform, Script: r.HasScript(), Declared: r.App != nil, Findings: j.findings}
	}
	return nil
}

type judgement struct {
	root     *os.Root
	recipe   Recipe
	platform string
	findings []Finding
}

func (j *judgement) add(name, problem string) {
	j.findings = append(j.findings, Finding{Path: name, Problem: problem})
}

func (j *judgement) file(ctx context.Context, name string, info fs.FileInfo) error {
	if !info.Mode().IsRegular() {
		j.add(name, "is neither a file nor a directory nor a link")
		return nil
	}
	f, err := j.root.Open(name)
	if err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	defer f.Close()
	head := make([]byte, headSize)
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("read %s: %w", name, err)
	}
	head = head[:n]
	if problem := j.look(name, info, head); problem != "" {
		j.add(name, problem)
		return nil
	}
	if top(name) == "opt" && isArchive(name) {
		return j.archive(ctx, name, f)
	}
	return nil
}

// look judges a file by its beginning.
func (j *judgement) look(name string, info fs.FileInfo, head []byte) string {
	if problem := foreign(head, j.platform); problem != "" {
		return problem
	}
	if _, err := fs.Stat(j.recipe.FS, name); err == nil {
		return "" // the recipe brings it
	}
	switch {
	case isProgramPlace(name, info.Mode()):
		if len(head) == 0 && !strings.HasPrefix(path.Base(name), ".") {
			return "is empty"
		}
		return page(name, head)
	case isManifest(name), isPackedChart(name):
		return page(name, head)
	}
	return ""
}

// isProgramPlace says whether programs and archives of programs are expected at a path. Files of a chart may be executable without being any.
func isProgramPlace(name string, mode fs.FileMode) bool {
	return slices.Contains([]string{"opt", "bin", "sbin", "usr", "cri"}, top(name)) || mode&0o100 != 0 && top(name) != "charts"
}

func isManifest(name string) bool {
	return top(name) == "manifests" && slices.Contains([]string{".yaml", ".yml", ".json"}, path.Ext(name))
}

func isPackedChart(name string) bool { return top(name) == "charts" && strings.HasSuffix(name, ".tgz") }

func top(name string) string {
	first, _, _ := strings.Cut(name, "/")
	return first
}

// page says what kind of answer of a web server stands in a file that should hold something else.
func page(name string, head []byte) string {
	text := bytes.ToLower(bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")), " \t\r\n"))
	isHTML := bytes.HasPrefix(text, []byte("<!doctype html")) || bytes.HasPrefix(text, []byte("<html"))
	switch {
	case isHTML && !slices.Contains([]string{".html", ".htm", ".xhtml"}, path.Ext(name)):
		return "is an HTML page: the download was answered with a page in place of the file"
	case bytes.HasPrefix(text, []byte("<?xml")) && bytes.Contains(text, []byte("<error>")) && path.Ext(name) != ".xml":
		return "is an XML error message: the download was answered with it in place of the file"
	case slices.Contains([]string{"not found", "404: not found", "404 not found", "404 page not found"}, string(bytes.TrimSpace(text))):
		return fmt.Sprintf("holds nothing but %q: the download was answered with it in place of the file", bytes.TrimSpace(head))
	}
	return ""
}
