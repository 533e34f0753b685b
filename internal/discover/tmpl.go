package discover

import (
	"regexp"
	"strings"
)

// placeholder stands for an action that cannot be filled in. It is no part of any reference.
const placeholder = "__TEMPLATE__"

var (
	action = regexp.MustCompile(`(?s)\{\{.*?\}\}`)
	// control is an action that prints nothing: if, end, a comment, an assignment.
	control  = regexp.MustCompile(`(?s)^(if|else|end|range|with|define|block|template|break|continue|/\*)\b|^/\*|^\$\w*\s*:?=`)
	variable = regexp.MustCompile(`^(?:\.(?:Env\.|Values\.)?(\w+)|env "(\w+)")$`)
	fallback = regexp.MustCompile("^(?:default|coalesce) [\"`]([^\"`]*)[\"`](?: (\\S+))?$")
)

// fill replaces the actions of a template: a variable by its default in env, control actions by nothing, so that every branch stays, and what it
// does not know by a placeholder. Lines are kept.
func fill(text string, env map[string]string) string {
	return action.ReplaceAllStringFunc(text, func(a string) string {
		lines := strings.Repeat("\n", strings.Count(a, "\n"))
		inner := strings.TrimSpace(strings.Trim(strings.TrimSuffix(strings.TrimPrefix(a, "{{"), "}}"), "-"))
		if control.MatchString(inner) {
			return lines
		}
		return evaluate(inner, env) + lines
	})
}

// evaluate knows .NAME, .NAME | default "x", default "x" .NAME, and quote.
func evaluate(expr string, env map[string]string) string {
	value, known := "", false
	for part := range strings.SplitSeq(expr, "|") {
		part = strings.TrimSpace(part)
		if m := variable.FindStringSubmatch(part); m != nil {
			value, known = env[m[1]+m[2]], env[m[1]+m[2]] != ""
			continue
		}
		if m := fallback.FindStringSubmatch(part); m != nil {
			if v := variable.FindStringSubmatch(m[2]); v != nil {
				value, known = env[v[1]+v[2]], true
			}
			if value == "" {
				value, known = m[1], true
			}
			continue
		}
		switch part {
		case "quote", "squote", "toString", "trim":
		default:
			return placeholder
		}
	}
	if !known {
		return placeholder
	}
	return value
}
