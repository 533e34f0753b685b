package plan

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/labring-actions/cluster-image/internal/catalog"
	"github.com/labring-actions/cluster-image/internal/chatops/grammar"
	"github.com/labring-actions/cluster-image/internal/reference"
)

// hostedRunner is where a build runs that asks for no machine of its own.
var hostedRunner = []string{"ubuntu-24.04"}

// The engines.
const (
	InProcess = "process"
	OnDagger  = "dagger"
)

// builders are the kinds that this program can build.
var builders = []grammar.Kind{grammar.Apps, grammar.Hosted, grammar.Configs, grammar.DockerImages}

// label is what a runner's label may be.
var label = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$`)

// Check says what is wrong with a build that came from elsewhere, such as the environment of a job.
func (b Build) Check() error {
	ref, err := reference.Parse(b.Image)
	switch {
	case err != nil:
		return fmt.Errorf("build: image %.200q: %w", b.Image, err)
	case ref.Digest != "" || !strings.HasSuffix(b.Image, ":"+ref.Tag):
		return fmt.Errorf("build: image %.200q has no tag", b.Image)
	case !slices.Contains(grammar.Kinds(), b.Kind):
		return fmt.Errorf("build: kind %.60q is not known", b.Kind)
	case b.ID != b.id():
		return fmt.Errorf("build: the id is %.200q, and should be %s", b.ID, b.id())
	case b.Engine != InProcess && b.Engine != OnDagger:
		return fmt.Errorf("build: engine %.60q is not known", b.Engine)
	case slices.ContainsFunc(b.Arguments, func(kv string) bool { return !grammar.IsArgument(kv) }):
		return fmt.Errorf("build: a build argument of %.200q can't be one", b.Arguments)
	case slices.ContainsFunc(b.Runner, func(l string) bool { return !label.MatchString(l) }):
		return fmt.Errorf("build: a label of the runner %.200q can't be one", b.Runner)
	}
	if err := catalog.CheckName(b.Name); err != nil {
		return err
	}
	for _, p := range b.Platforms {
		if p != "linux/amd64" && p != "linux/arm64" {
			return fmt.Errorf("build: platform %.60q is not known", p)
		}
	}
	return catalog.CheckVersion(b.Version)
}

func (b Build) id() string { return string(b.Kind) + "-" + b.Name + "-" + b.Version }

// ReadBuild reads one build from the environment of a job.
func ReadBuild(text string) (Build, error) {
	var b Build
	if err := decode(strings.NewReader(text), &b); err != nil {
		return Build{}, fmt.Errorf("read build: %w", err)
	}
	return b, b.Check()
}

// finish fills in what follows from the rest.
func (b Build) finish(registry string) Build {
	b.ID = b.id()
	b.Image = strings.TrimSuffix(registry, "/") + "/" + b.Name + ":" + b.Version
	b.Concurrency = b.Image
	if b.DryRun {
		b.Concurrency += " dry-run"
	}
	if b.Engine == "" {
		b.Engine = InProcess
	}
	if len(b.Runner) == 0 {
		b.Runner = hostedRunner
	}
	return b
}

// builds are the images of a command.
func (p *Planner) builds(c grammar.Command) ([]Build, *Refusal) {
	var out []Build
	switch {
	case c.Kind.Named():
		for _, v := range c.Versions {
			out = append(out, Build{Kind: c.Kind, Name: c.Name, Version: v})
		}
	default:
		name := "kubernetes"
		if c.Kind == grammar.DockerK8s {
			name = "kubernetes-docker"
		}
		for _, v := range p.kubernetes(c) {
			if c.Sealos != "" {
				v += "-" + strings.TrimPrefix(c.Sealos, "v")
			}
			out = append(out, Build{Kind: c.Kind, Name: name, Version: v})
		}
	}
	for i, b := range out {
		b.Platforms, b.Arguments, b.DryRun, b.Force = c.Platforms, c.Arguments, c.DryRun, c.Force
		switch {
		case c.Kind == grammar.Hosted:
			b.Runner = p.Policy.Hosted.Runner
			if p.Policy.Hosted.Remote {
				b.Engine = OnDagger
			}
		case c.Kind == grammar.DockerImages:
			b.Engine = OnDagger
		}
		out[i] = b.finish(p.registry(c.Kind))
	}
	return out, p.buildable(c, out)
}

func (p *Planner) kubernetes(c grammar.Command) []string {
	switch parts := p.Policy.Kubernetes.Parts; {
	case c.Kind == grammar.DockerK8s:
		return p.Policy.Kubernetes.Docker
	case c.Part == 0:
		return slices.Concat(parts...)
	case c.Part <= len(parts):
		return parts[c.Part-1]
	}
	return nil
}

// registry is where images of a kind go.
func (p *Planner) registry(k grammar.Kind) string {
	if own := p.Policy.Registries[string(k)]; own != "" {
		return own
	}
	if p.Registry != "" {
		return p.Registry
	}
	return p.Policy.Registry
}

// buildable says why a command can't be built by what there is.
func (p *Planner) buildable(c grammar.Command, builds []Build) *Refusal {
	switch {
	case len(builds) == 0:
		return &Refusal{Reason: NoRecipe, Understood: c.String(), Problem: "the policy lists no versions for this command"}
	case !slices.Contains(builders, c.Kind):
		return &Refusal{
			Reason: NoBuilder, Understood: c.String(),
			Problem: fmt.Sprintf("the builder of the kind %s is not there yet; %s would be built", c.Kind, counted(len(builds), "image")),
		}
	case c.Kind == grammar.Hosted && len(p.Policy.Hosted.Runner) == 0 && !p.Policy.Hosted.Remote:
		return &Refusal{
			Reason: NoBuilder, Understood: c.String(), Usage: strings.Replace(c.String(), "hosted", "apps", 1),
			Problem: "this repository has no machine for hosted builds yet",
		}
	case len(builds) > WaveSize*MaxWaves:
		return &Refusal{Reason: OverLimit, Understood: c.String(), Problem: fmt.Sprintf("%d images, at most %d can be built at once", len(builds), WaveSize*MaxWaves)}
	}
	if err := builds[0].Check(); err != nil {
		return &Refusal{Reason: NoBuilder, Understood: c.String(), Problem: "the policy of this repository is wrong: " + err.Error()}
	}
	return nil
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
