package app

import (
	"bytes"
	"encoding/json"
	"fmt"

	"go.yaml.in/yaml/v3"
)

// encodeJSON writes a YAML value as JSON, its keys in their order: what was JSON before it was edited is read by programs that know no YAML.
func encodeJSON(n *yaml.Node) ([]byte, error) {
	var compact, out bytes.Buffer
	if err := writeJSON(&compact, n); err != nil {
		return nil, fmt.Errorf("write JSON: %w", err)
	}
	if err := json.Indent(&out, compact.Bytes(), "", "  "); err != nil {
		return nil, fmt.Errorf("write JSON: %w", err)
	}
	out.WriteByte('\n')
	return out.Bytes(), nil
}

func writeJSON(out *bytes.Buffer, n *yaml.Node) error {
	switch n.Kind {
	case yaml.MappingNode:
		return writeMapping(out, n.Content)
	case yaml.SequenceNode:
		return writeList(out, n.Content)
	}
	var value any
	if err := n.Decode(&value); err != nil {
		return err
	}
	if tag := n.ShortTag(); (tag == "!!float" || tag == "!!int") && json.Valid([]byte(n.Value)) {
		value = json.Number(n.Value) // as it was written
	}
	return writeValue(out, value)
}

func writeMapping(out *bytes.Buffer, content []*yaml.Node) error {
	out.WriteByte('{')
	for i := 0; i+1 < len(content); i += 2 {
		if i > 0 {
			out.WriteByte(',')
		}
		if err := writeValue(out, content[i].Value); err != nil {
			return err
		}
		out.WriteByte(':')
		if err := writeJSON(out, content[i+1]); err != nil {
			return err
		}
	}
	out.WriteByte('}')
	return nil
}

func writeList(out *bytes.Buffer, content []*yaml.Node) error {
	out.WriteByte('[')
	for i, c := range content {
		if i > 0 {
			out.WriteByte(',')
		}
		if err := writeJSON(out, c); err != nil {
			return err
		}
	}
	out.WriteByte(']')
	return nil
}

func writeValue(out *bytes.Buffer, value any) error {
	e := json.NewEncoder(out)
	e.SetEscapeHTML(false)
	return e.Encode(value)
}
