package app

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Apply makes the edit in the content of one file. Comments and the order of keys stay.
func (e Edit) Apply(content []byte) ([]byte, error) {
	for _, r := range e.Replace {
		if !bytes.Contains(content, []byte(r.Old)) {
			return nil, fmt.Errorf("it has no text %q to replace", r.Old)
		}
		content = bytes.ReplaceAll(content, []byte(r.Old), []byte(r.New))
	}
	if len(e.Set)+len(e.Delete) == 0 {
		return content, nil
	}
	docs, err := Documents(content)
	if err != nil {
		return nil, err
	}
	chosen, err := e.choose(docs)
	if err != nil {
		return nil, err
	}
	for _, d := range chosen {
		if err := e.document(d); err != nil {
			return nil, err
		}
	}
	if json.Valid(content) && len(docs) == 1 {
		return encodeJSON(docs[0].Content[0])
	}
	return encode(docs)
}

// Documents decodes the documents of a YAML file.
func Documents(content []byte) ([]*yaml.Node, error) {
	var docs []*yaml.Node
	for dec := yaml.NewDecoder(bytes.NewReader(content)); ; {
		var n yaml.Node
		switch err := dec.Decode(&n); {
		case errors.Is(err, io.EOF):
			return docs, nil
		case err != nil:
			return nil, fmt.Errorf("it is no YAML: %w", err)
		}
		docs = append(docs, &n)
	}
}

func encode(docs []*yaml.Node) ([]byte, error) {
	var out bytes.Buffer
	enc := yaml.NewEncoder(&out)
	enc.SetIndent(2)
	for _, d := range docs {
		if err := enc.Encode(d); err != nil {
			return nil, fmt.Errorf("write YAML: %w", err)
		}
	}
	return out.Bytes(), nil
}

// choose gives the documents that the edit is about: those that select names, or the only one.
func (e Edit) choose(docs []*yaml.Node) ([]*yaml.Node, error) {
	if len(docs) == 0 {
		docs = append(docs, &yaml.Node{Kind: yaml.DocumentNode, Content: []*yaml.Node{{Kind: yaml.MappingNode}}})
	}
	if len(e.Select) == 0 {
		if len(docs) > 1 {
			return nil, fmt.Errorf("it has %d documents: say which with select", len(docs))
		}
		return docs, nil
	}
	var out []*yaml.Node
	for _, d := range docs {
		if e.selects(d) {
			out = append(out, d)
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("none of its %d documents has %s", len(docs), e.Select)
	}
	return out, nil
}

func (e Edit) selects(d *yaml.Node) bool {
	for _, p := range e.Select {
		path, err := ParsePath(p.Key)
		if err != nil {
			return false
		}
		found := Find(d, path)
		if len(found) != 1 || found[0].Value != p.Value {
			return false
		}
	}
	return true
}

func (e Edit) document(d *yaml.Node) error {
	root := d.Content[0]
	for _, p := range e.Set {
		path, err := ParsePath(p.Key)
		if err != nil {
			return err
		}
		value := *p.Value.Node
		if err := set(root, path, &value); err != nil {
			return fmt.Errorf("set %s: %w", p.Key, err)
		}
	}
	for _, p := range e.Delete {
		path, err := ParsePath(p)
		if err != nil {
			return err
		}
		remove(root, path)
	}
	return nil
}

// String is for errors.
func (m Map[T]) String() string {
	var words []string
	for _, p := range m {
		words = append(words, fmt.Sprintf("%s: %v", p.Key, p.Value))
	}
	return strings.Join(words, ", ")
}

// Extract reads the images out of a file: those at its path, or what its regular expression matches, else one of each line. What {value} stands for
// in Join is filled in.
func (l ImageList) Extract(content []byte) ([]string, error) {
	found, err := l.find(content)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, value := range found {
		image := value
		if l.Join != "" {
			image = strings.ReplaceAll(l.Join, "{value}", value)
		}
		if !contains(out, image) {
			out = append(out, image)
		}
	}
	if len(out) == 0 {
		return nil, errors.New("it has none")
	}
	return out, nil
}
