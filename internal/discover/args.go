package discover

import (
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxShellText is how much of a text of several words is looked at, in bytes.
const maxShellText = 64 << 10

// args looks at the command line of a container for --x-image=…, --x-image …, and whatever is a whole reference with a host.
func (d *document) args(n *yaml.Node, w where) {
	for i, c := range n.Content {
		if c = resolve(c); !isText(c) {
			continue
		}
		at := w.at(i)
		if strings.ContainsAny(c.Value, " \n") {
			d.shellText(c, at)
			continue
		}
		name, value, joined := strings.Cut(c.Value, "=")
		switch {
		case joined:
			d.argument(c, name, value, at)
		case strings.HasPrefix(name, "-") && imageKey(name) && i+1 < len(n.Content):
			next := resolve(n.Content[i+1])
			if isText(next) && !strings.HasPrefix(next.Value, "-") {
				d.take(next, next.Value, w.at(i+1), kindArg, true)
			}
		case isLocated(c.Value):
			d.take(c, c.Value, at, kindArg, true)
		}
	}
}

// argument looks at --name=value; the value may be a list, or pairs.
func (d *document) argument(n *yaml.Node, name, value string, w where) {
	asked := strings.Contains(strings.ToLower(name), "image")
	for part := range strings.SplitSeq(value, ",") {
		if _, v, ok := strings.Cut(part, "="); ok {
			part = v
		}
		if isLocated(part) || asked && pinned(part) || imageKey(name) {
			d.take(n, part, w, kindArg, true)
		}
	}
}

// shellText looks at the words of a shell script.
func (d *document) shellText(n *yaml.Node, w where) {
	for _, word := range wordsOf(n.Value) {
		if isLocated(word) {
			d.take(n, word, w, kindArg, true)
		}
	}
}

// wordsOf parts a text at whatever cannot be in a reference.
func wordsOf(text string) []string {
	return strings.FieldsFunc(text[:min(len(text), maxShellText)], func(r rune) bool { return strings.ContainsRune(" \t\r\n\"'`;,=()|&<>{}[]", r) })
}
