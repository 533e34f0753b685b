package publish

import (
	"context"
	"errors"

	"github.com/labring-actions/cluster-image/internal/reference"
)

// Session is a push under way. Layers are offered as they become ready, and go out while others are still being fetched.
type Session struct {
	o            Options
	targets      []Standing
	repositories map[string]*repository
	ctx          context.Context
	cancel       context.CancelCauseFunc
}

// errClosed is why uploads of an abandoned session end.
var errClosed = errors.New("the push was given up")

// Begin starts a session for targets that [Check] has looked at. It must be closed, which gives up whatever has not been finished.
func Begin(ctx context.Context, o Options, targets []Standing) *Session {
	s := &Session{o: o, targets: targets, repositories: map[string]*repository{}}
	s.ctx, s.cancel = context.WithCancelCause(ctx)
	for _, t := range targets {
		name := t.Ref.Repository()
		if s.repositories[name] == nil {
			s.repositories[name] = newRepository(t.Ref, o)
		}
		s.repositories[name].tagged = s.repositories[name].tagged || t.exists()
	}
	return s
}

// Offer has a layer uploaded to every repository that will take it, and returns at once. To a repository whose tag exists and is fixed nothing goes
// before [Session.Finish] knows that the digest is the right one.
func (s *Session) Offer(l Layer) {
	if s.ctx.Err() != nil {
		return
	}
	for name, r := range s.repositories {
		if s.open(name) {
			r.offer(s.ctx, l)
		}
	}
}

// open says whether any target of the repository may be pushed whatever the digest will be.
func (s *Session) open(name string) bool {
	for _, t := range s.targets {
		if t.Ref.Repository() == name && !t.Held() {
			return true
		}
	}
	return false
}

// Close gives up what is under way and waits for it to end. After [Session.Finish] it does nothing.
func (s *Session) Close() {
	s.cancel(errClosed)
	for _, r := range s.repositories {
		r.wg.Wait()
	}
}

func (s *Session) repository(ref reference.Reference) *repository {
	return s.repositories[ref.Repository()]
}
