package app

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// PathElement is one step of a YAML path: a key, an index, every element, or a new one at the end.
type PathElement struct {
	Key    string
	Index  int
	IsList bool
	Every  bool
	Append bool
}

// ParsePath reads a YAML path such as a.list[0].x, a[], a[+], a."b.c" or a.b\.c. A dot at the beginning means nothing.
func ParsePath(text string) ([]PathElement, error) {
	var out []PathElement
	rest := strings.TrimPrefix(text, ".")
	if rest == "" {
		return nil, errors.New("the path is empty")
	}
	for rest != "" {
		e, after, err := pathElement(rest)
		if err != nil {
			return nil, fmt.Errorf("path %q: %w", text, err)
		}
		out = append(out, e)
		if rest = after; strings.HasPrefix(rest, ".") && rest != "." {
			rest = rest[1:]
		} else if rest != "" && rest[0] != '[' {
			return nil, fmt.Errorf("path %q: want a dot before %q", text, rest)
		}
	}
	return out, nil
}

func pathElement(text string) (PathElement, string, error) {
	switch text[0] {
	case '[':
		return listElement(text)
	case '"':
		end := strings.IndexByte(text[1:], '"')
		if end < 0 {
			return PathElement{}, "", errors.New("a quote is not closed")
		}
		return PathElement{Key: text[1 : end+1]}, text[end+2:], nil
	}
	var key strings.Builder
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\' && i+1 < len(text):
			i++
			key.WriteByte(text[i])
		case c == '.' || c == '[':
			return keyElement(key.String(), text[i:])
		default:
			key.WriteByte(c)
		}
	}
	return keyElement(key.String(), "")
}

func keyElement(key, rest string) (PathElement, string, error) {
	if key == "" {
		return PathElement{}, "", errors.New("a key is empty")
	}
	return PathElement{Key: key}, rest, nil
}

func listElement(text string) (PathElement, string, error) {
	end := strings.IndexByte(text, ']')
	if end < 0 {
		return PathElement{}, "", errors.New("a [ is not closed")
	}
	inside, rest := text[1:end], text[end+1:]
	switch {
	case inside == "" || inside == "*":
		return PathElement{IsList: true, Every: true}, rest, nil
	case inside == "+":
		return PathElement{IsList: true, Append: true}, rest, nil
	case len(inside) > 1 && inside[0] == '"' && inside[len(inside)-1] == '"':
		return PathElement{Key: inside[1 : len(inside)-1]}, rest, nil
	}
	n, err := strconv.Atoi(inside)
	if err != nil || n < 0 || n > 10_000 {
		return PathElement{}, "", fmt.Errorf("[%s] is no element: want a number, [] for all, or [+] for a new one", inside)
	}
	return PathElement{IsList: true, Index: n}, rest, nil
}
