package start_test

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/labring-actions/cluster-image/internal/discover/start"
	"github.com/labring-actions/cluster-image/internal/render"
)

// idioms are start commands as the catalogue has them.
var idioms = map[string]struct {
	commands []string
	env      map[string]string
	script   string
	want     []render.Values
}{
	"variables of the Kubefile": {
		commands: []string{"helm upgrade -i $(NAME) $(CHARTS) -n $(NAMESPACE) --create-namespace $(HELM_OPTS)"},
		env:      map[string]string{"NAME": "web", "CHARTS": "./charts/a", "NAMESPACE": "ns", "HELM_OPTS": `--set a=1 --set b="x y" --set c={p\,q}`},
		want:     []render.Values{{Label: "the start command", Release: "web", Namespace: "ns", Set: []string{"a=1", "b=x y", "c={p,q}"}}},
	},
	"defaults left in ENV": {
		commands: []string{"helm install $(NAME) charts/a"}, env: map[string]string{"NAME": `${NAME:-"web"}`},
		want: []render.Values{{Label: "the start command", Release: "web"}},
	},
	"dollars": {
		commands: []string{"X=1; helm install a$$X charts/a --set v=$(NOBODY)"},
		want:     []render.Values{{Label: "the start command", Release: "a1", Set: []string{"v=1"}}},
	},
	"a shell's array elements": {
		commands: []string{"/bin/sh", "-c", "sh -ec 'helm template a charts/a -nspace --set=x=1 --set-json=y=[1]'"},
		want:     []render.Values{{Label: "the start command", Release: "a", Namespace: "space", Set: []string{"x=1"}, SetJSON: []string{"y=[1]"}}},
	},
	"uninstall in the other branch": {
		script: "[ -z ${uninstall} ] && helm upgrade -i a charts/a || helm uninstall a\n",
		want:   []render.Values{{Label: "entrypoint.sh:1", Release: "a"}},
	},
	"options extended in a branch": {
		script: "O='--set a=1'\nif [ \"$B\" ]; then O=\"$O --set b=1\"; fi\nhelm upgrade a charts/a $O\n",
		want: []render.Values{
			{Label: "entrypoint.sh:3", Release: "a", Set: []string{"a=1", "b=1"}},
			{Label: "entrypoint.sh:3", Release: "a", Set: []string{"a=1"}},
		},
	},
	"retries and generated names": {
		script: "until timeout -k 5 60 helm install --generate-name charts/a; do sleep 1; done\n",
		want:   []render.Values{{Label: "entrypoint.sh:1"}},
	},
	"the chart's directory": {
		script: "cd charts && helm upgrade -i a a --set-file k=b/c\n",
		want:   []render.Values{{Label: "entrypoint.sh:1", Release: "a", SetFile: []string{"k=b/c"}, Dir: "charts"}},
	},
	"absolute by pwd": {
		script: "HERE=$(cd \"$(dirname \"$0\")\" && pwd)\nhelm upgrade -i a $HERE/charts/a\n",
		want:   []render.Values{{Label: "entrypoint.sh:2", Release: "a"}},
	},
	"cilium": {
		script: "cilium install --chart-directory charts/a --helm-set k=v --set x=y\n",
		want:   []render.Values{{Label: "entrypoint.sh:1", Release: "cilium", Set: []string{"x=y", "k=v"}}},
	},
	"no chart of helm": {script: "helm repo add a https://example.com\nhelm uninstall a\nkubectl apply -f x\nhelm upgrade -i a b --repo https://example.com\n"},
}

func TestIdioms(t *testing.T) {
	t.Parallel()
	for name, c := range idioms {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			plan := start.Read(context(t, c.script), c.commands, c.env)
			var got []render.Values
			for _, i := range plan.Invocations {
				if i.Path != "charts/a" {
					t.Errorf("chart %q at %q", i.Chart, i.Path)
				}
				got = append(got, i.Values)
			}
			if !reflect.DeepEqual(got, c.want) {
				t.Errorf("got\n%+v\nwant\n%+v\n%v", got, c.want, plan.Warnings)
			}
		})
	}
}

func TestUnreadable(t *testing.T) {
	t.Parallel()
	plan := start.Read(context(t, "if then fi ((\n"), nil, nil)
	if len(plan.Warnings) != 1 || plan.Warnings[0].File != "entrypoint.sh" {
		t.Errorf("%+v", plan)
	}
}

// context is a build context with a chart and, if there is one, an entrypoint.sh.
func context(t *testing.T, script string) *os.Root {
	t.Helper()
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "charts", "a"), 0o755); err != nil {
		t.Fatal(err)
	}
	if script != "" {
		if err := os.WriteFile(filepath.Join(dir, "entrypoint.sh"), []byte(script), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = root.Close() })
	return root
}
