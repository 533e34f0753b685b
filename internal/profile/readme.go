package profile

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"text/template"
)

//go:embed readme.md.tmpl
var readmeTemplate string

// Readme writes the README of an application from the profiles of its recipes, the foremost first. The registry with
// its namespace is where the images are.
func Readme(name, registry string, profiles []Profile) (string, error) {
	t, err := template.New("readme").Funcs(readmeFunctions()).Parse(readmeTemplate)
	if err != nil {
		return "", fmt.Errorf("read template: %w", err)
	}
	main := profiles[0]
	image := fmt.Sprintf("sealos run %s/%s:%s", registry, name, main.Example)
	var out strings.Builder
	err = t.Execute(&out, map[string]any{
		"Name": name, "Main": main, "Profiles": profiles, "Description": main.Description, "Notes": main.Notes,
		"Run": image + demanded(main), "Uninstall": image + " -e uninstall=true", "Example": example(image, main), "Tables": tables(profiles),
		"Path": "applications/" + name + "/" + main.Dir,
	})
	if err != nil {
		return "", fmt.Errorf("write README of %s: %w", name, err)
	}
	return out.String(), nil
}

func readmeFunctions() template.FuncMap {
	return template.FuncMap{
		"sentence": sentence, "versions": versions, "needs": list, "code": code, "cell": cell, "initial": initial, "platforms": platforms, "source": sourceLine, "replaced": replaced,
	}
}

// table is the variables of one recipe; About says of which, when there are several.
type table struct {
	About     string
	Variables []Variable
}

// tables are those of the foremost recipe, and of others where they have other variables.
func tables(profiles []Profile) []table {
	out := []table{{Variables: profiles[0].Variables}}
	for _, p := range profiles[1:] {
		if !slices.Equal(p.Variables, profiles[0].Variables) {
			out = append(out, table{fmt.Sprintf("Of the recipe %s:", code(p.Dir)), p.Variables})
		}
	}
	return out
}

// demanded are the options without which it does not start.
func demanded(p Profile) string {
	var out strings.Builder
	for _, v := range p.Variables {
		if v.Required {
			out.WriteString(" -e " + v.Name + "=VALUE")
		}
	}
	return out.String()
}

// example shows how a variable is set: the first of the recipe's own that may be, or else the namespace.
func example(run string, p Profile) string {
	for _, v := range p.Variables {
		switch usual, _ := releaseVariable(v.Name); {
		case usual == "NAMESPACE":
			return run + demanded(p) + " -e " + v.Name + "=" + v.Default
		case usual == "" && v.Default != "":
			return run + demanded(p) + " -e " + v.Name + "=" + shellWord(v.Default)
		}
	}
	return ""
}

// replaced says of the options of helm that a value takes the place of the default, where there is one.
func replaced(p Profile) string {
	for _, v := range p.Variables {
		if usual, _ := releaseVariable(v.Name); usual == "HELM_OPTS" && v.Default != "" {
			return fmt.Sprintf("A value of %s takes the place of the default: repeat what is still wanted.", code(v.Name))
		}
	}
	return ""
}

func shellWord(s string) string {
	if strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@%+=:,./_-") == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

func sentence(s string) string {
	if strings.HasSuffix(s, ".") {
		return s
	}
	return s + "."
}

// versions says which versions a recipe serves, and how they are written.
func versions(name string, p Profile, recipes int) string {
	var which string
	switch {
	case p.Serves == "":
		which = "Any version that its project publishes"
	case strings.ContainsAny(p.Serves, "<>=~^* "):
		which = "Versions " + code(p.Serves)
	default:
		which = "Version " + p.Serves
	}
	if recipes > 1 {
		which = "- " + code(p.Dir) + ": " + strings.ToLower(which[:1]) + which[1:]
	}
	if p.Example != "" && p.Example != p.Serves {
		which += ", for example " + p.Example
	}
	switch p.Spelling {
	case "always":
		which += ". Written with a `v`; without it is understood too"
	case "never":
		which += ". Written without a `v`; with it is understood too"
	}
	return which + "."
}

// list is what a cluster must have, a line each.
func list(p Profile) []string {
	n := p.Requirements
	out := []string{strings.TrimSpace("a Kubernetes cluster that sealos installed " + constraint("Kubernetes", n.Kubernetes) + constraint("sealos", n.Sealos))}
	for _, tool := range n.Tools {
		line := code(tool) + " on the first master"
		if tool == "helm" {
			line += "; the cluster image `helm` brings it"
		}
		out = append(out, line)
	}
	if n.StorageClass {
		out = append(out, "a default StorageClass")
	}
	for _, v := range p.Variables {
		if v.Required {
			out = append(out, fmt.Sprintf("a value of %s", code(v.Name)))
		}
	}
	return out
}

func constraint(what, of string) string {
	if of == "" {
		return ""
	}
	return fmt.Sprintf("(%s %s) ", what, code(of))
}

func code(s string) string {
	s = strings.ReplaceAll(s, "|", `\|`)
	fence := "`"
	for strings.Contains(s, fence) {
		fence += "`"
	}
	if len(fence) > 1 {
		s = " " + s + " " // Markdown takes these away
	}
	return fence + s + fence
}

// cell is text in a table.
func cell(s string) string {
	return strings.ReplaceAll(strings.Join(strings.Fields(s), " "), "|", `\|`)
}

func initial(v Variable) string {
	switch {
	case v.Required:
		return "*required*"
	case v.Generated:
		return "*made at the first start, kept in a Secret*"
	case v.Default == "":
		return ""
	}
	return code(strings.Join(strings.Fields(v.Default), " "))
}

func platforms(p Profile) string {
	text := strings.Join(p.Platforms, " and ")
	if p.PlatformReason == "" {
		return text + "."
	}
	return "Only " + text + ": " + sentence(p.PlatformReason)
}

// sourceLine is a download, with the placeholders of its address as the recipe has them.
func sourceLine(s Source) string {
	address := code(s.From)
	if s.From != "" && !strings.ContainsAny(s.From, "{}") && strings.HasPrefix(s.From, "https://") {
		address = "<" + s.From + ">"
	}
	what := s.Kind
	if s.Text != "" {
		what += " " + code(s.Text)
	}
	switch {
	case s.Kind == "binary":
		what = "program " + code(s.Text)
	case s.Kind == "images" && s.From == "":
		return "further images: " + code(s.Text)
	case s.Kind == "images":
		what = "a list of further images"
	}
	if s.From == "" {
		return what
	}
	return what + " from " + address
}
