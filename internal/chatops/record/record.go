// Package record is what the bot keeps of a request: a hidden line at the beginning of its own reply. There is no other memory. What was built already,
// what was accepted, and how much somebody asked for today are read from there.
package record

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/labring-actions/cluster-image/internal/chatops/github"
)

// State is how far a request has come.
type State string

// The states. Answered is help, Refused a text that can't be built, Waiting one that waits for a maintainer.
const (
	Answered  State = "answered"
	Refused   State = "refused"
	Waiting   State = "waiting"
	Accepted  State = "accepted"
	Running   State = "running"
	Done      State = "done"
	Failed    State = "failed"
	Cancelled State = "cancelled"
)

// Open says that builds are under way.
func (s State) Open() bool { return s == Accepted || s == Running }

// Record is one request.
type Record struct {
	// Key tells where the request stands: comment-NUMBER, issue-NUMBER or run-NUMBER.
	Key string
	// User is the id of who asked.
	User  int64
	State State
	// Hash is that of the command; empty when the text is none.
	Hash string
	// Label says that a maintainer's label accepted it.
	Label bool
	// Builds is how many images it stands for.
	Builds int
	// Run and Attempt are those of the workflow that handles it.
	Run     int64
	Attempt int

	// Reply is the comment that holds the record, and At is when that was made.
	Reply int64
	At    time.Time
	// Issue is the number of the issue, where it is known.
	Issue int
}

var line = regexp.MustCompile(`^<!-- cluster-image:1 key=([a-z]{1,10}-[0-9]{1,19}) user=([0-9]{1,19}) state=([a-z]{1,10}) hash=([0-9a-f]{0,64}) ` +
	`label=([01]) builds=([0-9]{1,6}) run=([0-9]{1,19}) attempt=([0-9]{1,6}) -->`)

var states = []State{Answered, Refused, Waiting, Accepted, Running, Done, Failed, Cancelled}

// String is the hidden line.
func (r Record) String() string {
	label := 0
	if r.Label {
		label = 1
	}
	return fmt.Sprintf("<!-- cluster-image:1 key=%s user=%d state=%s hash=%s label=%d builds=%d run=%d attempt=%d -->",
		r.Key, r.User, r.State, r.Hash, label, r.Builds, r.Run, r.Attempt)
}

// Of reads the record of a comment. Only what the bot wrote, at the very beginning, is one.
func Of(c github.Comment, bot int64) (Record, bool) {
	m := line.FindStringSubmatch(c.Body)
	if m == nil || c.User.ID != bot || !slices.Contains(states, State(m[3])) {
		return Record{}, false
	}
	number := func(s string) int64 {
		n, _ := strconv.ParseInt(s, 10, 64) // digits by the expression; what is too large is the largest
		return n
	}
	return Record{
		Key: m[1], User: number(m[2]), State: State(m[3]), Hash: m[4], Label: m[5] == "1",
		Builds: int(number(m[6])), Run: number(m[7]), Attempt: int(number(m[8])), Reply: c.ID, At: c.Created,
	}, true
}

// All reads the records of comments.
func All(comments []github.Comment, bot int64) Records {
	var out Records
	for _, c := range comments {
		if r, ok := Of(c, bot); ok {
			out = append(out, r)
		}
	}
	return out
}

// Records are several, the oldest first.
type Records []Record

// Key gives the oldest record with a key, which is the one that counts.
func (rs Records) Key(key string) (Record, bool) {
	i := slices.IndexFunc(rs, func(r Record) bool { return r.Key == key })
	if i < 0 {
		return Record{}, false
	}
	return rs[i], true
}

// Accepted says that the label accepted a request with the hash.
func (rs Records) Accepted(hash string) bool {
	return slices.ContainsFunc(rs, func(r Record) bool { return r.Label && r.Hash == hash })
}

// Waiting are the requests of comments that wait for a maintainer.
func (rs Records) Waiting() Records {
	var out Records
	for _, r := range rs {
		if r.State == Waiting && strings.HasPrefix(r.Key, "comment-") {
			out = append(out, r)
		}
	}
	return out
}

// Usage is what one user got since a time: builds, without those that a maintainer accepted, and answers that were none.
func (rs Records) Usage(user int64, since time.Time) (builds, answers int) {
	for _, r := range rs {
		if r.User != user || r.At.Before(since) {
			continue
		}
		switch r.State {
		case Answered, Refused, Waiting:
			answers++
		default:
			if !r.Label {
				builds += r.Builds
			}
		}
	}
	return builds, answers
}
