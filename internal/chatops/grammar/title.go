package grammar

import (
	"fmt"
	"strings"
)

// titleMark begins the title of an issue that asks for an image.
const titleMark = "【Auto-build】"

// CheckTitle compares a command with the title of its issue. A title 【Auto-build】NAME must name what the command does; one without a name, and any
// other title, says nothing.
func CheckTitle(title string, c Command) error {
	named, ok := strings.CutPrefix(strings.TrimSpace(title), titleMark)
	named = strings.TrimSpace(named)
	if !ok || named == "" || !c.Kind.Named() || named == c.Name {
		return nil
	}
	return &Miss{
		Understood: c.String(),
		Problem:    fmt.Sprintf("the title of the issue names %.80q, and the command %q", visible(named), c.Name),
		Usage:      titleMark + c.Name + " as the title, or another issue for another name",
	}
}
