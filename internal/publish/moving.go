package publish

import (
	"regexp"
	"strings"
)

// movingByName are the tags that name something else from time to time by common understanding.
var movingByName = []string{"latest", "main", "stable", "vX.Y"}

// Moving says whether a tag is one that may be set anew: latest, main, stable, vX.Y, and whatever the patterns say, in which X, Y and Z stand for a
// number and an asterisk for any text.
func Moving(tag string, patterns []string) bool {
	for _, list := range [][]string{movingByName, patterns} {
		for _, p := range list {
			if matches(p, tag) {
				return true
			}
		}
	}
	return false
}

// number finds the letters of a pattern that stand for a number: those that no other letter touches, but for a leading v.
var number = regexp.MustCompile(`(^|[^A-Za-z]|^v)[XYZ]($|[^A-Za-z])`)

func matches(pattern, tag string) bool {
	// Neighbours share the character between them, so one pass leaves every second one.
	for range 2 {
		pattern = number.ReplaceAllString(pattern, "${1}\x00${2}")
	}
	expression := regexp.QuoteMeta(pattern)
	expression = strings.ReplaceAll(expression, "\x00", `[0-9]+`)
	expression = strings.ReplaceAll(expression, `\*`, `.*`)
	ok, err := regexp.MatchString(`^`+expression+`$`, tag)
	return err == nil && ok
}
