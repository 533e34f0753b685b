package policy_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/labring-actions/cluster-image/internal/chatops/grammar"
	"github.com/labring-actions/cluster-image/internal/chatops/policy"
)

// people is a directory with a few accounts, which counts how often it is asked.
type people struct {
	permission map[string]string
	teams      map[string]bool
	asked      int
	err        error
}

func (p *people) Permission(_ context.Context, u policy.User) (string, error) {
	p.asked++
	return p.permission[u.Login], p.err
}

func (p *people) Member(_ context.Context, org, team string, u policy.User) (bool, error) {
	p.asked++
	return p.teams[org+"/"+team+" "+u.Login], p.err
}

func defaults(t *testing.T) policy.Policy {
	t.Helper()
	p, err := policy.ReadFile("../../../.github/chatops.yml")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func parse(t *testing.T, line string) grammar.Command {
	t.Helper()
	c, err := grammar.Parse(line)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestDefault holds the promise of the policy that the repository has.
func TestDefault(t *testing.T) {
	t.Parallel()
	p := defaults(t)
	for _, tt := range []struct {
		line               string
		stranger, accepted bool
	}{
		{"/imagebuild_help", true, true},
		{"/imagebuild_apps nginx 1.23.1", true, true},
		{"/imagebuild_dockerimages zot v2.0.1", true, true},
		{"/imagebuild_configs coredns v0.0.1", true, true},
		{"/imagebuild_apps nginx 1.23.1 --dry-run", true, true},
		{"/imagebuild_apps nginx 1.23.1 --force", false, true},
		{"/imagebuild_apps nginx 1.23.1 --platform linux/amd64", false, true},
		{"/imagebuild_hosted nginx 1.23.1", false, true},
		{"/imagebuild_k8s", false, true},
		{"/single_imagebuild_k8s_part1", false, true},
		{"/imagebuild_docker_k8s", false, true},
		{"/imagebuild_cancel", false, true},
	} {
		for login, want := range map[string]bool{"stranger": tt.stranger, "reader": tt.stranger, "writer": true, "admin": true} {
			d := &people{permission: map[string]string{"reader": "read", "writer": "write", "admin": "admin", "stranger": "none"}}
			got, err := p.Decide(t.Context(), d, policy.Request{Command: parse(t, tt.line), By: policy.User{ID: 7, Login: login}})
			if err != nil || got.Allowed != want || (got.Reason == "") != want || !want && !got.Acceptable {
				t.Errorf("%s by %s: %+v, %v", tt.line, login, got, err)
			}
			if privileged := login == "writer" || login == "admin" || tt.line == "/imagebuild_help"; got.Allowed && got.Unlimited != privileged {
				t.Errorf("%s by %s: unlimited is %v", tt.line, login, got.Unlimited)
			}
			if d.asked > 1 {
				t.Errorf("%s by %s: asked %d times", tt.line, login, d.asked)
			}
		}
		got, err := p.Decide(t.Context(), &people{}, policy.Request{Command: parse(t, tt.line), Accepted: true})
		if err != nil || got.Allowed != tt.accepted {
			t.Errorf("%s accepted: %+v, %v", tt.line, got, err)
		}
	}
}

const strict = `
version: 1
bot: 1
allow:
  apps: [owners, team:labring/builders, id:99]
  force: [admin]
owners:
  nginx: [id:5, "team:labring/web"]
`

func TestOwnersAndTeams(t *testing.T) {
	t.Parallel()
	p, err := policy.Read(strings.NewReader(strict))
	if err != nil {
		t.Fatal(err)
	}
	d := &people{teams: map[string]bool{"labring/web web": true, "labring/builders builder": true}, permission: map[string]string{"builder": "write"}}
	for _, tt := range []struct {
		line string
		by   policy.User
		want bool
	}{
		{"/imagebuild_apps nginx 1", policy.User{ID: 5, Login: "five"}, true},
		{"/imagebuild_apps helm v1", policy.User{ID: 5, Login: "five"}, false},
		{"/imagebuild_apps nginx 1", policy.User{ID: 6, Login: "web"}, true},
		{"/imagebuild_apps helm v1", policy.User{ID: 6, Login: "web"}, false},
		{"/imagebuild_apps helm v1", policy.User{ID: 8, Login: "builder"}, true},
		{"/imagebuild_apps helm v1 --force", policy.User{ID: 8, Login: "builder"}, false},
		{"/imagebuild_apps helm v1", policy.User{ID: 99, Login: "x"}, true},
		{"/imagebuild_configs coredns v1", policy.User{ID: 99, Login: "x"}, false},
	} {
		got, err := p.Decide(t.Context(), d, policy.Request{Command: parse(t, tt.line), By: tt.by})
		if err != nil || got.Allowed != tt.want || got.Acceptable {
			t.Errorf("%s by %s: %+v, %v", tt.line, tt.by.Login, got, err)
		}
	}
}

// TestNoAnswerIsNoPermission: when GitHub does not say what somebody is, nothing is allowed.
func TestNoAnswerIsNoPermission(t *testing.T) {
	t.Parallel()
	p, broken := defaults(t), errors.New("no answer")
	got, err := p.Decide(t.Context(), &people{err: broken}, policy.Request{Command: parse(t, "/imagebuild_k8s")})
	if got.Allowed || !errors.Is(err, broken) {
		t.Errorf("%+v, %v", got, err)
	}
	ok, err := p.MayAccept(t.Context(), &people{err: broken}, policy.User{})
	if ok || !errors.Is(err, broken) {
		t.Errorf("%v, %v", ok, err)
	}
}

func TestMayAccept(t *testing.T) {
	t.Parallel()
	p := defaults(t)
	for permission, want := range map[string]bool{"none": false, "read": false, "write": true, "admin": true, "": false, "owner": false} {
		ok, err := p.MayAccept(t.Context(), &people{permission: map[string]string{"x": permission}}, policy.User{Login: "x"})
		if err != nil || ok != want {
			t.Errorf("%s: %v, %v", permission, ok, err)
		}
	}
}

func TestSlips(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                             "EOF",
		"version: 2\nbot: 1":           "version 2 is not known",
		"version: 1":                   "bot: the id",
		"version: 1\nbot: 1\nalow: {}": "field alow not found",
		"version: 1\nbot: 1\nallow: {app: [anyone]}":           `no power "app"`,
		"version: 1\nbot: 1\nallow: {apps: [everyone]}":        `"everyone" is none of`,
		"version: 1\nbot: 1\nallow: {apps: [id:0]}":            "is none of",
		"version: 1\nbot: 1\nowners: {nginx: [anyone]}":        "want id:NUMBER",
		"version: 1\nbot: 1\nowners: {../x: [id:1]}":           "invalid name",
		"version: 1\nbot: 1\nlabel: {permission: anyone}":      "none of read, write, admin",
		"version: 1\nbot: 1\nlimits: {versions: 0}":            "limits",
		"version: 1\nbot: 1\nkubernetes: {docker: [\"../x\"]}": "invalid version",
		"version: 1\nbot: 1\n---\nallow: {k8s: [anyone]}":      "more than one document",
	} {
		if _, err := policy.Read(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}
