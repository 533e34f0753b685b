package start

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/labring-actions/cluster-image/internal/render"
)

// takesValue says whether a flag of helm upgrade, install or template is followed by its value.
func takesValue(flag string) bool {
	return slices.Contains([]string{
		"-n", "--namespace", "-f", "--values", "--set", "--set-string", "--set-file", "--set-json", "--set-literal",
		"--version", "--repo", "--timeout", "--description", "--post-renderer", "--post-renderer-args", "--history-max", "--kubeconfig",
		"--kube-context", "--username", "--password", "--ca-file", "--cert-file", "--key-file", "--keyring", "-o", "--output", "-l", "--labels",
		"--name-template", "--kube-version", "-a", "--api-versions", "--kube-apiserver", "--kube-as-user", "--kube-as-group", "--kube-ca-file",
		"--kube-token", "--kube-tls-server-name", "--registry-config", "--repository-cache", "--repository-config", "--burst-limit", "--qps",
		"--output-dir", "-s", "--show-only", "--chart-directory", "--filename", "--helm-set", "--helm-set-string", "--helm-values", "--content-cache",
	}, flag)
}

// call is a call of helm as its command line has it.
type call struct {
	positional []string
	flags      map[string][]string
}

func parse(args []string) call {
	c := call{flags: map[string][]string{}}
	for i := 0; i < len(args); i++ {
		name, value, joined := strings.Cut(args[i], "=")
		switch {
		case args[i] == "--":
			c.positional = append(c.positional, args[i+1:]...)
			return c
		case !strings.HasPrefix(args[i], "-") || args[i] == "-":
			c.positional = append(c.positional, args[i])
		case joined && strings.HasPrefix(name, "--"):
			c.flags[name] = append(c.flags[name], value)
		case takesValue(args[i]):
			if i+1 < len(args) {
				c.flags[args[i]] = append(c.flags[args[i]], args[i+1])
			}
			i++
		case len(args[i]) > 2 && takesValue(args[i][:2]) && args[i][1] != '-': // -nkube-system, -fvalues.yaml
			c.flags[args[i][:2]] = append(c.flags[args[i][:2]], strings.TrimPrefix(args[i][2:], "="))
		default:
			c.flags[args[i]] = append(c.flags[args[i]], "true")
		}
	}
	return c
}

func (c call) all(names ...string) []string {
	var out []string
	for _, n := range names {
		out = append(out, c.flags[n]...)
	}
	return out
}

func (c call) last(names ...string) string {
	all := c.all(names...)
	if len(all) == 0 {
		return ""
	}
	return all[len(all)-1]
}

// helm looks at a call of helm.
func (s *shell) helm(args []string, line int) {
	c := parse(args)
	if len(c.positional) == 0 || !slices.Contains([]string{"upgrade", "install", "template"}, c.positional[0]) {
		return
	}
	rest := c.positional[1:]
	release, chart := "", ""
	switch {
	case len(rest) >= 2:
		release, chart = rest[0], rest[1]
	case len(rest) == 1:
		chart = rest[0]
	default:
		s.warn(line, "helm %s names no chart: %s", c.positional[0], strings.Join(args, " "))
		return
	}
	if c.last("--repo") == "" {
		s.invocation(c, release, chart, line)
	}
}

// cilium looks at cilium install --chart-directory DIR, which takes helm's flags.
func (s *shell) cilium(args []string, line int) {
	c := parse(args)
	if chart := c.last("--chart-directory"); chart != "" {
		c.flags["--set"] = append(c.flags["--set"], c.flags["--helm-set"]...)
		s.invocation(c, "cilium", chart, line)
	}
}

func (s *shell) invocation(c call, release, chart string, line int) {
	if len(s.found) >= maxFound {
		s.warn(line, "more than %d calls of helm: the rest is not looked at", maxFound)
		return
	}
	i := Invocation{Where: s.where(line), File: s.file, Line: line, Chart: chart, Conditional: s.branch > 0}
	if s.file == "" {
		i.Line = 0
	}
	if p, ok := s.local(chart); ok && (s.exists(p) || strings.HasPrefix(chart, ".") || strings.HasPrefix(p, "charts/") || strings.HasPrefix(chart, home)) {
		i.Path = p
	}
	i.Values = render.Values{
		Label: i.Where, Release: release, Namespace: c.last("-n", "--namespace"), Dir: s.dir,
		Set: c.all("--set"), SetString: c.all("--set-string"), SetFile: c.all("--set-file"), SetJSON: c.all("--set-json"), SetLiteral: c.all("--set-literal"),
	}
	for _, list := range c.all("-f", "--values") {
		for name := range strings.SplitSeq(list, ",") {
			s.values(&i, name)
		}
	}
	s.found = append(s.found, i)
}

// values adds a values file: one of the context, or one that the script has written.
func (s *shell) values(i *Invocation, name string) {
	p, ok := s.local(name)
	if ok && s.exists(p) {
		i.Values.Files = append(i.Values.Files, render.File{Path: p})
		return
	}
	if !ok {
		p = path.Clean(name)
	}
	if text, wrote := s.written[p]; wrote {
		if text != "" {
			i.Values.Files = append(i.Values.Files, render.File{Text: text})
		}
		return
	}
	i.Missing = append(i.Missing, name)
}

func (s *shell) where(line int) string {
	if s.file == "" {
		return "the start command"
	}
	return fmt.Sprintf("%s:%d", s.file, line)
}
