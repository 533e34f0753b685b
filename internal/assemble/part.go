package assemble

import (
	"os"
	"strings"
)

// partSuffix ends the name of a file that is being written.
const partSuffix = ".part"

func partPrefix(name string) string { return "." + name + "." }

// parts are the names of the unfinished files in a directory that are to become the file of a name.
func parts(dir, name string) []string {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	var out []string
	for _, e := range entries {
		middle, ok := strings.CutPrefix(strings.TrimSuffix(e.Name(), partSuffix), partPrefix(name))
		if ok && strings.HasSuffix(e.Name(), partSuffix) && strings.Trim(middle, "0123456789") == "" && e.Type().IsRegular() {
			out = append(out, e.Name())
		}
	}
	return out
}
