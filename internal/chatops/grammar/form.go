package grammar

import (
	"fmt"
	"slices"
	"strings"
)

// headings are the labels of the issue forms, and the field each stands for. The forms in .github/ISSUE_TEMPLATE use no other labels for these.
var headings = map[string]string{
	"Command": "command", "命令": "command",
	"Name": "name", "名称": "name",
	"Version": "versions", "Versions": "versions", "版本": "versions",
	"Build arguments": "arguments", "构建参数": "arguments",
	"Version of sealos": "sealos", "sealos 版本": "sealos",
}

// noResponse is what GitHub writes for a field that was left empty.
const noResponse = "_No response_"

// maxForm bounds what is read of an issue's body, in bytes.
const maxForm = 16 << 10

// formFields reads the body that GitHub makes of an issue form: a heading of the third level for each field, and its value below. The first heading
// must be that of the command; headings that are not known end a field.
func formFields(body string) (map[string]string, bool) {
	fields, at, first := map[string]string{}, "", true
	for line := range strings.Lines(body[:min(len(body), maxForm)]) {
		line = strings.TrimSpace(line)
		if heading, ok := strings.CutPrefix(line, "### "); ok {
			at = headings[heading]
			if first && at != "command" {
				return nil, false
			}
			first = false
			continue
		}
		if first {
			return nil, false
		}
		if at != "" && line != "" && line != noResponse {
			fields[at] = strings.TrimSpace(fields[at] + "\n" + line)
		}
	}
	return fields, !first
}

// parseForm puts the fields into a line and reads that.
func parseForm(fields map[string]string) (Command, error) {
	word, _, _ := strings.Cut(fields["command"], " ")
	words := []string{word, fields["name"]}
	words = append(words, strings.Fields(fields["versions"])...)
	words = append(words, fields["arguments"], fields["sealos"])
	words = slices.DeleteFunc(words, func(s string) bool { return s == "" })
	line := strings.Join(words, " ")
	if _, ok := formOf(word); !ok {
		return Command{}, understood(line, &Miss{
			Problem: fmt.Sprintf("the form names no command that there is: %.60q", word), Usage: "one of the commands that /imagebuild_help lists",
		})
	}
	return parse(line)
}
