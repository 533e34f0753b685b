package app

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
)

// Schema is the JSON Schema of app.yaml (draft 2020-12), made of the types that it is decoded into.
func Schema() ([]byte, error) {
	s := schemaOf(reflect.TypeFor[App]())
	s["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	s["$id"] = SchemaURL
	s["title"] = "A recipe of cluster-image"
	b, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write schema: %w", err)
	}
	return append(b, '\n'), nil
}

// schemaType is a type that may be written in several ways.
type schemaType interface{ schema() map[string]any }

func schemaOf(t reflect.Type) map[string]any {
	if own, ok := reflect.New(t).Interface().(schemaType); ok {
		return own.schema()
	}
	switch t.Kind() {
	case reflect.Pointer:
		return schemaOf(t.Elem())
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.Int:
		return map[string]any{"type": "integer", "minimum": 0}
	case reflect.Slice:
		return map[string]any{"type": "array", "items": schemaOf(t.Elem())}
	case reflect.Struct:
		return structSchema(t)
	}
	return textSchema()
}

// textSchema takes what YAML calls a number as well: a version such as 1.20 need not be quoted.
func textSchema() map[string]any { return map[string]any{"type": []string{"string", "number"}} }

func structSchema(t reflect.Type) map[string]any {
	properties, required := map[string]any{}, []string{}
	for f := range fields(t) {
		name := f.Tag.Get("yaml")
		p := schemaOf(f.Type)
		p["description"] = f.Tag.Get("doc")
		if words := f.Tag.Get("enum"); words != "" {
			p["enum"] = strings.Split(words, ",")
		}
		if f.Tag.Get("schema") == "required" {
			required = append(required, name)
		}
		if name == "categories" {
			p["items"] = map[string]any{"enum": Categories()}
			p["minItems"], p["maxItems"] = 1, 3
		}
		properties[name] = p
	}
	out := map[string]any{"type": "object", "properties": properties, "additionalProperties": false}
	if len(required) > 0 {
		out["required"] = required
	}
	return out
}

func anyOf(schemas ...map[string]any) map[string]any {
	var list []any
	for _, s := range schemas {
		list = append(list, s)
	}
	return map[string]any{"anyOf": list}
}

func listOf(s map[string]any) map[string]any { return map[string]any{"type": "array", "items": s} }

func mapOf(s map[string]any) map[string]any {
	return map[string]any{"type": "object", "additionalProperties": s}
}

func (m *Map[T]) schema() map[string]any { return mapOf(schemaOf(reflect.TypeFor[T]())) }

func (v *Value) schema() map[string]any { return map[string]any{} }

func (s *Scalar) schema() map[string]any {
	return map[string]any{"type": []string{"string", "number", "boolean"}}
}

func (t *Texts) schema() map[string]any { return anyOf(textSchema(), listOf(textSchema())) }

func (p *Platforms) schema() map[string]any {
	words := listOf(map[string]any{"enum": []string{"amd64", "arm64", "linux/amd64", "linux/arm64"}})
	whole := structSchema(reflect.TypeFor[Platforms]())
	whole["properties"].(map[string]any)["only"] = words
	return anyOf(words, whole)
}

func (c *Checksum) schema() map[string]any {
	sum := map[string]any{"type": "string", "pattern": "^(sha256:)?[0-9a-fA-F]{64}$"}
	return anyOf(sum, mapOf(sum))
}

func (e *Extract) schema() map[string]any { return anyOf(textSchema(), mapOf(textSchema())) }

func (l *ImageList) schema() map[string]any {
	return anyOf(textSchema(), listOf(textSchema()), structSchema(reflect.TypeFor[ImageList]()))
}

func (i *Installs) schema() map[string]any {
	one := anyOf(textSchema(), structSchema(reflect.TypeFor[Installed]()))
	return anyOf(textSchema(), structSchema(reflect.TypeFor[Installed]()), listOf(one))
}

func (w *Wait) schema() map[string]any {
	return anyOf(map[string]any{"type": "boolean"}, textSchema(), listOf(textSchema()))
}
