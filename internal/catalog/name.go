package catalog

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// ErrInvalidName is what every error of [CheckName] and [CheckVersion] is, for [errors.Is].
var ErrInvalidName = errors.New("invalid name")

// nameError says why a text is not a name or version.
type nameError string

func (e nameError) Error() string { return string(e) }

// Is makes it an [ErrInvalidName].
func (e nameError) Is(target error) bool { return target == ErrInvalidName }

// The greatest lengths: a DNS label for a name, a tag of the OCI distribution specification for a version.
const (
	maxName    = 63
	maxVersion = 128
)

const (
	nameHint    = "a name has lower-case letters a-z, digits and dashes, and begins and ends with a letter or digit"
	versionHint = "a version has letters A-Z a-z, digits, dots, underscores and dashes, and begins with a letter, digit or underscore"
)

// CheckName says why the text cannot name an application, or nil.
func CheckName(s string) error {
	if err := checkText("name", s, maxName, nameHint, isNameByte); err != nil {
		return err
	}
	if s[0] == '-' || s[len(s)-1] == '-' {
		return invalid("name", s, "it begins or ends with a dash", nameHint)
	}
	return nil
}

// CheckVersion says why the text cannot be a version, or nil. What is a version can be the tag of an image.
func CheckVersion(s string) error {
	if err := checkText("version", s, maxVersion, versionHint, isVersionByte); err != nil {
		return err
	}
	switch {
	case s[0] == '-' || s[0] == '.':
		return invalid("version", s, fmt.Sprintf("it begins with %q", s[:1]), versionHint)
	case strings.Contains(s, ".."):
		return invalid("version", s, `it has ".." in it`, "two dots mean the directory above")
	}
	return nil
}

func checkText(what, s string, most int, hint string, allowed func(byte) bool) error {
	switch {
	case s == "":
		return nameError(fmt.Sprintf("the %s is empty", what))
	case len(s) > most:
		return nameError(fmt.Sprintf("the %s is %d bytes long, at most %d can be", what, len(s), most))
	}
	for i, c := range s {
		if c >= utf8.RuneSelf || !allowed(byte(c)) {
			return invalid(what, s, fmt.Sprintf("character %d is %s", utf8.RuneCountInString(s[:i])+1, describe(s[i:])), hint)
		}
	}
	return nil
}

func invalid(what, s, why, hint string) error {
	return nameError(fmt.Sprintf("invalid %s %+q: %s; %s", what, s, why, hint))
}

// describe names the first character of a text so that no look-alike and no invisible one can hide.
func describe(s string) string {
	c, size := utf8.DecodeRuneInString(s)
	switch {
	case c == utf8.RuneError && size <= 1:
		return fmt.Sprintf("the byte 0x%02X, which is no UTF-8", s[0])
	case c == ' ':
		return "a blank (U+0020)"
	case c < utf8.RuneSelf && unicode.IsPrint(c):
		return fmt.Sprintf("%q", c)
	case unicode.IsPrint(c):
		return fmt.Sprintf("%q (U+%04X%s)", c, c, script(c))
	}
	return fmt.Sprintf("the invisible U+%04X", c)
}

// script names the alphabet of a letter that may look like a Latin one.
func script(c rune) string {
	switch {
	case unicode.Is(unicode.Cyrillic, c):
		return ", a Cyrillic letter"
	case unicode.Is(unicode.Greek, c):
		return ", a Greek letter"
	case c >= 0xFF01 && c <= 0xFF5E:
		return ", a full-width form"
	}
	return ""
}

func isNameByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-'
}

func isVersionByte(c byte) bool {
	return isNameByte(c) || c >= 'A' && c <= 'Z' || c == '.' || c == '_'
}
