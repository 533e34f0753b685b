package registry

import (
	"net/http"
	"strings"
)

// challenge is what a registry wants to see (RFC 9110, section 11.6.1).
type challenge struct {
	// scheme is basic or bearer.
	scheme string
	params map[string]string
}

// parseChallenges reads the WWW-Authenticate headers: bearer if it is offered, else basic, else nil.
func parseChallenges(h http.Header) *challenge {
	var basic *challenge
	for _, value := range h.Values("WWW-Authenticate") {
		scheme, rest, _ := strings.Cut(strings.TrimSpace(value), " ")
		c := &challenge{scheme: strings.ToLower(scheme), params: parseParams(rest)}
		switch c.scheme {
		case "bearer":
			return c
		case "basic":
			basic = c
		}
	}
	return basic
}

// parseParams reads key=value and key="quoted value", separated by commas.
func parseParams(s string) map[string]string {
	params := map[string]string{}
	for s != "" {
		key, rest, ok := strings.Cut(s, "=")
		if !ok {
			break
		}
		value := ""
		value, s = paramValue(strings.TrimLeft(rest, " "))
		params[strings.ToLower(strings.Trim(key, " ,"))] = value
	}
	return params
}

func paramValue(s string) (value, rest string) {
	if !strings.HasPrefix(s, `"`) {
		value, rest, _ = strings.Cut(s, ",")
		return strings.TrimSpace(value), rest
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s):
			i++
			b.WriteByte(s[i])
		case s[i] == '"':
			return b.String(), s[i+1:]
		default:
			b.WriteByte(s[i])
		}
	}
	return b.String(), ""
}
