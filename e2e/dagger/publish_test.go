package dagger

import (
	"strings"
	"testing"
)

func TestPublish(t *testing.T) {
	const password = "correct-horse-battery"
	e, from, to, recipes := newEngine(t), newUpstream(t, ""), newUpstream(t, password), t.TempDir()
	from.image(t, "library/one:1")
	writeRecipe(t, recipes, "first", pods("docker.io/library/one:1"))
	want := to.address + "/labring/first:1.0.0@" + e.inProcess(t, from, recipes, "first")
	publish := func(t *testing.T, password string) outcome {
		t.Helper()
		return e.call(t, from, recipes, []string{"E2E_PASSWORD=" + password}, "--plain-http", to.address, "build", "--app", "first", "--version", "1.0.0",
			"publish", "--address", to.address+"/labring/first:1.0.0", "--username", "pusher", "--password", "env:E2E_PASSWORD")
	}

	t.Run("a wrong password fails and is not shown", func(t *testing.T) {
		const wrong = "wrong-pony-charger"
		o := publish(t, wrong)
		if o.err == nil {
			t.Error("it worked")
		}
		if strings.Contains(o.stdout+o.stderr, wrong) {
			t.Errorf("the password is in the output:\n%s%s", o.stdout, o.stderr)
		}
	})
	t.Run("every call pushes", func(t *testing.T) {
		for i := range 2 {
			to.asked()
			o := publish(t, password)
			if got := o.must(t); got != want {
				t.Errorf("call %d: got %s, want %s", i+1, got, want)
			}
			if _, all := to.asked(); all == 0 {
				t.Errorf("call %d asked the registry nothing", i+1)
			}
			if strings.Contains(o.stdout+o.stderr, password) {
				t.Errorf("the password is in the output:\n%s%s", o.stdout, o.stderr)
			}
		}
	})
	t.Run("a recipe finds no credentials", func(t *testing.T) {
		spy := pods("docker.io/library/one:1")
		spy["init.sh"] += "if env | grep -q -i password || ls /run/secrets/* || grep -rqs " + password + " /run /tmp /root /proc/self/environ; then exit 9; fi\n"
		writeRecipe(t, recipes, "spy", spy)
		e.call(t, from, recipes, []string{"E2E_PASSWORD=" + password}, "--plain-http", to.address, "build", "--app", "spy", "--version", "1.0.0",
			"publish", "--address", to.address+"/labring/spy:1.0.0", "--username", "pusher", "--password", "env:E2E_PASSWORD").must(t)
	})
}
