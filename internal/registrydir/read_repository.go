package registrydir

import (
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// scanRepositories takes in the repositories below path. Name is the path without the directory of all repositories, so empty at first.
func (s *scanner) scanRepositories(name, path string) {
	if len(name) > maxName {
		s.fail(path, "is deeper than a repository can be")
		return
	}
	for _, entry := range s.dirs(path) {
		at := path + "/" + entry
		switch {
		case !strings.HasPrefix(entry, "_"):
			s.scanRepositories(strings.TrimPrefix(name+"/"+entry, "/"), at)
		case entry == uploadsDir:
		case (entry == layersDir || entry == manifestsDir) && s.nameIsRight(name, path):
			s.scanPart(name, entry, at)
		case entry != layersDir && entry != manifestsDir:
			s.fail(at, notOurs)
		}
	}
}

func (s *scanner) nameIsRight(name, path string) bool {
	if err := checkName(name); err != nil {
		s.fail(path, "%s", err)
		return false
	}
	return true
}

func (s *scanner) scanPart(name, part, path string) {
	if part == layersDir {
		for _, h := range s.links(path) {
			s.dir.repo(name).layers.add(h)
		}
		return
	}
	for _, entry := range s.dirs(path) {
		switch entry {
		case "revisions":
			for _, h := range s.links(path + "/" + entry) {
				s.dir.repo(name).revisions.add(h)
			}
		case "tags":
		default:
			s.fail(path+"/"+entry, notOurs)
		}
	}
	for _, tagName := range s.dirs(path + "/tags") {
		s.scanTag(name, tagName, path+"/tags/"+tagName)
	}
}

// links reads the links below algorithm/hex, each of which says the digest of its own path.
func (s *scanner) links(path string) []v1.Hash {
	var all []v1.Hash
	s.digestDirs(path, func(at, algorithm, hex string) {
		if _, ok := s.file(at, "link"); !ok {
			return
		}
		h, ok := s.readLink(at + "/link")
		switch {
		case !ok:
		case h.Algorithm != algorithm || h.Hex != hex:
			s.fail(at+"/link", "holds %s, which is not the digest of its path", h)
		default:
			all = append(all, h)
		}
	})
	return all
}

func (s *scanner) scanTag(name, tagName, path string) {
	if err := checkTag(tagName); err != nil {
		s.fail(path, "%s", err)
		return
	}
	t := tag{index: hashes{}, by: "the registry directory"}
	repo := s.dir.repo(name)
	for _, entry := range s.dirs(path) {
		if entry != "current" && entry != "index" {
			s.fail(path+"/"+entry, notOurs)
		}
	}
	for _, h := range s.links(path + "/index") {
		if repo.revisions.has(h) {
			t.index.add(h)
		}
	}
	if s.scanCurrent(repo, &t, path+"/current") {
		repo.tags[tagName] = &t
	}
}

func (s *scanner) scanCurrent(repo *repository, t *tag, path string) (ok bool) {
	if _, ok := s.file(path, "link"); !ok {
		s.fail(path+"/link", "is missing: the tag means nothing, save the images again")
		return false
	}
	if t.current, ok = s.readLink(path + "/link"); !ok {
		return false
	}
	if !repo.revisions.has(t.current) {
		s.fail(path+"/link", "leads to %s, which is not among the repository's revisions: save the images again", t.current)
		return false
	}
	t.index.add(t.current)
	return true
}
