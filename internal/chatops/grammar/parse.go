package grammar

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxLine bounds the line of a command, in bytes.
const maxLine = 1024

// codeBlock begins a line of code in Markdown, which is no command.
const codeBlock = "    "

// prefixes are how a line begins that is meant for this program, in lower case.
var prefixes = []string{"/imagebuild", "/single_imagebuild"}

// Parse reads the body of a comment or of an issue: a form, or a command in its first line. What follows that line is not read, but for another
// command, which is refused. Code fences, quotes and HTML comments are not looked into.
func Parse(body string) (Command, error) {
	if fields, ok := formFields(body); ok {
		return parseForm(fields)
	}
	first, rest, _ := strings.Cut(body, "\n")
	first = strings.TrimRight(first, " \r")
	c, err := parse(first)
	if err != nil {
		return Command{}, err
	}
	if another := commandIn(rest); another != "" {
		return Command{}, understood(first, &Miss{
			Problem: "two commands in one comment", Usage: "one command in the first line; several versions make a batch, other names take another comment",
		})
	}
	return c, nil
}

// parse reads one line.
func parse(line string) (Command, error) {
	if len(line) > maxLine {
		if !meant(line) {
			return Command{}, ErrNone
		}
		return Command{}, understood(line, &Miss{Problem: fmt.Sprintf("the line is %d bytes long, at most %d can be", len(line), maxLine)})
	}
	c, err := parseLine(line)
	if err != nil {
		return Command{}, understood(line, err)
	}
	return c, nil
}

// understood adds the line to a miss.
func understood(line string, err error) error {
	var m *Miss
	if errors.As(err, &m) {
		m.Understood = visible(line)
	}
	return err
}

// meant says that a line is for this program, by its beginning: right, nearly right, or with the slash of another alphabet.
func meant(line string) bool {
	if strings.HasPrefix(line, codeBlock) {
		return false
	}
	word, _, _ := strings.Cut(strings.TrimLeft(line, " "), " ")
	if slashless(word) {
		return true
	}
	word = strings.ToLower(strings.Replace(word[:min(len(word), 64)], "／", "/", 1))
	if !strings.HasPrefix(word, "/") {
		return false
	}
	for _, p := range prefixes {
		if strings.HasPrefix(word, p) {
			return true
		}
	}
	_, near := nearest(word)
	return near
}

// slashless says that a word is a command but for its slash. A word that is nearly that may begin a sentence.
func slashless(word string) bool {
	_, ok := formOf("/" + word)
	return ok
}

// parseLine reads a line of no more than maxLine bytes.
func parseLine(line string) (Command, error) {
	if !meant(line) {
		return Command{}, ErrNone
	}
	if m := strange(line); m != nil {
		return Command{}, m
	}
	words := strings.Split(line, " ")
	if slashless(words[0]) {
		m := &Miss{Problem: "a command begins with a slash"}
		return Command{}, m.suggest("/" + line)
	}
	f, ok := formOf(words[0])
	if !ok {
		return Command{}, unknown(words)
	}
	if slices.Contains(words, "") {
		m := f.miss("one blank stands between two words, and none before or behind them")
		return Command{}, m.suggest(strings.Join(strings.Fields(line), " "))
	}
	c := Command{Kind: f.kind, Part: f.part}
	operands, m := c.flags(f, words[1:])
	if m == nil {
		m = c.operands(f, operands)
	}
	if m != nil {
		return Command{}, m.parted(f, operands, words[1+len(operands):])
	}
	return c, nil
}

// parted suggests blanks where NAME:VERSION or VERSION,VERSION stands.
func (m *Miss) parted(f form, operands, flags []string) *Miss {
	if len(operands) == 0 || f.kind == DockerImages || m.Suggestion != "" {
		return m
	}
	words := append([]string{f.word}, strings.Split(operands[0], ":")...)
	for _, w := range operands[1:] {
		words = append(words, strings.FieldsFunc(w, func(r rune) bool { return r == ',' })...)
	}
	if slices.Equal(words[1:], operands) {
		return m
	}
	return m.suggest(strings.Join(append(words, flags...), " "))
}

// strange names the first character that no command has.
func strange(line string) *Miss {
	for i, r := range line {
		if r < ' ' || r > '~' {
			at := utf8.RuneCountInString(line[:i]) + 1
			m := &Miss{Problem: fmt.Sprintf("character %d is %s; a command is written with plain ASCII letters", at, describe(line[i:]))}
			if f, ok := formOf(strings.Fields(line)[0]); ok {
				m.Usage = f.usage()
			}
			return m
		}
	}
	if strings.HasPrefix(line, " ") {
		m := &Miss{Problem: "the line begins with a blank"}
		return m.suggest(strings.TrimLeft(line, " "))
	}
	return nil
}

// describe names the first character of a text.
func describe(s string) string {
	r, size := utf8.DecodeRuneInString(s)
	switch {
	case r == utf8.RuneError && size <= 1:
		return fmt.Sprintf("the byte 0x%02X, which is no UTF-8", s[0])
	case strconv.IsPrint(r):
		return fmt.Sprintf("%q (U+%04X)", r, r)
	}
	return fmt.Sprintf("the invisible U+%04X", r)
}

// visible writes a line so that every character of it can be told, and cuts it.
func visible(line string) string {
	const shown = 200
	cut := ""
	if len(line) > shown {
		line, cut = line[:shown], "..."
	}
	q := strconv.QuoteToASCII(line)
	q = strings.ReplaceAll(strings.ReplaceAll(q[1:len(q)-1], `\"`, `"`), `\\`, `\`)
	return q + cut
}

func formOf(word string) (form, bool) {
	i := slices.IndexFunc(forms, func(f form) bool { return f.word == word })
	if i < 0 {
		return form{}, false
	}
	return forms[i], true
}

// unknown answers a first word that is no command.
func unknown(words []string) *Miss {
	m := &Miss{Problem: fmt.Sprintf("there is no command %s", words[0])}
	f, ok := nearest(strings.ToLower(words[0]))
	if !ok {
		m.Usage = "one of the commands that /imagebuild_help lists"
		return m
	}
	m.Usage = f.usage()
	return m.suggest(strings.Join(append([]string{f.word}, words[1:]...), " "))
}

// commandIn finds a line that begins as a command does, outside of code fences.
func commandIn(text string) string {
	fence := ""
	for line := range strings.Lines(text) {
		trimmed := strings.TrimSpace(line)
		switch mark := fenceOf(trimmed); {
		case fence == "" && mark != "":
			fence = mark
		case fence != "" && strings.HasPrefix(trimmed, fence) && strings.Trim(trimmed, fence[:1]) == "":
			fence = ""
		case fence == "" && strings.HasPrefix(line, "/"):
			word, _, _ := strings.Cut(trimmed, " ")
			if _, ok := formOf(word); ok {
				return trimmed
			}
		}
	}
	return ""
}

// fenceOf is the run of characters that opens a code fence; empty when the line opens none.
func fenceOf(line string) string {
	for _, c := range []string{"`", "~"} {
		if run := len(line) - len(strings.TrimLeft(line, c)); run >= 3 {
			return line[:run]
		}
	}
	return ""
}
