// Package policy says who may ask for what. It is a file in the repository, read from the default branch, and asks GitHub at run time what somebody is.
package policy

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/labring-actions/cluster-image/internal/catalog"
	"github.com/labring-actions/cluster-image/internal/chatops/grammar"
	"github.com/labring-actions/cluster-image/internal/reference"
)

// maxFile bounds the file, in bytes.
const maxFile = 256 << 10

// Powers are what can be allowed: every kind of build, and what changes how one goes.
const (
	Force    = "force"
	Platform = "platform"
	DryRun   = "dry-run"
	Cancel   = "cancel"
)

// Policy is the file.
type Policy struct {
	// Version is 1.
	Version int `yaml:"version"`
	// Registry is where images go: their names follow, registry/namespace/NAME:VERSION. The environment may name another.
	Registry string `yaml:"registry"`
	// Registries are those of kinds whose images go elsewhere: a container image and an application may have one name.
	Registries map[string]string `yaml:"registries"`
	// Bot is the account, by its id, that answers. Only what it wrote is believed.
	Bot int64 `yaml:"bot"`
	// Bots are further accounts of the type Bot, by id, whose commands are read.
	Bots []int64 `yaml:"bots"`
	// Label is the label that accepts a request.
	Label Label `yaml:"label"`
	// Allow has for each power those who have it.
	Allow map[string][]Who `yaml:"allow"`
	// Owners have for each application those who own it, whom the word owners stands for.
	Owners map[string][]Who `yaml:"owners"`
	Limits Limits           `yaml:"limits"`
	Hosted Hosted           `yaml:"hosted"`
	// Kubernetes has the versions of each part.
	Kubernetes Kubernetes `yaml:"kubernetes"`
}

// Label says which label accepts a request, and which permission whoever puts it on must have.
type Label struct {
	Name       string `yaml:"name"`
	Permission Who    `yaml:"permission"`
}

// Limits bound what those without write permission may ask for, and what anyone may in one command.
type Limits struct {
	// Builds of one user in 24 hours.
	Builds int `yaml:"builds"`
	// Versions in one command.
	Versions int `yaml:"versions"`
	// Refusals that one user gets an answer to in 24 hours.
	Refusals int `yaml:"refusals"`
}

// Hosted says where the builds of the kind hosted run: on the runner with all of these labels, or on the remote engine that the workflow knows.
type Hosted struct {
	Runner []string `yaml:"runner"`
	Remote bool     `yaml:"remote"`
}

// Kubernetes are the versions that the Kubernetes commands stand for: the parts one after another, and those with docker.
type Kubernetes struct {
	Parts  [][]string `yaml:"parts"`
	Docker []string   `yaml:"docker"`
}

// ReadFile reads and checks the file.
func ReadFile(name string) (Policy, error) {
	f, err := os.Open(name)
	if err != nil {
		return Policy{}, fmt.Errorf("read policy: %w", err)
	}
	defer f.Close()
	p, err := Read(f)
	if err != nil {
		return Policy{}, fmt.Errorf("policy %s: %w", name, err)
	}
	return p, nil
}

// Read reads and checks a policy. A field that is not known, and a word that means nothing, is an error: a slip must not open a door.
func Read(r io.Reader) (Policy, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err != nil {
		return Policy{}, err
	}
	if len(b) > maxFile {
		return Policy{}, fmt.Errorf("it is larger than %d bytes", maxFile)
	}
	p := Policy{
		Label:  Label{Name: "accepted", Permission: "write"},
		Limits: Limits{Builds: 20, Versions: 10, Refusals: 5},
	}
	d := yaml.NewDecoder(bytes.NewReader(b))
	d.KnownFields(true)
	if err := d.Decode(&p); err != nil {
		return Policy{}, err
	}
	if err := d.Decode(new(any)); !errors.Is(err, io.EOF) {
		return Policy{}, errors.New("it has more than one document")
	}
	return p, p.check()
}

func (p Policy) check() error {
	switch {
	case p.Version != 1:
		return fmt.Errorf("version %d is not known; this is version 1", p.Version)
	case p.Bot <= 0:
		return errors.New("bot: the id of the account that answers is missing")
	case p.Label.Name == "":
		return errors.New("label: it has no name")
	case p.Limits.Builds < 0 || p.Limits.Versions < 1 || p.Limits.Refusals < 0:
		return errors.New("limits: builds and refusals are 0 or more, versions 1 or more")
	case p.Label.Permission.level() < read:
		return fmt.Errorf("label: permission %q is none of read, write, admin", p.Label.Permission)
	}
	return errors.Join(p.checkRegistries(), p.checkAllow(), p.checkOwners(), p.Kubernetes.check())
}

// powers are all that can be allowed.
func powers() []string {
	all := []string{Force, Platform, DryRun, Cancel}
	for _, k := range grammar.Kinds() {
		all = append(all, string(k))
	}
	return all
}

func (p Policy) checkRegistries() error {
	for kind, registry := range p.Registries {
		if !slices.Contains(grammar.Kinds(), grammar.Kind(kind)) {
			return fmt.Errorf("registries: there is no kind %q", kind)
		}
		if _, err := reference.Parse(registry + "/name:version"); err != nil {
			return fmt.Errorf("registries: %s: %w", kind, err)
		}
	}
	return nil
}

func (p Policy) checkAllow() error {
	for power, whos := range p.Allow {
		if !slices.Contains(powers(), power) {
			return fmt.Errorf("allow: there is no power %q", power)
		}
		for _, w := range whos {
			if err := w.check(); err != nil {
				return fmt.Errorf("allow: %s: %w", power, err)
			}
		}
	}
	return nil
}

func (p Policy) checkOwners() error {
	for app, whos := range p.Owners {
		if err := catalog.CheckName(app); err != nil {
			return fmt.Errorf("owners: %w", err)
		}
		for _, w := range whos {
			if err := w.check(); err != nil || w == Owners || w == Accepted || w == Anyone {
				return fmt.Errorf("owners: %s: %q: want id:NUMBER, team:ORG/TEAM or a permission", app, w)
			}
		}
	}
	return nil
}

func (k Kubernetes) check() error {
	for _, list := range append(slices.Clone(k.Parts), k.Docker) {
		for _, v := range list {
			if err := catalog.CheckVersion(v); err != nil {
				return fmt.Errorf("kubernetes: %w", err)
			}
		}
	}
	return nil
}
