package kubefile

import (
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
)

// Copy is a COPY, an ADD, or a WORKDIR (which makes a directory).
type Copy struct {
	// File, Line and Text are where and how it is written.
	File string
	Line int
	Text string
	// Unpack says that it is an ADD that unpacks archives.
	Unpack bool
	// Makes says that it copies nothing and makes the directory Dest.
	Makes bool
	// Sources are paths and patterns relative to the context, with variables replaced.
	Sources []string
	// Inline are files whose content is in the build file itself.
	Inline []Inline
	// Dest is absolute and clean; it ends with a slash if it must be a directory.
	Dest string
	// Mode is what --chmod says, nil without it.
	Mode *fs.FileMode
	// Exclude are the patterns of --exclude, relative to each source.
	Exclude []string
}

// Inline is a here-document: a file that the build file brings itself.
type Inline struct {
	Name, Content string
}

// remote is a source that would have to be fetched.
var remote = regexp.MustCompile(`^(?i:https?|ftp|git|ssh)://|^git@|^github\.com/.*\.git`)

// options are the flags of COPY and ADD.
type options struct {
	chown, chmod string
	exclude      []string
	unpack       bool
}

// noOwner are the spellings of the owner that every file of an image has.
var noOwner = []string{"", "0", "0:0", "root", "root:root", "root:0", "0:root"}

func (e *evaluation) copy(c command, s instructions.SourcesAndDest, o options) error {
	name := strings.ToUpper(c.Name())
	for _, src := range s.SourcePaths {
		if remote.MatchString(src) {
			return e.problem(c.line, "%s %s: nothing is fetched while an image is assembled; download it in init.sh (or name it in app.yaml) and COPY it", name, src)
		}
	}
	mode, err := e.chmod(c.line, o.chmod)
	if err != nil {
		return err
	}
	if !slices.Contains(noOwner, o.chown) {
		return e.problem(c.line, "%s --chown=%s: the files of a cluster image belong to 0:0, since sealos unpacks them as root; leave --chown out and set the owner in the start script", name, o.chown)
	}
	if s.DestPath == "" {
		return e.problem(c.line, "%s has an empty destination", name)
	}
	dest := e.destination(s.DestPath)
	if len(s.SourcePaths)+len(s.SourceContents) > 1 && !strings.HasSuffix(dest, "/") {
		return e.problem(c.line, "%s of several sources: the destination must be a directory and end with a slash: %s/", name, s.DestPath)
	}
	out := Copy{File: e.name, Line: c.line, Text: c.text, Unpack: o.unpack, Sources: s.SourcePaths, Dest: dest, Mode: mode, Exclude: o.exclude}
	for _, h := range s.SourceContents {
		out.Inline = append(out.Inline, Inline{Name: h.Path, Content: h.Data})
	}
	e.out.Copies = append(e.out.Copies, out)
	return nil
}

// destination makes a destination absolute and clean, with a slash at its end if it means a directory.
func (e *evaluation) destination(dest string) string {
	if !path.IsAbs(dest) {
		dest = path.Join("/", e.out.Config.WorkingDir) + "/" + dest
	}
	isDir := strings.HasSuffix(dest, "/") || strings.HasSuffix(dest, "/.") || strings.HasSuffix(dest, "/..")
	if dest = path.Clean(dest); isDir && dest != "/" {
		dest += "/"
	}
	return dest
}

func (e *evaluation) chmod(line int, word string) (*fs.FileMode, error) {
	if word == "" {
		return nil, nil
	}
	n, err := strconv.ParseUint(word, 8, 12)
	if err != nil {
		return nil, e.problem(line, "--chmod=%s: only octal numbers such as 0755 are understood", word)
	}
	mode := fs.FileMode(n) & fs.ModePerm
	return &mode, nil
}
