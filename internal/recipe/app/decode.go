package app

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// MaxSize bounds an app.yaml, in bytes.
const MaxSize = 256 << 10

// maxDepth bounds how deep its mappings nest.
const maxDepth = 40

// Decode reads an app.yaml strictly and checks it. Its error is [Faults], with every line that is wrong.
func Decode(b []byte) (*App, error) {
	if len(b) > MaxSize {
		return nil, Faults{{Message: fmt.Sprintf("it has more than %d bytes", MaxSize)}}
	}
	d := &decoder{}
	root := d.parse(b)
	if root == nil {
		return nil, d.faults.err()
	}
	var a App
	d.value(root, reflect.ValueOf(&a).Elem(), "the recipe")
	if len(d.faults) == 0 {
		d.faults = check(&a)
	}
	if err := d.faults.err(); err != nil {
		return nil, err
	}
	return &a, nil
}

// decoder fills Go values from YAML nodes and gathers what is wrong.
type decoder struct{ faults Faults }

func (d *decoder) fault(n *yaml.Node, format string, args ...any) {
	d.faults = append(d.faults, Fault{Line: n.Line, Message: fmt.Sprintf(format, args...)})
}

// parse gives the mapping that is the whole of the file; nil when there is none.
func (d *decoder) parse(b []byte) *yaml.Node {
	docs, err := decodeAll(b)
	switch {
	case err != nil:
		d.faults = append(d.faults, syntaxFault(b, err))
		return nil
	case len(docs) == 0 || docs[0].Kind != yaml.MappingNode:
		d.faults = append(d.faults, Fault{Message: "it is no mapping of keys and values"})
		return nil
	case len(docs) > 1:
		d.fault(docs[1], "a second document begins here, which nobody would read: take the --- before it away, or what follows")
		return nil
	}
	d.plain(docs[0], 0)
	if len(d.faults) > 0 {
		return nil
	}
	return docs[0]
}

// plain refuses what makes a YAML file mean something else than what is read: aliases, keys that stand twice, and great depth.
func (d *decoder) plain(n *yaml.Node, depth int) {
	switch {
	case depth > maxDepth:
		d.fault(n, "mappings nest deeper than %d", maxDepth)
		return
	case n.Kind == yaml.AliasNode || n.Anchor != "":
		d.fault(n, "anchors and aliases are not understood: write it out")
		return
	case n.Kind == yaml.MappingNode:
		d.unique(n)
	}
	for _, c := range n.Content {
		d.plain(c, depth+1)
	}
}

func (d *decoder) unique(n *yaml.Node) {
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k := n.Content[i]
		if first, twice := seen[k.Value]; twice {
			d.fault(k, "%s is there twice, first in line %d", k.Value, first)
		}
		if k.Kind != yaml.ScalarNode || k.Tag == "!!merge" {
			d.fault(k, "a key must be a word")
		}
		seen[k.Value] = k.Line
	}
}

// nodeDecoder is a type that may be written in several ways.
type nodeDecoder interface {
	decode(d *decoder, n *yaml.Node, what string)
}

// value fills v, which errors call what.
func (d *decoder) value(n *yaml.Node, v reflect.Value, what string) {
	if own, ok := v.Addr().Interface().(nodeDecoder); ok {
		own.decode(d, n, what)
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(d.text(n, what))
	case reflect.Bool:
		v.SetBool(d.truth(n, what))
	case reflect.Int:
		v.SetInt(int64(d.number(n, what)))
	case reflect.Slice:
		d.slice(n, v, what)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		d.value(n, v.Elem(), what)
	case reflect.Struct:
		d.structure(n, v, what)
	}
}

// text takes a scalar as it is written, so that 1.20 stays 1.20.
func (d *decoder) text(n *yaml.Node, what string) string {
	if n.Kind != yaml.ScalarNode {
		d.fault(n, "%s must be text%s", what, braces(n))
		return ""
	}
	if n.Tag == "!!null" {
		d.fault(n, "%s is empty", what)
		return ""
	}
	return n.Value
}

// braces says what is usual when a placeholder stands where YAML begins a mapping.
func braces(n *yaml.Node) string {
	if n.Kind == yaml.MappingNode && n.Style&yaml.FlowStyle != 0 {
		return `; what begins with { needs quotes, as in "{version}"`
	}
	return ", not " + kindName(n)
}

func kindName(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	case yaml.AliasNode:
		return "an alias"
	}
	return "text"
}

func (d *decoder) truth(n *yaml.Node, what string) bool {
	if n.Kind != yaml.ScalarNode || n.Value != "true" && n.Value != "false" {
		d.fault(n, "%s must be true or false", what)
	}
	return n.Value == "true"
}

func (d *decoder) number(n *yaml.Node, what string) int {
	i, err := strconv.Atoi(n.Value)
	if n.Kind != yaml.ScalarNode || err != nil || i < 0 || i > 1000 {
		d.fault(n, "%s must be a small number", what)
	}
	return i
}

func (d *decoder) slice(n *yaml.Node, v reflect.Value, what string) {
	if n.Kind != yaml.SequenceNode {
		d.fault(n, "%s must be a list", what)
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content)))
	for i, c := range n.Content {
		d.value(c, v.Index(i), fmt.Sprintf("%s[%d]", what, i))
	}
}

func (d *decoder) structure(n *yaml.Node, v reflect.Value, what string) {
	if n.Kind != yaml.MappingNode {
		d.fault(n, "%s must be a mapping of %s", what, strings.Join(fieldNames(v.Type()), ", "))
		return
	}
	at := Lines{Line: n.Line, keys: map[string]int{}}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, val := n.Content[i], n.Content[i+1]
		at.keys[key.Value] = key.Line
		if f := field(v, key.Value); f.IsValid() {
			d.value(val, f, key.Value)
			continue
		}
		d.fault(key, "%s has no key %s%s", what, key.Value, meant(key.Value, fieldNames(v.Type())))
	}
	if f := v.FieldByName("At"); f.IsValid() {
		f.Set(reflect.ValueOf(at))
	}
	d.complete(at, n, v.Type(), what)
	d.words(n, v)
}

// complete names the keys that must be there.
func (d *decoder) complete(at Lines, n *yaml.Node, t reflect.Type, what string) {
	for f := range fields(t) {
		if name := f.Tag.Get("yaml"); f.Tag.Get("schema") == "required" && !at.Has(name) {
			d.fault(n, "%s lacks %s: %s", what, name, f.Tag.Get("doc"))
		}
	}
}

// words refuses what is none of the words that a field may hold.
func (d *decoder) words(n *yaml.Node, v reflect.Value) {
	for f := range fields(v.Type()) {
		allowed := f.Tag.Get("enum")
		value := v.FieldByIndex(f.Index)
		if allowed == "" || value.Kind() != reflect.String || value.String() == "" {
			continue
		}
		words := strings.Split(allowed, ",")
		if !contains(words, value.String()) {
			d.faults = append(d.faults, Fault{
				Line:    v.FieldByName("At").Interface().(Lines).Of(f.Tag.Get("yaml")),
				Message: fmt.Sprintf("%s cannot be %q: it is %s", f.Tag.Get("yaml"), value.String(), either(words)),
			})
		}
	}
}
