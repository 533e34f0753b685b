package site

import "time"

// Catalogue is what the site tells about. Everything in it is shown as it is: the order of applications is the site's, the rest is the caller's.
type Catalogue struct {
	// Registry is the registry and namespace of the images: docker.io/labring.
	Registry string `json:"registry"`
	// Repository is the address of the project that the recipes lie in; empty leaves the links to it out.
	Repository string `json:"repository,omitempty"`
	Apps       []App  `json:"apps"`
}

// App is one application, as its foremost recipe describes it.
type App struct {
	Name string `json:"name"`
	Recipe
	// Versions are those that are known by name, the newest first.
	Versions []Version `json:"versions"`
	// Others are the further recipes of the application, each for versions of its own.
	Others []Recipe `json:"others,omitempty"`
}

// Recipe is one directory of an application.
type Recipe struct {
	// Dir is latest or a version.
	Dir         string   `json:"dir"`
	Description string   `json:"description"`
	Home        string   `json:"home,omitempty"`
	Licenses    string   `json:"licenses,omitempty"`
	Categories  []string `json:"categories"`
	// Patch says that the image changes a cluster instead of adding an application to it.
	Patch bool `json:"patch,omitempty"`
	// Platforms are architectures: amd64, arm64.
	Platforms []string `json:"platforms"`
	// PlatformReason says why the others are missing.
	PlatformReason string `json:"platformReason,omitempty"`
	// Serves is the range of versions, empty for all that there are.
	Serves string `json:"serves,omitempty"`
	// Example is a version that exists; empty when none is known.
	Example      string     `json:"example,omitempty"`
	Requirements Needs      `json:"requires"`
	Variables    []Variable `json:"variables,omitempty"`
	Sources      []Source   `json:"sources,omitempty"`
	// Uninstalls says that the start command knows uninstall=true.
	Uninstalls bool `json:"uninstalls,omitempty"`
}

// Needs are what a cluster must have before the image is run.
type Needs struct {
	// Kubernetes and Sealos are ranges of versions.
	Kubernetes   string   `json:"kubernetes,omitempty"`
	Sealos       string   `json:"sealos,omitempty"`
	Tools        []string `json:"tools,omitempty"`
	StorageClass bool     `json:"storageClass,omitempty"`
}

// Variable is one that sealos run -e sets.
type Variable struct {
	Name    string `json:"name"`
	Default string `json:"default,omitempty"`
	About   string `json:"about,omitempty"`
	// Required says that there is no default, Generated that one is made at the first start.
	Required  bool `json:"required,omitempty"`
	Generated bool `json:"generated,omitempty"`
}

// Source is something that the recipe downloads.
type Source struct {
	// Kind is chart, manifest, archive, git, binary, file or images.
	Kind string `json:"kind"`
	// Text names it, From is its address, with placeholders as the recipe has them.
	Text string `json:"text"`
	From string `json:"from,omitempty"`
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
