package discover

import (
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// The kinds of origins.
const (
	kindContainer  = "container"
	kindVolume     = "volume"
	kindKey        = "key"
	kindMap        = "map"
	kindEnv        = "env"
	kindArg        = "arg"
	kindShim       = "shim"
	kindAnnotation = "annotation"
	kindCRD        = "crd"
	kindText       = "text"
	kindLine       = "line"
)

// maxVisits bounds how many nodes of a document are looked at, aliases counted as often as they are used.
const maxVisits = 4 << 20

// maxEmbedded is how deep a YAML text in a string of a YAML text is followed.
const maxEmbedded = 2

// document is a YAML document at work.
type document struct {
	finds *finds
	// base is what every origin has in common; its Line is that of the document's first line.
	base   Origin
	depth  int
	visits int
	// seen are the targets of aliases, so that each is followed once under each key.
	seen map[visit]bool
}

type visit struct {
	node *yaml.Node
	key  string
}

// trail is where in the document a node is.
type trail struct {
	up    *trail
	key   string
	index int
}

// maxTrail is how many keys of a path are shown.
const maxTrail = 48

func (t *trail) String() string {
	var parts []string
	for ; t != nil && len(parts) < maxTrail; t = t.up {
		parts = append(parts, t.part())
	}
	if t != nil {
		parts = append(parts, "…")
	}
	slices.Reverse(parts)
	return strings.TrimPrefix(strings.Join(parts, ""), ".")
}

// part is what the path gains at this node.
func (t *trail) part() string {
	switch {
	case t.key == "":
		return "[" + strconv.Itoa(t.index) + "]"
	case strings.ContainsAny(t.key, "./[ "):
		return `["` + t.key + `"]`
	}
	return "." + t.key
}

// name is the key that the node stands under, list positions aside.
func (t *trail) name() string {
	for ; t != nil; t = t.up {
		if t.key != "" {
			return t.key
		}
	}
	return ""
}

// where is what the keys above say about a node.
type where struct {
	trail *trail
	// object is the Kubernetes object around it: Deployment/nginx; empty outside of one.
	object string
	// maybe makes every find a maybe, and kind is what such a find is called, if not by its own rule.
	maybe bool
	kind  string
	// crd is true in a CustomResourceDefinition, where only defaults count.
	crd bool
}

func (w where) under(key string) where {
	w.trail = &trail{up: w.trail, key: key}
	return w
}

func (w where) at(i int) where {
	w.trail = &trail{up: w.trail, index: i}
	return w
}

func (d *document) walk(n *yaml.Node, w where) {
	if d.visits++; d.visits > maxVisits {
		return
	}
	switch n.Kind {
	case yaml.DocumentNode:
		for _, c := range n.Content {
			d.walk(c, w)
		}
	case yaml.AliasNode:
		v := visit{n.Alias, w.trail.name()}
		if !d.seen[v] {
			d.seen[v] = true
			d.walk(n.Alias, w)
		}
	case yaml.SequenceNode:
		d.sequence(n, w)
	case yaml.MappingNode:
		d.mapping(n, w)
	case yaml.ScalarNode:
		d.scalar(w.trail.name(), n, w)
	}
}

// field is an entry of a mapping, merged ones (<<) among them.
type field struct {
	key   string
	value *yaml.Node
}

type fields []field

func (f fields) get(key string) *yaml.Node {
	for i := len(f) - 1; i >= 0; i-- {
		if f[i].key == key {
			return f[i].value
		}
	}
	return nil
}

// text is the value of the first of the keys that holds a scalar.
func (f fields) text(keys ...string) string {
	for _, k := range keys {
		if n := f.get(k); isText(n) {
			return strings.TrimSpace(n.Value)
		}
	}
	return ""
}

func isText(n *yaml.Node) bool { return n != nil && n.Kind == yaml.ScalarNode && n.Tag != "!!null" }

// flatten lists the entries of a mapping, those that it merges first, so that its own come later and win.
func flatten(n *yaml.Node, depth int) fields {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	var merged, own fields
	for i := 0; i+1 < len(n.Content) && n.Kind == yaml.MappingNode; i += 2 {
		k, v := n.Content[i], resolve(n.Content[i+1])
		switch {
		case k.Value != "<<":
			own = append(own, field{resolve(k).Value, n.Content[i+1]})
		case depth < 8 && v.Kind == yaml.MappingNode:
			merged = append(merged, flatten(v, depth+1)...)
		case depth < 8 && v.Kind == yaml.SequenceNode && len(v.Content) <= 64:
			for _, c := range v.Content {
				merged = append(merged, flatten(c, depth+1)...)
			}
		}
		if len(merged) > 4096 {
			merged = merged[:4096]
		}
	}
	for i := range own {
		own[i].value = scalarAlias(own[i].value)
	}
	return append(merged, own...)
}

func resolve(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

// scalarAlias resolves an alias of a scalar; others stay, so that walk can see that they repeat.
func scalarAlias(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode && n.Alias.Kind == yaml.ScalarNode {
		return n.Alias
	}
	return n
}

func (d *document) sequence(n *yaml.Node, w where) {
	switch key := w.trail.name(); {
	case w.crd:
	case key == "args" || key == "command" || key == "extraArgs":
		d.args(n, w)
	case key == "images":
		d.images(n, w)
		return
	}
	for i, c := range n.Content {
		if c = resolve(c); c.Kind != yaml.ScalarNode {
			d.walk(n.Content[i], w.at(i))
		} else {
			d.embedded(c, w.at(i))
		}
	}
}

func (d *document) mapping(n *yaml.Node, w where) {
	f := flatten(n, 0)
	w = d.object(f, w)
	used := map[string]bool{}
	if w.crd && w.trail.name() == "default" {
		w.crd = false // a default that is an object: {repository: …, tag: …}
	}
	if !w.crd {
		d.pod(f, w, used)
		d.imageMap(f, w, used)
		d.variable(f, w, used)
	}
	for _, e := range f {
		at := w.under(e.key)
		switch {
		case used[e.key]:
		case e.value.Kind == yaml.ScalarNode:
			d.scalar(e.key, e.value, at)
		default:
			d.walk(e.value, at)
		}
	}
}

// object notes the Kubernetes object that begins here, if one does.
func (d *document) object(f fields, w where) where {
	kind, version := f.text("kind"), f.text("apiVersion")
	if kind == "" || version == "" {
		return w
	}
	meta := get(f, "metadata")
	w.object = kind + "/" + meta.text("name")
	switch kind {
	case "CustomResourceDefinition":
		w.crd, w.maybe, w.kind = true, true, kindCRD
	case "ConfigMap", "Secret":
		w.maybe, w.kind = true, kindText
	}
	if strings.Contains(get(meta, "annotations").text("helm.sh/hook"), "test") {
		w.maybe = true // helm test is not part of the start
	}
	return w
}

func get(f fields, key string) fields {
	if n := f.get(key); n != nil && resolve(n).Kind == yaml.MappingNode {
		return flatten(n, 0)
	}
	return nil
}
