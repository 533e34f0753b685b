package app

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// EntrypointFile is the generated start script.
const EntrypointFile = "entrypoint.sh"

// copyable is a name that COPY takes as it is.
var copyable = regexp.MustCompile("^[^-\\s$'\"\\\\`*?\\[\\]<>#][^\\s$'\"\\\\`*?\\[\\]]*$")

// notCopied are the entries of a context that the image does not hold: what only this program reads.
func notCopied() []string {
	return []string{
		File, "Kubefile", "Dockerfile", "README.md", "build_arch", "mirrors.txt", "unchecked.txt", RenderFile, ".sealignore", ".dockerignore", ".containerignore",
		"images", "registry", "init.sh", "locks",
	}
}

// ownFiles are the files at the top of a context that no source can be.
func ownFiles() []string {
	return []string{File, "Kubefile", "Dockerfile", EntrypointFile, "build_arch", "mirrors.txt", "unchecked.txt", RenderFile, ".sealignore"}
}

// kubefile is the build file for a context with these entries at its top.
func (b *builder) kubefile(entries []string) string {
	var out strings.Builder
	a := b.app
	fmt.Fprintf(&out, "# Made from %s for %s %s.\nFROM scratch\n", File, b.scope.Name, b.scope.Version)
	labels := [][2]string{{"org.opencontainers.image.description", strings.TrimSpace(a.Description)}, {"org.opencontainers.image.url", a.Home}}
	if a.Licenses != "" {
		labels = append(labels, [2]string{"org.opencontainers.image.licenses", a.Licenses})
	}
	if a.Type == "patch" {
		labels = append(labels, [2]string{"sealos.io.type", "patch"})
	}
	for _, l := range a.Labels {
		text, _ := Expand(l.Value, b.scope.Lookup) // checked: its placeholders are known
		labels = append(labels, [2]string{l.Key, text})
	}
	for i, l := range labels {
		fmt.Fprintf(&out, "%s%s=%s", []string{"LABEL ", " \\\n      "}[min(i, 1)], l[0], dockerQuote(l[1]))
	}
	out.WriteByte('\n')
	registry := len(a.Images.FetchFrom) > 0
	entries = append(slices.Clone(entries), EntrypointFile)
	slices.Sort(entries)
	for _, e := range slices.Compact(entries) {
		registry = registry || contains([]string{"charts", "manifests", "images", "registry", "etc", "scripts"}, e)
		if !contains(notCopied(), e) {
			fmt.Fprintf(&out, "COPY %s %[1]s\n", e)
		}
	}
	if registry {
		out.WriteString("COPY registry registry\n")
	}
	for _, v := range b.environment() {
		fmt.Fprintf(&out, "ENV %s=%s\n", v[0], dockerQuote(v[1]))
	}
	fmt.Fprintf(&out, "CMD [\"bash %s\"]\n", EntrypointFile)
	return out.String()
}

// environment are the variables of the image with their defaults: those of the releases, then the recipe's own.
func (b *builder) environment() [][2]string {
	var out [][2]string
	for _, s := range b.steps {
		for i, name := range s.ReleaseVariables() {
			out = append(out, [2]string{name, []string{s.Helm, s.Namespace, "./" + s.Chart, s.Options}[i]})
		}
	}
	for _, v := range b.app.Variables {
		if v.Value.Default != nil {
			out = append(out, [2]string{v.Key, v.Value.Default.Text})
		}
	}
	return out
}

// dockerQuote quotes a value so that nothing in it is expanded.
func dockerQuote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, `$`, `\$`).Replace(s) + `"`
}
