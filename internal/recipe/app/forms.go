package app

import (
	"cmp"
	"fmt"
	"reflect"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Pair is one key of a mapping whose keys the recipe chooses.
type Pair[T any] struct {
	Key   string
	Value T
	Line  int
}

// Map is a mapping whose keys the recipe chooses, in the order of the file.
type Map[T any] []Pair[T]

// Get gives the value of a key.
func (m Map[T]) Get(key string) (T, bool) {
	for _, p := range m {
		if p.Key == key {
			return p.Value, true
		}
	}
	var none T
	return none, false
}

// Keys are the keys in the order of the file.
func (m Map[T]) Keys() []string {
	var out []string
	for _, p := range m {
		out = append(out, p.Key)
	}
	return out
}

func (m *Map[T]) decode(d *decoder, n *yaml.Node, what string) {
	if n.Kind != yaml.MappingNode {
		d.fault(n, "%s must be a mapping", what)
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		p := Pair[T]{Key: n.Content[i].Value, Line: n.Content[i].Line}
		d.value(n.Content[i+1], reflect.ValueOf(&p.Value).Elem(), p.Key)
		*m = append(*m, p)
	}
}

// Value is any YAML value.
type Value struct{ Node *yaml.Node }

func (v *Value) decode(_ *decoder, n *yaml.Node, _ string) { v.Node = n }

// Scalar is a text with the knowledge of how it was written.
type Scalar struct {
	Text string
	// Bare says that it was written as a number or truth value, without quotes.
	Bare bool
}

func (s *Scalar) decode(d *decoder, n *yaml.Node, what string) {
	s.Text = d.text(n, what)
	s.Bare = n.Tag == "!!int" || n.Tag == "!!bool" || n.Tag == "!!float"
}

// Texts is a text or a list of texts.
type Texts []string

func (t *Texts) decode(d *decoder, n *yaml.Node, what string) {
	if n.Kind == yaml.SequenceNode {
		d.slice(n, reflect.ValueOf((*[]string)(t)).Elem(), what)
		return
	}
	*t = Texts{d.text(n, what)}
}

// Platforms is what a recipe can be built for: a list, or a list with the reason why it is no longer.
type Platforms struct {
	At Lines `yaml:"-"`
	// Only are the words of the platforms, such as amd64; empty for both.
	Only   []string `yaml:"only" doc:"The platforms." schema:"required"`
	Reason string   `yaml:"reason" doc:"Why there are no more." schema:"required"`
}

func (p *Platforms) decode(d *decoder, n *yaml.Node, what string) {
	p.At.Line = n.Line
	switch n.Kind {
	case yaml.SequenceNode:
		d.slice(n, reflect.ValueOf(&p.Only).Elem(), what)
	case yaml.MappingNode:
		d.structure(n, reflect.ValueOf(p).Elem(), what)
	default:
		d.fault(n, "%s must be a list, or {only: [%s], reason: …}", what, cmp.Or(n.Value, "amd64"))
	}
	for i, o := range p.Only {
		p.Only[i] = strings.TrimPrefix(o, "linux/")
	}
}

// Checksum is a SHA-256 in hexadecimal, one for all platforms or one each.
type Checksum struct {
	Line int
	// Of has the checksum of each platform's word, or of all under the empty word.
	Of map[string]string
}

// For gives the checksum for a platform's word; empty when there is none.
func (c Checksum) For(arch string) string {
	if s := c.Of[""]; s != "" {
		return s
	}
	return c.Of[arch]
}

func (c *Checksum) decode(d *decoder, n *yaml.Node, what string) {
	c.Line, c.Of = n.Line, map[string]string{}
	if n.Kind != yaml.MappingNode {
		c.add(d, n, "", d.text(n, what))
		return
	}
	var m Map[string]
	m.decode(d, n, what)
	for _, p := range m {
		c.add(d, n, strings.TrimPrefix(p.Key, "linux/"), p.Value)
	}
}

func (c *Checksum) add(d *decoder, n *yaml.Node, arch, sum string) {
	sum = strings.ToLower(strings.TrimPrefix(sum, "sha256:"))
	if !hexDigest.MatchString(sum) {
		d.fault(n, "%q is no SHA-256: it has 64 hexadecimal digits", sum)
	}
	c.Of[arch] = sum
}

// Extract is what is taken out of an archive: a path, or several with the place of each in the context.
type Extract struct {
	// Path is the only one; its place follows from the source.
	Path  string
	Files Map[string]
}

func (e *Extract) decode(d *decoder, n *yaml.Node, what string) {
	if n.Kind == yaml.MappingNode {
		e.Files.decode(d, n, what)
		return
	}
	e.Path = d.text(n, what)
}

// ImageList is where a list of images comes from.
type ImageList struct {
	At Lines `yaml:"-"`
	// List are the images themselves.
	List []string `yaml:"-"`
	// URL is where a list is downloaded; File is a file of the context.
	URL  string `yaml:"url" doc:"Where the file is downloaded."`
	File string `yaml:"file" doc:"A file of the context."`
	// Path and Match find the images in it. Without them it has one on each line.
	Path  string `yaml:"path" doc:"The YAML path of the images; [] stands for every element."`
	Match string `yaml:"match" doc:"A regular expression whose only group is the image."`
	Join  string `yaml:"join" doc:"What is made of it, with {value} for what was found, such as docker.io/x/y:{value}."`
}

func (l *ImageList) decode(d *decoder, n *yaml.Node, what string) {
	l.At.Line = n.Line
	switch n.Kind {
	case yaml.SequenceNode:
		d.slice(n, reflect.ValueOf(&l.List).Elem(), what)
	case yaml.MappingNode:
		d.structure(n, reflect.ValueOf(l).Elem(), what)
	default:
		l.URL = d.text(n, what)
	}
}

func (l *ImageList) set() bool { return len(l.List) > 0 || l.URL != "" || l.File != "" }

// Installed is a program and where it goes on the machine.
type Installed struct {
	At   Lines  `yaml:"-"`
	From string `yaml:"from" doc:"Its path in the context." schema:"required"`
	To   string `yaml:"to" doc:"Its path on the machine, /usr/bin/NAME when it is not given."`
}

// Installs are programs: a path, {from, to}, or a list of them.
type Installs []Installed

func (i *Installs) decode(d *decoder, n *yaml.Node, what string) {
	nodes := []*yaml.Node{n}
	if n.Kind == yaml.SequenceNode {
		nodes = n.Content
	}
	for _, c := range nodes {
		one := Installed{At: Lines{Line: c.Line}}
		if c.Kind == yaml.MappingNode {
			d.structure(c, reflect.ValueOf(&one).Elem(), what)
		} else {
			one.From = d.text(c, what)
		}
		if one.To == "" {
			one.To = "/usr/bin/" + one.From[strings.LastIndexByte(one.From, '/')+1:]
		}
		*i = append(*i, one)
	}
}

// Wait says whether and for what is waited.
type Wait struct {
	// No is an explicit false.
	No bool
	// For is the arguments of kubectl wait: a condition and what has it.
	For []string
}

func (w *Wait) decode(d *decoder, n *yaml.Node, what string) {
	switch {
	case n.Kind == yaml.SequenceNode:
		d.slice(n, reflect.ValueOf(&w.For).Elem(), what)
	case n.Tag == "!!bool":
		w.No = !d.truth(n, what)
	default:
		w.For = []string{d.text(n, what)}
	}
}

// String is for errors.
func (w Wait) String() string { return fmt.Sprintf("%t %s", !w.No, strings.Join(w.For, ", ")) }
