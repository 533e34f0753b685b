// Package app knows app.yaml, the declarative recipe: its types, how it is decoded and checked, what it stands for in one version and on one platform,
// and its JSON Schema. It reads no other file and asks no server.
package app

// File is the name of a declarative recipe in its directory.
const File = "app.yaml"

// SchemaURL is where the JSON Schema of app.yaml is published, for the comment that editors read.
const SchemaURL = "https://labring-actions.github.io/cluster-image/app.schema.json"

// App is what an app.yaml says. It is valid once [Decode] gave it.
type App struct {
	At          Lines         `yaml:"-"`
	Description string        `yaml:"description" doc:"What the application is, in one line." schema:"required"`
	Home        string        `yaml:"home" doc:"The project's site, an https URL." schema:"required"`
	Licenses    string        `yaml:"licenses" doc:"An SPDX expression, such as Apache-2.0."`
	Categories  []string      `yaml:"categories" doc:"One to three words by which people look for it." schema:"required"`
	Notes       string        `yaml:"notes" doc:"Further paragraphs for the README, in Markdown."`
	Labels      Map[string]   `yaml:"labels" doc:"Further labels of the image."`
	Type        string        `yaml:"type" doc:"A patch changes the machines before an application is installed, an application is the rest." enum:"application,patch"`
	Platforms   Platforms     `yaml:"platforms" doc:"What it can be built for; fewer than both need a reason."`
	Requires    Requires      `yaml:"requires" doc:"What must be there before it starts."`
	Version     Version       `yaml:"version" doc:"Which versions there are and how they are written." schema:"required"`
	Sources     []Source      `yaml:"sources" doc:"What is downloaded, in order."`
	Resolve     Map[Release]  `yaml:"resolve" doc:"Further versions, by the name of their placeholder: what moves and does not follow from the version."`
	Edits       []Edit        `yaml:"edits" doc:"Changes to what was downloaded, in order."`
	Images      Images        `yaml:"images" doc:"Corrections to the images found."`
	Variables   Map[Variable] `yaml:"variables" doc:"What a user may set with sealos run -e."`
	Start       []Step        `yaml:"start" doc:"How it is installed, in order; uninstall=true undoes the steps in reverse."`
	Init        string        `yaml:"init" doc:"A script of this directory that runs after the sources, as init.sh of a classic recipe does."`
	Kubefile    string        `yaml:"kubefile" doc:"A Kubefile of this directory, in place of the generated one."`
	Unchecked   []Unchecked   `yaml:"unchecked" doc:"Files that are meant to be as they are, though they look wrong."`
}

// Requires is what must be there before the application starts.
type Requires struct {
	At           Lines    `yaml:"-"`
	Kubernetes   string   `yaml:"kubernetes" doc:"The least version of Kubernetes, such as >=1.23, and perhaps the first that is too new, such as >=1.23 <1.33."`
	Sealos       string   `yaml:"sealos" doc:"The least version of sealos, likewise."`
	Tools        []string `yaml:"tools" doc:"Programs that must be on the machine; helm and kubectl go without saying."`
	StorageClass bool     `yaml:"storage-class" doc:"A default StorageClass must exist."`
}

// The ways to write a version.
const (
	VNever  = "never"
	VAlways = "always"
	VAsIs   = "as-is"
)

// Version says which versions a recipe serves and how they are written.
type Version struct {
	At        Lines    `yaml:"-"`
	V         string   `yaml:"v" doc:"Whether a version begins with v: the other spelling is understood and mapped to it. as-is takes what was asked for." enum:"never,always,as-is" schema:"required"`
	Range     string   `yaml:"range" doc:"The versions that this directory serves, as a semver range."`
	Only      []string `yaml:"only" doc:"The only versions there are."`
	Example   string   `yaml:"example" doc:"A version that exists." schema:"required"`
	TagPrefix string   `yaml:"tag-prefix" doc:"What stands before the version in the tags of its releases, such as cli/ ; other releases are none of this application's."`
	Releases  string   `yaml:"releases" doc:"Where versions are published: github:OWNER/NAME, url:https://… with one version a line, or none. Default: the index of the chart that new versions come from."`
	Moving    []string `yaml:"moving" doc:"Tags that move, beside latest, main, stable and vX.Y."`
}

// Release asks for the newest release of a project.
type Release struct {
	At     Lines  `yaml:"-"`
	GitHub string `yaml:"github" doc:"OWNER/NAME on GitHub." schema:"required"`
	Range  string `yaml:"range" doc:"A semver range that it must be in."`
	Prefix string `yaml:"prefix" doc:"What stands before the version in its tags, such as cli/ ."`
}

// Edit changes one file after the sources are there.
type Edit struct {
	At      Lines         `yaml:"-"`
	File    string        `yaml:"file" doc:"The file in the context; * and ? match more." schema:"required"`
	Select  Map[string]   `yaml:"select" doc:"Of a file with several documents: those where these paths have these values, such as kind: Deployment."`
	Set     Map[Value]    `yaml:"set" doc:"YAML path: value. [0] is an element, [+] appends one, a dot in a key is written \\. ."`
	Delete  []string      `yaml:"delete" doc:"YAML paths that are removed."`
	Replace []Replacement `yaml:"replace" doc:"Literal text that is replaced; it must be there."`
	When    string        `yaml:"when" doc:"The versions for which it is done, as a semver range."`
	Reason  string        `yaml:"reason" doc:"Why." schema:"required"`
}

// Replacement is a literal text and what takes its place.
type Replacement struct {
	At  Lines  `yaml:"-"`
	Old string `yaml:"old" doc:"The text that is there." schema:"required"`
	New string `yaml:"new" doc:"The text that takes its place."`
}

// Images corrects what discovery finds.
type Images struct {
	At        Lines     `yaml:"-"`
	Ignore    []Ignored `yaml:"ignore" doc:"Images that are found but not wanted."`
	FetchFrom []Moved   `yaml:"fetch-from" doc:"Where a project moved its images; the name in the image stays."`
}

// Ignored is an image that is found but not wanted.
type Ignored struct {
	At     Lines  `yaml:"-"`
	Image  string `yaml:"image" doc:"The image; a * at the end stands for any tag." schema:"required"`
	Reason string `yaml:"reason" doc:"Why it is not wanted." schema:"required"`
}

// Moved is a place that a project moved its images from.
type Moved struct {
	At     Lines  `yaml:"-"`
	Prefix string `yaml:"prefix" doc:"Where charts say the images are." schema:"required"`
	From   string `yaml:"from" doc:"Where they are fetched." schema:"required"`
	Reason string `yaml:"reason" doc:"Why." schema:"required"`
}

// Unchecked is a pattern of files that are not judged.
type Unchecked struct {
	At     Lines  `yaml:"-"`
	Path   string `yaml:"path" doc:"A path in the context; * and ? match more, a directory stands for all in it." schema:"required"`
	Reason string `yaml:"reason" doc:"Why it is meant so." schema:"required"`
}

// Variable is what a user may set.
type Variable struct {
	At       Lines   `yaml:"-"`
	Default  *Scalar `yaml:"default" doc:"The value when nobody gives one."`
	About    string  `yaml:"about" doc:"What it means." schema:"required"`
	Generate string  `yaml:"generate" doc:"Made at the first start and kept in a Secret: a password, which has a dash too, or a key, which has letters and digits alone." enum:"password,key"`
	Length   int     `yaml:"length" doc:"How many characters a generated value has, 12 to 64: 36 when it is not given."`
	Required bool    `yaml:"required" doc:"The application does not start without it."`
	Render   string  `yaml:"render" doc:"The value that stands in while images are looked for."`
}

// Categories are the words by which people look for an application.
func Categories() []string {
	return []string{
		"ai", "backup", "cicd", "cli", "container-runtime", "database", "developer-tools", "dns", "gateway", "gitops", "logging", "messaging", "monitoring",
		"networking", "platform", "registry", "scheduling", "security", "service-mesh", "serverless", "storage", "tracing", "virtualization", "web",
	}
}
