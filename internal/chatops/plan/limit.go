package plan

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/labring-actions/cluster-image/internal/chatops/github"
	"github.com/labring-actions/cluster-image/internal/chatops/grammar"
	"github.com/labring-actions/cluster-image/internal/chatops/policy"
	"github.com/labring-actions/cluster-image/internal/chatops/record"
)

// limit says that somebody asks for more than they may.
func (a *asked) limit(ctx context.Context, c grammar.Command, builds []Build, d policy.Decision) (*Refusal, error) {
	if most := a.Policy.Limits.Versions; c.Kind.Named() && len(builds) > most {
		return refuse(c, OverLimit, fmt.Sprintf("%d versions in one command, at most %d can be", len(builds), most)), nil
	}
	if d.Unlimited {
		return nil, nil
	}
	used, _, err := a.usage(ctx)
	if errors.Is(err, github.ErrTooMany) {
		return refuse(c, OverLimit, "too much was asked for here today to count what is yours; a maintainer can ask for it"), nil
	}
	if err != nil {
		return nil, err
	}
	if most := a.Policy.Limits.Builds; used+len(builds) > most {
		return refuse(c, OverLimit, fmt.Sprintf("%s in the last 24 hours and %d in this command; at most %d can be", counted(used, "image"), len(builds), most)), nil
	}
	return nil, nil
}

// usage is what the user got in the last 24 hours, all issues together. The bot's own replies are the count.
func (a *asked) usage(ctx context.Context) (builds, answers int, err error) {
	if a.GitHub == nil {
		return 0, 0, nil
	}
	since := a.Now().Add(-day)
	comments, err := a.GitHub.Since(ctx, since)
	if err != nil {
		return 0, 0, err
	}
	// A request that is being taken up again is not one more.
	records := slices.DeleteFunc(record.All(comments, a.Policy.Bot), func(r record.Record) bool { return r.Key == a.plan.Source.Key })
	builds, answers = records.Usage(a.user.ID, since.Truncate(time.Second))
	return builds, answers, nil
}

// boundAnswers drops an answer that builds nothing when its user got many of them today.
func (a *asked) boundAnswers(ctx context.Context) error {
	if a.plan.Action != DoAnswer || a.plan.Source.Issue == 0 || a.labelled {
		return nil
	}
	_, answers, err := a.usage(ctx)
	if err != nil && !errors.Is(err, github.ErrTooMany) {
		return err
	}
	if err == nil && answers < a.Policy.Limits.Refusals {
		return nil
	}
	may, err := a.directory().Permission(ctx, policy.User{ID: a.user.ID, Login: a.user.Login})
	if err == nil && may != "write" && may != "admin" {
		a.ignore(fmt.Sprintf("%s without a build were given to this user in 24 hours", counted(answers, "answer")))
	}
	return err
}
