package app

import (
	"iter"
	"reflect"
	"slices"
	"strings"

	"github.com/labring-actions/cluster-image/internal/spelling"
)

// fields are those of a struct that a file can hold.
func fields(t reflect.Type) iter.Seq[reflect.StructField] {
	return func(yield func(reflect.StructField) bool) {
		for f := range t.NumField() {
			if tag := t.Field(f).Tag.Get("yaml"); tag != "" && tag != "-" && !yield(t.Field(f)) {
				return
			}
		}
	}
}

func fieldNames(t reflect.Type) []string {
	var out []string
	for f := range fields(t) {
		out = append(out, f.Tag.Get("yaml"))
	}
	return out
}

// field is the one with the name; the zero value when there is none.
func field(v reflect.Value, name string) reflect.Value {
	for f := range fields(v.Type()) {
		if f.Tag.Get("yaml") == name {
			return v.FieldByIndex(f.Index)
		}
	}
	return reflect.Value{}
}

func contains(words []string, word string) bool { return slices.Contains(words, word) }

// either is a, b or c.
func either(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " or " + words[len(words)-1]
}

// meant offers the word that is nearest to a mistyped one, or lists all when none is near and they are few.
func meant(typed string, words []string) string {
	best := spelling.Meant(typed, words)
	switch {
	case best != "":
		return "; did you mean " + best + "?"
	case len(words) > 0 && len(words) <= 24:
		return "; there are " + strings.Join(words, ", ")
	}
	return ""
}
