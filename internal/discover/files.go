package discover

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
)

// maxFile is the largest file that is read, in bytes.
const maxFile = 64 << 20

// each calls f for every regular file under dir, links to files among them. A directory that is not there has none.
func (s *search) each(dir string, f func(name string)) {
	err := fs.WalkDir(s.root.FS(), dir, func(name string, e fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist) && name == dir:
			return fs.SkipAll
		case err != nil:
			return err
		case e.Type()&fs.ModeSymlink != 0:
			s.link(name, f)
		case e.Type().IsRegular():
			f(name)
		}
		return nil
	})
	if err != nil {
		s.fail(&Problem{File: dir, Err: fmt.Errorf("list the files: %w", err)})
	}
}

func (s *search) link(name string, f func(string)) {
	info, err := s.root.Stat(name)
	switch {
	case err != nil && strings.Contains(err.Error(), "escapes"):
		s.fail(&Problem{File: name, Err: errors.New("it is a link that leads out of the build context: copy the file there")})
	case err != nil:
		s.fail(&Problem{File: name, Err: fmt.Errorf("follow the link: %w", err)})
	case info.IsDir():
		s.warn(name, 0, "the link to a directory is not followed")
	case info.Mode().IsRegular():
		f(name)
	}
}

// read reads a file of the context. What cannot be read is a problem.
func (s *search) read(name string) (string, bool) {
	b, err := s.readAll(name)
	if err != nil {
		s.fail(&Problem{File: name, Err: err})
	}
	return string(b), err == nil
}

func (s *search) readAll(name string) ([]byte, error) {
	f, err := s.root.Open(name)
	if err != nil {
		return nil, fmt.Errorf("open the file: %w", errors.Unwrap(err))
	}
	defer func() { _ = f.Close() }()
	b, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read the file: %w", err)
	case len(b) > maxFile:
		return nil, fmt.Errorf("it is larger than %d MiB", maxFile>>20)
	}
	return b, nil
}
