package site

import (
	"time"

	"github.com/labring-actions/cluster-image/internal/profile"
)

// Catalogue is what the site tells about. Everything in it is shown as it is: the order of applications is the site's, the rest is the caller's.
type Catalogue struct {
	// Registry is the registry and namespace of the images: docker.io/labring.
	Registry string `json:"registry"`
	// Repository is the address of the project that the recipes lie in; empty leaves the links to it out.
	Repository string `json:"repository,omitempty"`
	Apps       []App  `json:"apps"`
	// Schema says that the site has the schema of app.yaml, as [SchemaFile].
	Schema bool `json:"-"`
}

// SchemaFile is where the schema of app.yaml lies in the site.
const SchemaFile = "app.schema.json"

// App is one application, as its foremost recipe describes it.
type App struct {
	Name string `json:"name"`
	profile.Profile
	// Versions are those that are known by name, the newest first.
	Versions []Version `json:"versions"`
	// Others are the further recipes of the application, each for versions of its own.
	Others []profile.Profile `json:"others,omitempty"`
}

// Version is one version of an application.
type Version struct {
	Name string `json:"name"`
	// Locked says that what the image holds is recorded.
	Locked bool `json:"locked"`
	// Images are what the image holds, sorted.
	Images []Image `json:"images,omitempty"`
	// Sizes are the bytes of all of it by platform.
	Sizes map[string]int64 `json:"sizes,omitempty"`
	// Build is the last one, nil when none is recorded.
	Build *Build `json:"build,omitempty"`
}

// Image is a container image inside a cluster image.
type Image struct {
	Ref    string `json:"ref"`
	Digest string `json:"digest,omitempty"`
	// Sizes are the compressed bytes by platform.
	Sizes map[string]int64 `json:"sizes,omitempty"`
}

// Build is how a version was built the last time.
type Build struct {
	Time   time.Time `json:"time"`
	Digest string    `json:"digest,omitempty"`
	// URL is the run's page.
	URL string `json:"url,omitempty"`
}
