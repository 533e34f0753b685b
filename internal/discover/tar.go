package discover

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/labring-actions/cluster-image/internal/reference"
)

// TarList lists images that the context brings as archives.
const TarList = "images/skopeo/tar.txt"

// tars reads images/skopeo/tar.txt.
func (s *search) tars() {
	if _, err := s.root.Stat(TarList); errors.Is(err, fs.ErrNotExist) {
		return
	}
	text, ok := s.read(TarList)
	if !ok {
		return
	}
	n := 0
	for line := range strings.Lines(text) {
		n++
		t, err := tarLine(shimLine(line))
		if err == nil && t.Kind != "" {
			_, err = s.root.Stat(t.File)
			if errors.Is(err, fs.ErrNotExist) {
				err = fmt.Errorf("%s does not exist: the file is looked for in %s", t.File, path.Dir(TarList))
			}
		}
		switch t.Line = n; {
		case err != nil:
			s.fail(&Problem{File: TarList, Line: n, Err: err})
		case t.Kind != "":
			s.tarList = append(s.tarList, t)
		}
	}
}

// tarLine reads a line of images/skopeo/tar.txt, where files are beside it. An empty line is an empty Tar.
func tarLine(line string) (Tar, error) {
	if line == "" {
		return Tar{}, nil
	}
	t, err := ParseTar(line)
	if err != nil {
		return Tar{}, err
	}
	full := path.Join(path.Dir(TarList), t.File)
	if path.IsAbs(t.File) || strings.HasPrefix(full, "..") {
		return Tar{}, fmt.Errorf("%q: the file has to be in the build context", t.File)
	}
	t.File = full
	return t, nil
}

// ParseTar reads docker-archive:FILE@REPOSITORY:TAG or oci-archive:FILE@REPOSITORY:TAG. The file is as it is written there.
func ParseTar(s string) (Tar, error) {
	kind, rest, _ := strings.Cut(s, ":")
	file, name, ok := strings.Cut(rest, "@")
	if kind != "docker-archive" && kind != "oci-archive" || !ok || file == "" || name == "" {
		return Tar{}, fmt.Errorf("%q: want docker-archive:FILE@REPOSITORY:TAG or oci-archive:FILE@REPOSITORY:TAG", s)
	}
	ref, err := tarRef(name)
	return Tar{Kind: kind, File: file, Ref: ref}, err
}

// tarRef is the name as it stands there: nothing is put before a repository without a host.
func tarRef(name string) (reference.Reference, error) {
	ref, err := reference.Parse(name)
	if err != nil {
		return ref, err
	}
	if !strings.HasPrefix(name, ref.Host+"/") {
		ref.Host = ""
		if !strings.HasPrefix(name, "library/") {
			ref.Path = strings.TrimPrefix(ref.Path, "library/")
		}
	}
	return ref, nil
}
