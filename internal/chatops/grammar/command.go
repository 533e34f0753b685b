// Package grammar reads what people ask for: the first line of a comment or an issue, or the form of an issue. A text either is a command, is meant as
// one and gets an answer that says what is wrong ([Miss]), or is none ([ErrNone]). Nothing is guessed and nothing is repaired.
package grammar

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/labring-actions/cluster-image/internal/recipe"
)

// Kind is what a command asks for.
type Kind string

// The kinds. Apps, DockerImages, Configs and Hosted name a recipe; K8s and DockerK8s stand for many Kubernetes versions at once.
const (
	Apps         Kind = "apps"
	DockerImages Kind = "dockerimages"
	Configs      Kind = "configs"
	Hosted       Kind = "hosted"
	K8s          Kind = "k8s"
	DockerK8s    Kind = "docker_k8s"
	Help         Kind = "help"
	Cancel       Kind = "cancel"
)

// Kinds are those that build something.
func Kinds() []Kind { return []Kind{Apps, DockerImages, Configs, Hosted, K8s, DockerK8s} }

// Recipes is the catalogue that a command of the kind takes recipes from; empty when it names none.
func (k Kind) Recipes() recipe.Kind {
	return map[Kind]recipe.Kind{Apps: recipe.Application, Hosted: recipe.Application, DockerImages: recipe.DockerImage, Configs: recipe.Config}[k]
}

// HoldsImages says whether an image of the kind brings along the container images that it needs.
func (k Kind) HoldsImages() bool { return k != DockerImages && k != Configs }

// Named says whether a command of the kind names a recipe.
func (k Kind) Named() bool { return k.Recipes() != "" }

// Command is one request. Its text is the one way to write it.
type Command struct {
	Kind Kind `json:"kind"`
	// Part is 1, 2 or 3 for one part of the Kubernetes versions, 0 for all.
	Part int `json:"part,omitempty"`
	// Name and Versions say which images; a kind without a recipe has none.
	Name     string   `json:"name,omitempty"`
	Versions []string `json:"versions,omitempty"`
	// Sealos is the sealos version that Kubernetes images are made for; empty is the newest.
	Sealos string `json:"sealos,omitempty"`
	// Arguments are the build arguments of a docker image, KEY=VALUE in the order given.
	Arguments []string `json:"arguments,omitempty"`
	// Platforms are written as linux/amd64; none means those of the recipe.
	Platforms []string `json:"platforms,omitempty"`
	DryRun    bool     `json:"dryRun,omitempty"`
	Force     bool     `json:"force,omitempty"`
}

// String is the command as it is written: read again it gives the same command.
func (c Command) String() string {
	words := append([]string{c.word()}, nonEmpty(c.Name)...)
	words = append(append(words, c.Versions...), nonEmpty(c.Sealos, strings.Join(c.Arguments, ","))...)
	for _, p := range c.Platforms {
		words = append(words, platformFlag, p)
	}
	if c.DryRun {
		words = append(words, dryRunFlag)
	}
	if c.Force {
		words = append(words, forceFlag)
	}
	return strings.Join(words, " ")
}

// Hash tells one request from another, whoever writes it and wherever: the SHA-256 of its text in hexadecimal.
func (c Command) Hash() string {
	sum := sha256.Sum256([]byte(c.String()))
	return hex.EncodeToString(sum[:])
}

// word is what the command begins with.
func (c Command) word() string {
	for _, f := range forms {
		if f.kind == c.Kind && f.part == c.Part {
			return f.word
		}
	}
	return "/imagebuild_" + string(c.Kind)
}

func nonEmpty(words ...string) []string {
	return slices.DeleteFunc(words, func(s string) bool { return s == "" })
}

// Flags that may follow, in any order.
const (
	platformFlag = "--platform"
	dryRunFlag   = "--dry-run"
	forceFlag    = "--force"
)

// platforms are the values of [platformFlag].
var platforms = []string{"linux/amd64", "linux/arm64"}

// form is one command as help lists it.
type form struct {
	word     string
	kind     Kind
	part     int
	operands string
	example  string
	about    string
}

// forms are all commands there are.
var forms = []form{
	{"/imagebuild_apps", Apps, 0, "NAME VERSION...", "nginx 1.29.1", "the cluster image of an application; several versions make a batch"},
	{"/imagebuild_dockerimages", DockerImages, 0, "NAME VERSION [KEY=VALUE,...]", "curl-kubectl v1.31.4", "a container image, with build arguments"},
	{"/imagebuild_configs", Configs, 0, "NAME VERSION", "coredns-replicas v0.0.1", "an image of configuration"},
	{"/imagebuild_hosted", Hosted, 0, "NAME VERSION", "nginx 1.29.1", "as apps, on the project's own machine, for images that are too large elsewhere"},
	{"/imagebuild_k8s", K8s, 0, "[SEALOS-VERSION]", "v5.0.1", "Kubernetes with containerd, all versions"},
	{"/single_imagebuild_k8s_part1", K8s, 1, "[SEALOS-VERSION]", "v5.0.1", "the first part of them"},
	{"/single_imagebuild_k8s_part2", K8s, 2, "[SEALOS-VERSION]", "v5.0.1", "the second part"},
	{"/single_imagebuild_k8s_part3", K8s, 3, "[SEALOS-VERSION]", "v5.0.1", "the third part"},
	{"/imagebuild_docker_k8s", DockerK8s, 0, "[SEALOS-VERSION]", "v5.0.1", "Kubernetes with docker"},
	{"/imagebuild_cancel", Cancel, 0, "", "", "end the builds of this issue that are under way"},
	{"/imagebuild_help", Help, 0, "", "", "this list"},
}

// Form is a command in the list of all.
type Form struct{ Usage, Example, About string }

// Forms are all commands, in the order in which help lists them.
func Forms() []Form {
	var out []Form
	for _, f := range forms {
		out = append(out, Form{f.usage(), f.sample(), f.about})
	}
	return out
}

func (f form) usage() string  { return strings.TrimSpace(f.word + " " + f.operands) }
func (f form) sample() string { return strings.TrimSpace(f.word + " " + f.example) }
