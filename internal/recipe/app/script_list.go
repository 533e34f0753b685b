package app

import (
	"encoding/json"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// filledList is a list of a helm step's values of which elements have the values of variables. Helm replaces lists as a whole, so that all of it is
// written to the values file of the variables.
type filledList struct {
	path     []PathElement
	elements Map[string]
}

// inList says whether a value path leads into a list.
func inList(text string) bool {
	path, _ := ParsePath(text) // checked
	return slices.ContainsFunc(path, func(e PathElement) bool { return e.IsList })
}

// listsOf are the lists that the value paths lead into, in their order.
func listsOf(m Map[string]) []filledList {
	var out []filledList
	for _, p := range m {
		path, _ := ParsePath(p.Key) // checked
		first := slices.IndexFunc(path, func(e PathElement) bool { return e.IsList })
		if first < 0 {
			continue
		}
		same := func(l filledList) bool { return slices.Equal(l.path, path[:first]) }
		i := slices.IndexFunc(out, same)
		if i < 0 {
			i, out = len(out), append(out, filledList{path: path[:first]})
		}
		out[i].elements = append(out[i].elements, p)
	}
	return out
}

// mark stands for a variable while a list is written; no value has such characters.
func mark(variable string) string { return "\ue000" + variable + "\ue001" }

// list writes a list with the values of its variables into a values file of its own.
func (w *scriptWriter) list(s startStep, l filledList) {
	values := clone(s.Values.Node)
	for _, p := range l.elements {
		path, _ := ParsePath(p.Key)                                                                  // checked
		_ = set(values, path, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: mark(p.Value)}) // checked: the element is there
	}
	var list any
	_ = Find(values, l.path)[0].Decode(&list) // as it was decoded before
	text, _ := json.Marshal(list)             // of YAML values
	inside := heredocText(string(text))
	for _, p := range l.elements {
		v, _ := w.b.app.Variables.Get(p.Value)
		if v.bare() {
			inside = strings.ReplaceAll(inside, `"`+mark(p.Value)+`"`, "$"+p.Value)
			continue
		}
		w.line(`json "$%s"`, p.Value)
		w.line(`%s_json=$REPLY`, p.Value)
		inside = strings.ReplaceAll(inside, mark(p.Value), "${"+p.Value+"_json}")
	}
	before, after := around(l.path)
	w.valuesOf(before + inside + after)
}

// clone copies a YAML value, so that it can be changed.
func clone(n *yaml.Node) *yaml.Node {
	out := *n
	out.Content = nil
	for _, c := range n.Content {
		out.Content = append(out.Content, clone(c))
	}
	return &out
}
