package e2e

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestNames gives the program what cannot be the name or version of an application. It is told so, with exit code 2, before any file is looked at.
func TestNames(t *testing.T) {
	t.Parallel()
	bin := programDir(t)
	const (
		n = "a name has lower-case letters a-z, digits and dashes, and begins and ends with a letter or digit"
		v = "a version has letters A-Z a-z, digits, dots, underscores and dashes, and begins with a letter, digit or underscore"
	)
	for _, tt := range []struct{ name, version, hint, why string }{
		{"$(curl x|sh)", "1", n, "character 1 is '$'"},
		{"`id`", "1", n, "character 1 is '`'"},
		{"a;b", "1", n, "character 2 is ';'"},
		{"a'b", "1", n, `character 2 is '\''`},
		{"a\nb", "1", n, "character 2 is the invisible U+000A"},
		{"::set-output", "1", n, "character 1 is ':'"},
		{"a%0Ab", "1", n, "character 2 is '%'"},
		{"a\x1b[31mb", "1", n, "character 2 is the invisible U+001B"},
		{"..", "1", n, "character 1 is '.'"},
		{"../x", "1", n, "character 1 is '.'"},
		{"/etc", "1", n, "character 1 is '/'"},
		{"a/../../b", "1", n, "character 2 is '/'"},
		{`a\b`, "1", n, `character 2 is '\\'`},
		{"%2e%2e", "1", n, "character 1 is '%'"},
		{"--", "1", n, "it begins or ends with a dash"},
		{"-e", "1", n, "it begins or ends with a dash"},
		{"--help-me", "1", n, "it begins or ends with a dash"},
		{"nginx-", "1", n, "it begins or ends with a dash"},
		{"ng\u0456nx", "1", n, "character 3 is '\u0456' (U+0456, a Cyrillic letter)"},
		{"\uff4eginx", "1", n, "character 1 is '\uff4e' (U+FF4E, a full-width form)"},
		{"ngi\u202enx", "1", n, "character 4 is the invisible U+202E"},
		{"ng\u200binx", "1", n, "character 3 is the invisible U+200B"},
		{"ng\xffinx", "1", n, "character 3 is the byte 0xFF, which is no UTF-8"},
		{"Nginx", "1", n, "character 1 is 'N'"},
		{"nginx", "..", v, `it begins with "."`},
		{"nginx", ".", v, `it begins with "."`},
		{"nginx", "v1/../../x", v, "character 3 is '/'"},
		{"nginx", "1;rm", v, "character 2 is ';'"},
		{"nginx", "-e", v, `it begins with "-"`},
		{"nginx", "1.23\u200b.1", v, "character 5 is the invisible U+200B"},
		{"nginx", "1..2", "two dots mean the directory above", `it has ".." in it`},
		{"nginx", "", "", "the version is empty"},
		{"", "1", "", "the name is empty"},
		{strings.Repeat("a", 64), "1", "", "the name is 64 bytes long, at most 63 can be"},
		{"nginx", strings.Repeat("1", 129), "", "the version is 129 bytes long, at most 128 can be"},
	} {
		cmd := exec.Command(filepath.Join(bin, "cluster-image"), "build", "--", tt.name, tt.version)
		cmd.Dir = t.TempDir()
		cmd.Env = append(os.Environ(), "HOME="+cmd.Dir, "XDG_CACHE_HOME="+filepath.Join(cmd.Dir, "cache"))
		var stdout, stderr bytes.Buffer
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		err := cmd.Run()
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != 2 || stdout.Len() > 0 {
			t.Errorf("%q %q: %v, standard output %q", tt.name, tt.version, err, &stdout)
		}
		want := "cluster-image: " + tt.why + "\n"
		switch tt.hint {
		case n:
			want = fmt.Sprintf("cluster-image: invalid name %+q: %s; %s\n", tt.name, tt.why, n)
		case "":
		default:
			want = fmt.Sprintf("cluster-image: invalid version %+q: %s; %s\n", tt.version, tt.why, tt.hint)
		}
		if got := stderr.String(); got != want {
			t.Errorf("%q %q:\ngot  %s\nwant %s", tt.name, tt.version, got, want)
		}
		if left, err := os.ReadDir(cmd.Dir); err != nil || len(left) > 0 {
			t.Errorf("%q %q: left %v, %v", tt.name, tt.version, left, err)
		}
	}
}
