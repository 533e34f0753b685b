package remote

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/Masterminds/semver/v3"
)

// MinVersion is the oldest version of the dagger command line and of an engine that the module works with: engineVersion of dagger.json.
const MinVersion = "v0.20.0"

// VersionError says that something is too old.
type VersionError struct {
	// What is "the dagger command line" or "the Dagger engine".
	What, Version string
}

// Error names what there is and what it takes.
func (e *VersionError) Error() string {
	return fmt.Sprintf("%s is %s, and the module needs %s or newer", e.What, e.Version, MinVersion)
}

// Answer is what an engine said of itself.
type Answer struct {
	// Name is what the engine calls itself, mostly the name of its host or container.
	Name string
	// Version is the engine's.
	Version string
}

var (
	ansi           = regexp.MustCompile(`\x1b\[[0-9;]*m`)
	versionPattern = regexp.MustCompile(`v\d+\.\d+\.\d+[^\s]*`)
	answerPattern  = regexp.MustCompile(`connected name=(\S+) client-version=\S+ server-version=(\S+)`)
	// tracePattern is what dagger adds to its last line for those who look into its traces.
	tracePattern = regexp.MustCompile(` \[traceparent:[^\]]*\]`)
	// obstaclePattern is how dagger tells why it cannot connect, again and again: in the words of the network, or of ssh after "stderr=".
	obstaclePattern = regexp.MustCompile(`connection error: desc = "(?:[^\n]*stderr=)?([^\n]*[^\n"])`)
)

// Probe asks the engine who it is, and checks that command line and engine are new enough.
func (e Engine) Probe(ctx context.Context) (Answer, error) {
	out, err := e.dagger(ctx, nil, nil, "version")
	if err != nil {
		return Answer{}, err
	}
	if v := versionPattern.FindString(out); tooOld(v) {
		return Answer{}, &VersionError{"the dagger command line", v}
	}
	answer, err := e.ask(ctx)
	if err == nil && tooOld(answer.Version) {
		err = &VersionError{"the Dagger engine", answer.Version}
	}
	return answer, err
}

// ask asks the engine who it is.
func (e Engine) ask(ctx context.Context) (Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, e.patience())
	defer cancel()
	var log bytes.Buffer
	out, err := e.dagger(ctx, &log, nil, "core", "--progress=plain", "version")
	switch {
	case errors.Is(err, context.Canceled):
		return Answer{}, err
	case errors.Is(err, context.DeadlineExceeded):
		return Answer{}, fmt.Errorf("%w at %s within %s: %s", ErrNoEngine, e.where(), e.patience(), obstacle(log.String()))
	case err != nil:
		return Answer{}, fmt.Errorf("%w at %s: %s", ErrNoEngine, e.where(), obstacle(log.String()))
	}
	answer := Answer{Version: strings.TrimSpace(out)}
	if m := answerPattern.FindStringSubmatch(log.String()); m != nil {
		answer = Answer{Name: m[1], Version: m[2]}
	}
	return answer, nil
}

// tooOld says that something is not of [MinVersion] or newer, or not a version at all.
func tooOld(version string) bool {
	v, err := semver.NewVersion(version)
	return err != nil || v.LessThan(semver.MustParse(MinVersion))
}

// patience is how long an engine has to answer. One that runs answers at once, while dagger goes on trying for many minutes; one that has to be started
// has to be downloaded too.
func (e Engine) patience() time.Duration {
	if e.Runner == "" || strings.Contains(e.Runner, "image://") {
		return 15 * time.Minute
	}
	return 30 * time.Second
}

func (e Engine) where() string {
	if e.Runner == "" {
		return "the default address"
	}
	return e.Runner
}

// obstacle is why no connection came about: what dagger says of the last try, else its last line with text.
func obstacle(log string) string {
	log = strings.TrimSpace(ansi.ReplaceAllString(log, ""))
	if found := obstaclePattern.FindAllStringSubmatch(log, -1); len(found) > 0 {
		return found[len(found)-1][1]
	}
	lines := strings.Split(log, "\n")
	last := tracePattern.ReplaceAllString(lines[len(lines)-1], "")
	return strings.TrimPrefix(strings.TrimSpace(last), "Error: ")
}
