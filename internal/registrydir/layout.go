package registrydir

import (
	"cmp"
	"fmt"
	"regexp"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Root is where the distribution registry's filesystem driver keeps everything, below the registry directory.
const Root = "docker/registry/v2"

const (
	blobsDir        = "blobs"
	repositoriesDir = "repositories"
	layersDir       = "_layers"
	manifestsDir    = "_manifests"
	uploadsDir      = "_uploads"
	// partialDir holds what a running Write has not finished. It is never part of a registry directory.
	partialDir = ".cluster-image-partial"
)

// maxName is the longest repository path that the distribution registry takes.
const maxName = 255

var (
	namePattern = regexp.MustCompile(`^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$`)
	tagPattern  = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$`)
)

func checkName(name string) error {
	if len(name) > maxName || !namePattern.MatchString(name) {
		return fmt.Errorf("%q is not a repository path (lower-case letters, digits and single separators, at most %d characters)", name, maxName)
	}
	return nil
}

func checkTag(tag string) error {
	if !tagPattern.MatchString(tag) {
		return fmt.Errorf("%q is not a tag (letters, digits, underscores, periods and dashes, at most 128 characters)", tag)
	}
	return nil
}

// checkHash refuses a digest that could not be a file name, as one that was not parsed but put together could be.
func checkHash(h v1.Hash) error {
	if _, err := v1.NewHash(h.String()); err != nil {
		return fmt.Errorf("%q is not a digest", h.String())
	}
	return nil
}

// The paths are relative to Root.

func blobPath(h v1.Hash) string {
	return blobsDir + "/" + h.Algorithm + "/" + h.Hex[:2] + "/" + h.Hex + "/data"
}

func layerLink(name string, h v1.Hash) string {
	return repositoriesDir + "/" + name + "/" + layersDir + "/" + h.Algorithm + "/" + h.Hex + "/link"
}

func revisionLink(name string, h v1.Hash) string {
	return repositoriesDir + "/" + name + "/" + manifestsDir + "/revisions/" + h.Algorithm + "/" + h.Hex + "/link"
}

func tagDir(name, tag string) string {
	return repositoriesDir + "/" + name + "/" + manifestsDir + "/tags/" + tag
}

func currentLink(name, tag string) string {
	return tagDir(name, tag) + "/current/link"
}

func indexLink(name, tag string, h v1.Hash) string {
	return tagDir(name, tag) + "/index/" + h.Algorithm + "/" + h.Hex + "/link"
}

// compareHashes is the order of the paths that the digests become.
func compareHashes(a, b v1.Hash) int {
	return cmp.Or(strings.Compare(a.Algorithm, b.Algorithm), strings.Compare(a.Hex, b.Hex))
}

// compareNames is the order of the paths of all files of two repositories: every one of them goes on with "/_".
func compareNames(a, b string) int {
	return strings.Compare(a+"/_", b+"/_")
}

// compareTags is the order of the paths of all files of two tags.
func compareTags(a, b string) int {
	return strings.Compare(a+"/", b+"/")
}
