package policy

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Who is somebody or a group: anyone, accepted, owners, read, write, admin, id:NUMBER or team:ORG/TEAM.
type Who string

// The words that are not about one account or team. Write and so on are permissions for the repository, of which each has those before it.
const (
	Anyone   Who = "anyone"
	Accepted Who = "accepted"
	Owners   Who = "owners"
	Write    Who = "write"
)

// level is how far a permission reaches. GitHub counts maintain as write and triage as read.
type level int

const (
	none level = iota
	read
	write
	admin
)

func (w Who) level() level {
	return map[Who]level{"read": read, "write": write, "admin": admin}[w]
}

var team = regexp.MustCompile(`^team:([A-Za-z0-9][A-Za-z0-9-]{0,38})/([a-z0-9][a-z0-9_-]{0,99})$`)

// team is an organisation and a team's slug.
func (w Who) team() (org, slug string, ok bool) {
	m := team.FindStringSubmatch(string(w))
	if m == nil {
		return "", "", false
	}
	return m[1], m[2], true
}

// id is the number of an account.
func (w Who) id() (int64, bool) {
	digits, ok := strings.CutPrefix(string(w), "id:")
	n, err := strconv.ParseInt(digits, 10, 64)
	return n, ok && err == nil && n > 0
}

func (w Who) check() error {
	_, isID := w.id()
	_, _, isTeam := w.team()
	if isID || isTeam || w.level() > none || w == Anyone || w == Accepted || w == Owners {
		return nil
	}
	return fmt.Errorf("%q is none of anyone, accepted, owners, read, write, admin, id:NUMBER, team:ORG/TEAM", w)
}

// String says who it is, for a refusal.
func (w Who) String() string {
	switch _, isID := w.id(); {
	case w == Anyone:
		return "anyone"
	case w == Accepted:
		return "a request that a maintainer accepted"
	case w == Owners:
		return "the owners of the application"
	case w.level() > none:
		return string(w) + " permission for this repository"
	case isID:
		return "a named account"
	}
	return strings.TrimPrefix(string(w), "team:")
}
