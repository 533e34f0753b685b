package e2e

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// scope is what an expression of GitHub Actions can name: github, needs, steps and so on.
type scope map[string]any

// evaluator evaluates one expression: the part of the language that the workflows use.
type evaluator struct {
	scope  scope
	tokens []string
	// failed and cancelled answer the functions of the same meaning.
	failed, cancelled bool
}

var token = regexp.MustCompile(`'[^']*'|&&|\|\||==|!=|[!()\[\],.*]|[A-Za-z_][A-Za-z0-9_-]*|[0-9]+`)

func (e evaluator) eval(text string) any {
	e.tokens = token.FindAllString(text, -1)
	v := e.or()
	if len(e.tokens) > 0 {
		panic(fmt.Sprintf("%s: something is left: %q", text, e.tokens))
	}
	return v
}

func (e *evaluator) next(want ...string) string {
	if len(e.tokens) == 0 || len(want) > 0 && !slices.Contains(want, e.tokens[0]) {
		return ""
	}
	t := e.tokens[0]
	e.tokens = e.tokens[1:]
	return t
}

func (e *evaluator) or() any {
	v := e.and()
	for e.next("||") != "" {
		if w := e.and(); !truth(v) {
			v = w
		}
	}
	return v
}

func (e *evaluator) and() any {
	v := e.equal()
	for e.next("&&") != "" {
		if w := e.equal(); truth(v) {
			v = w
		}
	}
	return v
}

func (e *evaluator) equal() any {
	v := e.not()
	switch e.next("==", "!=") {
	case "==":
		return text(v) == text(e.not())
	case "!=":
		return text(v) != text(e.not())
	}
	return v
}

func (e *evaluator) not() any {
	if e.next("!") != "" {
		return !truth(e.not())
	}
	return e.fields(e.value())
}

func (e *evaluator) value() any {
	switch t := e.next(); {
	case t == "(":
		v := e.or()
		e.next(")")
		return v
	case strings.HasPrefix(t, "'"):
		return strings.Trim(t, "'")
	case len(e.tokens) > 0 && e.tokens[0] == "(":
		return e.call(t)
	default:
		return e.scope[t]
	}
}

// fields follows .name and .*
func (e *evaluator) fields(v any) any {
	for e.next(".") != "" {
		name := e.next()
		if m, ok := v.(map[string]any); ok && name == "*" {
			var all []any
			for _, x := range m {
				all = append(all, x)
			}
			v = all
			continue
		}
		v = field(v, name)
	}
	return v
}

func field(v any, name string) any {
	switch v := v.(type) {
	case map[string]any:
		return v[name]
	case scope:
		return v[name]
	case []any:
		var out []any
		for _, x := range v {
			out = append(out, field(x, name))
		}
		return out
	}
	return nil
}

func (e *evaluator) call(name string) any {
	e.next("(")
	var args []any
	for e.next(")") == "" {
		args = append(args, e.or())
		e.next(",")
	}
	switch name {
	case "always":
		return true
	case "success":
		return !e.failed && !e.cancelled
	case "cancelled":
		return e.cancelled
	case "startsWith":
		return strings.HasPrefix(strings.ToLower(text(args[0])), strings.ToLower(text(args[1])))
	case "contains":
		return strings.Contains(strings.ToLower(text(args[0])), strings.ToLower(text(args[1])))
	case "join":
		var words []string
		for _, x := range args[0].([]any) {
			words = append(words, text(x))
		}
		return strings.Join(words, text(args[1]))
	case "fromJSON":
		var v any
		if err := json.Unmarshal([]byte(text(args[0])), &v); err != nil {
			panic(err)
		}
		return v
	case "toJSON":
		b, err := json.MarshalIndent(args[0], "", "  ")
		if err != nil {
			panic(err)
		}
		return string(b)
	}
	panic("no function " + name)
}

func truth(v any) bool { return v != nil && v != false && v != "" && v != 0.0 }

func text(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case float64:
		return fmt.Sprintf("%.0f", v)
	case bool, int:
		return fmt.Sprint(v)
	}
	b, _ := json.Marshal(v)
	return string(b)
}

// fill puts the values of its expressions into a text.
func (e evaluator) fill(s string) string {
	return expression.ReplaceAllStringFunc(s, func(m string) string {
		return text(e.eval(strings.TrimSuffix(strings.TrimPrefix(m, "${{"), "}}")))
	})
}

// condition is an if: without a function of the state it holds only after success.
func (e evaluator) condition(s string) bool {
	s = strings.TrimSpace(s)
	if m := expression.FindStringSubmatch(s); m != nil && m[0] == s {
		s = m[1]
	}
	ok := !e.failed && !e.cancelled || strings.Contains(s, "always()") || strings.Contains(s, "cancelled()")
	return ok && (s == "" || truth(e.eval(s)))
}
