package app

import (
	"fmt"

	"go.yaml.in/yaml/v3"
)

// Find gives the values at a path, of every element where the path says so. What is not there is no error.
func Find(n *yaml.Node, path []PathElement) []*yaml.Node {
	if n.Kind == yaml.DocumentNode && len(n.Content) > 0 {
		n = n.Content[0]
	}
	if len(path) == 0 {
		return []*yaml.Node{n}
	}
	e := path[0]
	var out []*yaml.Node
	switch {
	case !e.IsList:
		if v := child(n, e.Key); v != nil {
			out = Find(v, path[1:])
		}
	case n.Kind != yaml.SequenceNode:
	case e.Every:
		for _, c := range n.Content {
			out = append(out, Find(c, path[1:])...)
		}
	case !e.Append && e.Index < len(n.Content):
		out = Find(n.Content[e.Index], path[1:])
	}
	return out
}

// child is the value of a key of a mapping; nil when there is none.
func child(n *yaml.Node, key string) *yaml.Node {
	if n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

// set puts a value at a path and makes the mappings on the way that are missing.
func set(n *yaml.Node, path []PathElement, value *yaml.Node) error {
	if len(path) == 0 {
		comment := n.LineComment
		*n = *value
		if n.LineComment == "" && n.Kind == yaml.ScalarNode {
			n.LineComment = comment
		}
		return nil
	}
	e := path[0]
	if e.IsList {
		return setElement(n, e, path[1:], value)
	}
	if n.Tag == "!!null" || n.Kind == 0 {
		*n = yaml.Node{Kind: yaml.MappingNode, HeadComment: n.HeadComment, LineComment: n.LineComment, FootComment: n.FootComment}
	}
	if n.Kind != yaml.MappingNode {
		return fmt.Errorf("%s is below %s, which is no mapping", e.Key, kindName(n))
	}
	v := child(n, e.Key)
	if v == nil {
		v = &yaml.Node{}
		if len(n.Content) == 0 {
			n.Style = 0
		}
		n.Content = append(n.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: e.Key}, v)
	}
	return set(v, path[1:], value)
}

func setElement(n *yaml.Node, e PathElement, rest []PathElement, value *yaml.Node) error {
	if e.Append && (n.Tag == "!!null" || n.Kind == 0) {
		*n = yaml.Node{Kind: yaml.SequenceNode}
	}
	if n.Kind != yaml.SequenceNode {
		return fmt.Errorf("an element is asked for of %s", kindName(n))
	}
	switch {
	case e.Append:
		v := &yaml.Node{}
		if len(n.Content) == 0 {
			n.Style = 0
		}
		n.Content = append(n.Content, v)
		return set(v, rest, value)
	case e.Every:
		for _, c := range n.Content {
			if err := set(c, rest, value); err != nil {
				return err
			}
		}
		return nil
	case e.Index >= len(n.Content):
		return fmt.Errorf("there is no element %d: the list has %d", e.Index, len(n.Content))
	}
	return set(n.Content[e.Index], rest, value)
}

// remove takes away what is at a path. What is not there is no error: a range of versions may have it or not.
func remove(n *yaml.Node, path []PathElement) {
	last := path[len(path)-1]
	for _, parent := range Find(n, path[:len(path)-1]) {
		switch {
		case !last.IsList && parent.Kind == yaml.MappingNode:
			for i := 0; i+1 < len(parent.Content); i += 2 {
				if parent.Content[i].Value == last.Key {
					parent.Content = append(parent.Content[:i:i], parent.Content[i+2:]...)
					break
				}
			}
		case last.Every && parent.Kind == yaml.SequenceNode:
			parent.Content = nil
		case last.IsList && parent.Kind == yaml.SequenceNode && last.Index < len(parent.Content):
			parent.Content = append(parent.Content[:last.Index:last.Index], parent.Content[last.Index+1:]...)
		}
	}
}
