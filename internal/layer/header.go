package layer

import (
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"unicode/utf8"
)

// tarBlock is the unit of a tar: headers are one, contents are padded to one.
const tarBlock = 512

// Limits of the ustar header's fields.
const (
	maxName   = 100
	maxPrefix = 155
	maxOctal  = 1<<33 - 1 // eleven octal digits
)

// header makes the tar header of an entry: one ustar block, and before it a pax header where a value does not fit.
func (e Entry) header() ([]byte, error) {
	if err := e.check(); err != nil {
		return nil, err
	}
	path := e.Path
	if e.Mode.IsDir() {
		path += "/"
	}
	prefix, name, fits := split(path)
	var records []string
	if !fits {
		records = append(records, pax("path", path))
		prefix, name = "", short(path)
	}
	link := e.Link
	if len(link) > maxName || !ascii(link) {
		records = append([]string{pax("linkpath", link)}, records...)
		link = short(link)
	}
	size := e.Size
	if size > maxOctal {
		records = append(records, pax("size", strconv.FormatInt(size, 10)))
		size = 0
	}
	own := ustar{name: name, prefix: prefix, link: link, mode: e.Mode.Perm(), size: size, time: e.ModTime, kind: e.kind()}.bytes()
	if len(records) == 0 {
		return own, nil
	}
	return append(paxHeader(strings.Join(records, "")), own...), nil
}

// check refuses what a header cannot carry faithfully.
func (e Entry) check() error {
	switch {
	case !fs.ValidPath(e.Path) || e.Path == ".":
		return fmt.Errorf("path %q of a layer is not relative and clean", e.Path)
	case !utf8.ValidString(e.Path) || strings.ContainsRune(e.Path, 0):
		return fmt.Errorf("file name %q is not UTF-8", e.Path)
	case !utf8.ValidString(e.Link) || strings.ContainsRune(e.Link, 0):
		return fmt.Errorf("target %q of the link %s is not UTF-8", e.Link, e.Path)
	case e.Size < 0 || e.Mode.Type() != 0 && e.Size != 0:
		return fmt.Errorf("size %d of %s is impossible", e.Size, e.Path)
	case e.ModTime < 0 || e.ModTime > maxOctal:
		return fmt.Errorf("time %d of %s is out of range", e.ModTime, e.Path)
	case e.kind() == 0:
		return fmt.Errorf("%s is neither a file nor a directory nor a symbolic link", e.Path)
	}
	return nil
}

func (e Entry) kind() byte {
	switch e.Mode.Type() {
	case 0:
		return '0'
	case fs.ModeSymlink:
		return '2'
	case fs.ModeDir:
		return '5'
	}
	return 0
}

// split cuts a path for the prefix and name fields, at the last slash that the prefix may reach.
func split(path string) (prefix, name string, fits bool) {
	if !ascii(path) {
		return "", "", false
	}
	if len(path) <= maxName {
		return "", path, true
	}
	for i := min(maxPrefix, len(path)-2); i > 0; i-- {
		if path[i] == '/' && len(path)-i-1 <= maxName {
			return path[:i], path[i+1:], true
		}
	}
	return "", "", false
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// short is what the ustar field says of a value that a pax record holds in full.
func short(s string) string {
	s = strings.Map(func(r rune) rune {
		if r >= utf8.RuneSelf {
			return '_'
		}
		return r
	}, s)
	return s[:min(len(s), maxName)]
}

// pax makes one record; its decimal length counts itself.
func pax(key, value string) string {
	rest := " " + key + "=" + value + "\n"
	size := len(rest)
	for size != len(rest)+len(strconv.Itoa(size)) {
		size = len(rest) + len(strconv.Itoa(size))
	}
	return strconv.Itoa(size) + rest
}

func paxHeader(records string) []byte {
	h := ustar{name: "././@PaxHeader", mode: 0o644, size: int64(len(records)), kind: 'x'}.bytes()
	h = append(h, records...)
	return append(h, make([]byte, padding(int64(len(records))))...)
}

// padding is the number of zero bytes that follow a content of n bytes.
func padding(n int64) int64 { return -n & (tarBlock - 1) }

type ustar struct {
	name, prefix, link string
	mode               fs.FileMode
	size, time         int64
	kind               byte
}

// bytes lays the header out; owner and group are always 0, without names.
func (u ustar) bytes() []byte {
	b := make([]byte, tarBlock)
	copy(b[0:100], u.name)
	octal(b[100:108], int64(u.mode))
	octal(b[108:116], 0)
	octal(b[116:124], 0)
	octal(b[124:136], u.size)
	octal(b[136:148], u.time)
	copy(b[148:156], "        ")
	b[156] = u.kind
	copy(b[157:257], u.link)
	copy(b[257:265], "ustar\x0000")
	octal(b[329:337], 0)
	octal(b[337:345], 0)
	copy(b[345:500], u.prefix)
	var sum int64
	for _, c := range b {
		sum += int64(c)
	}
	octal(b[148:155], sum)
	return b
}

// octal fills a field with digits and one NUL at its end.
func octal(field []byte, v int64) {
	for i := len(field) - 2; i >= 0; i-- {
		field[i] = '0' + byte(v&7)
		v >>= 3
	}
	field[len(field)-1] = 0
}

// ErrLength says that a file or blob did not have as many bytes as was announced.
var ErrLength = errors.New("content has another length than announced")
