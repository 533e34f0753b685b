package registrydir

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

const (
	// maxFiles bounds what is looked at in a foreign directory.
	maxFiles = 5_000_000
	// maxLink is longer than any digest.
	maxLink = 256
)

// What many files can have wrong.
const (
	symlink = "is a symbolic link, which could lead anywhere: put the file itself there"
	notOurs = "does not belong in a registry directory: remove it"
)

// emptyHex is the SHA-256 of no bytes.
const emptyHex = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

// Read takes in the registry directory at path. Its blobs stay there and are read when they are asked for.
//
// What no image can reach (blobs that nothing links, uploads that were broken off) is left out. A symbolic link, a file that does not belong to the
// layout, a link that is broken or leads nowhere, and a tag without its manifest are defects: all are listed in one [*DefectsError] with their
// files. A directory without docker/registry/v2 is [ErrNotRegistry].
func Read(path string) (*Dir, error) {
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, fmt.Errorf("read registry directory: %w", err)
	}
	defer root.Close()
	d, err := read(root.FS(), openIn(path))
	if err != nil {
		return nil, fmt.Errorf("read registry directory %s: %w", path, err)
	}
	return d, nil
}

// ReadFS is [Read] for a file system whose root is the registry directory.
func ReadFS(fsys fs.FS) (*Dir, error) {
	d, err := read(fsys, fsys.Open)
	if err != nil {
		return nil, fmt.Errorf("read registry directory: %w", err)
	}
	return d, nil
}

func read(fsys fs.FS, open opener) (*Dir, error) {
	if err := checkRoot(fsys); err != nil {
		return nil, err
	}
	s := scanner{fsys: fsys, dir: newDir(), found: map[v1.Hash]int64{}}
	s.scanTop()
	s.keepLinked(open)
	return s.dir, s.defects.err()
}

// checkRoot goes down to Root without following a symbolic link.
func checkRoot(fsys fs.FS) error {
	for _, dir := range []string{"docker", "docker/registry", Root} {
		info, err := fs.Lstat(fsys, dir)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return fmt.Errorf("%w: %s does not exist", ErrNotRegistry, dir)
		case err != nil:
			return err
		case info.Mode()&fs.ModeSymlink != 0:
			return fmt.Errorf("%s "+symlink, dir)
		case !info.IsDir():
			return fmt.Errorf("%w: %s is not a directory", ErrNotRegistry, dir)
		}
	}
	return nil
}

// scanner takes in a directory, defect by defect. Its paths are relative to Root.
type scanner struct {
	fsys    fs.FS
	dir     *Dir
	found   map[v1.Hash]int64
	files   int
	defects defects
}

func (s *scanner) fail(path, format string, args ...any) {
	s.defects.add(Root+"/"+path, format, args...)
}

// list is what a directory holds; a directory that is not there holds nothing.
func (s *scanner) list(path string) []fs.DirEntry {
	entries, err := fs.ReadDir(s.fsys, strings.TrimSuffix(Root+"/"+path, "/"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.fail(path, "%s", cause(err))
	}
	if s.files += len(entries); s.files > maxFiles {
		s.fail(path, "more than %d files: nothing after this directory was read", maxFiles)
		return nil
	}
	return entries
}

// cause leaves out the path that an error of the file system repeats.
func cause(err error) error {
	var at *fs.PathError
	if errors.As(err, &at) {
		return at.Err
	}
	return err
}

// dirs is the directories in a directory where nothing else may be.
func (s *scanner) dirs(path string) []string {
	var names []string
	for _, e := range s.list(path) {
		if s.isDir(path+"/"+e.Name(), e) {
			names = append(names, e.Name())
		}
	}
	return names
}

func (s *scanner) isDir(path string, e fs.DirEntry) bool {
	switch {
	case e.Type()&fs.ModeSymlink != 0:
		s.fail(path, symlink)
	case !e.IsDir():
		s.fail(path, notOurs)
	default:
		return true
	}
	return false
}

// file is the only file of a directory, which has the name that the layout gives it. A directory without it is an empty one.
func (s *scanner) file(path, name string) (fs.DirEntry, bool) {
	var found fs.DirEntry
	for _, e := range s.list(path) {
		switch {
		case e.Type()&fs.ModeSymlink != 0:
			s.fail(path+"/"+e.Name(), symlink)
		case e.Name() != name || !e.Type().IsRegular():
			s.fail(path+"/"+e.Name(), notOurs)
		default:
			found = e
		}
	}
	return found, found != nil
}

func (s *scanner) scanTop() {
	for _, e := range s.list("") {
		switch name := e.Name(); {
		case name == partialDir:
		case name == blobsDir && s.isDir(name, e):
			s.scanBlobs()
		case name == repositoriesDir && s.isDir(name, e):
			s.scanRepositories("", repositoriesDir)
		case name != blobsDir && name != repositoriesDir:
			s.fail(name, notOurs)
		}
	}
}

func (s *scanner) scanBlobs() {
	s.digestDirs(blobsDir, func(path, algorithm, shard string) {
		for _, hex := range s.dirs(path) {
			at := path + "/" + hex
			h, err := v1.NewHash(algorithm + ":" + hex)
			if err != nil || !strings.HasPrefix(hex, shard) {
				s.fail(at, "is not the directory of a digest")
				continue
			}
			s.scanBlob(at, h)
		}
	})
}

func (s *scanner) scanBlob(path string, h v1.Hash) {
	e, ok := s.file(path, "data")
	if !ok {
		return
	}
	info, err := e.Info()
	switch {
	case err != nil:
		s.fail(path+"/data", "%s", cause(err))
	case info.Size() == 0 && h.Algorithm == "sha256" && h.Hex != emptyHex:
		s.fail(path+"/data", "is empty: remove it and save the images again")
	default:
		s.found[h] = info.Size()
	}
}

// digestDirs calls visit for every directory two levels below: an algorithm's.
func (s *scanner) digestDirs(path string, visit func(path, algorithm, name string)) {
	for _, algorithm := range s.dirs(path) {
		for _, name := range s.dirs(path + "/" + algorithm) {
			visit(path+"/"+algorithm+"/"+name, algorithm, name)
		}
	}
}

// readLink reads a link file.
func (s *scanner) readLink(path string) (v1.Hash, bool) {
	f, err := s.fsys.Open(Root + "/" + path)
	if err != nil {
		s.fail(path, "%s", cause(err))
		return v1.Hash{}, false
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxLink))
	if err != nil {
		s.fail(path, "%s", cause(err))
		return v1.Hash{}, false
	}
	h, err := v1.NewHash(string(text))
	if err != nil {
		s.fail(path, "holds %.100q, not a digest", text)
		return v1.Hash{}, false
	}
	return h, true
}

// keepLinked takes the blobs that a repository links, and reports those that are not there.
func (s *scanner) keepLinked(open opener) {
	for name, repo := range s.dir.repos {
		for l := range repo.contentLinks(name) {
			size, ok := s.found[l.to]
			if !ok {
				s.fail(blobPath(l.to), "is missing, but %s/%s links it: save the images again", Root, l.path)
				continue
			}
			s.dir.blobs[l.to] = blob{size: size, from: open}
		}
	}
	s.dir.spare = len(s.found) - len(s.dir.blobs)
}
