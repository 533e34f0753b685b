package app_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/labring-actions/cluster-image/internal/recipe/app"
)

// started is a recipe with every kind of step.
const started = head + `requires: {storage-class: true}
sources:
  - {chart: db, repo: https://charts.example.com, app-version: "{version}"}
variables:
  ROOT_PASSWORD: {generate: password, about: the password}
  MAIL: {required: true, about: who is told}
  POOL: {default: "", about: addresses}
start:
  - install: {from: opt/dbctl, to: /usr/bin/dbctl-of-a-test}
  - helm: db
    namespace: data
    options: --set service.type=NodePort
    crds: apply
    from-variables: {auth.password: ROOT_PASSWORD, admin.mail: MAIL}
  - apply: manifests/db.yaml
    namespace: data
  - apply: manifests/pool.yaml
    when: "{POOL}"
  - run: dbctl up --mail "$MAIL"
    undo: dbctl down
`

// machine is a directory with the context of a started recipe, and with programs that write down how they are called.
type machine struct {
	t    *testing.T
	dir  string
	bash string
}

// fakes are helm and kubectl. State is in files: releases, the secret, and whether the operator's kinds are there.
var fakes = map[string]string{
	"helm": `case $1 in
status) [ -f state/release ] ;;
upgrade) touch state/release state/kinds; for a in "$@"; do case $a in */[0-9].yaml) cat "$a" >>values ;; esac; done ;;
uninstall) rm state/release state/kinds ;;
esac`,
	"kubectl": `case "$1 $2" in
"get storageclass") cat state/classes 2>/dev/null ;;
"get secret") [ ! -f state/secret ] || sed -n 's/^  ROOT_PASSWORD: //p' state/secret ;;
"apply --server-side") case "$*" in *" -f -") cat >state/secret ;; esac ;;
"delete --ignore-not-found") [ -f state/kinds ] || { echo 'error: resource mapping not found: no matches for kind "DB"' >&2; exit 1; } ;;
esac`,
	"dbctl":   ":",
	"install": ":",
}

func newMachine(t *testing.T) machine {
	t.Helper()
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("bash is not installed")
	}
	a, err := app.Decode([]byte(started))
	if err != nil {
		t.Fatal(err)
	}
	made, err := a.Generate(app.Scope{Name: "db", Version: "1.20", Arch: "amd64", Symbolic: true}, []string{"manifests/db.yaml", "manifests/pool.yaml", "opt/dbctl", "charts/db/Chart.yaml"})
	if err != nil {
		t.Fatal(err)
	}
	m := machine{t, t.TempDir(), bash}
	m.write("entrypoint.sh", made["entrypoint.sh"])
	m.write("opt/dbctl", "#!/bin/sh\n")
	m.write("charts/db/crds/db.yaml", "kind: CustomResourceDefinition\n")
	m.write("state/classes", "true ")
	for name, text := range fakes {
		m.write("path/"+name, "#!/bin/sh\necho \""+name+" $*\" >>calls\n"+text+"\n")
	}
	return m
}

func (m machine) write(name, text string) {
	m.t.Helper()
	path := filepath.Join(m.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		m.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
		m.t.Fatal(err)
	}
}

func (m machine) read(name string) string {
	b, _ := os.ReadFile(filepath.Join(m.dir, name)) // what is not there is empty
	return string(b)
}

// start runs the script as sealos does, and gives what it called.
func (m machine) start(env ...string) (calls, said string, err error) {
	_ = os.Remove(filepath.Join(m.dir, "calls"))
	cmd := exec.CommandContext(m.t.Context(), m.bash, "entrypoint.sh")
	cmd.Dir = m.dir
	cmd.Env = append([]string{"PATH=" + filepath.Join(m.dir, "path") + ":" + os.Getenv("PATH"),
		"NAME=db", "NAMESPACE=data", "CHARTS=./charts/db", "HELM_OPTS=--set service.type=NodePort", "POOL="}, env...)
	out, err := cmd.CombinedOutput()
	return m.read("calls"), string(out), err
}

// must runs the script and wants each of the calls, in this order.
func (m machine) must(want []string, env ...string) string {
	m.t.Helper()
	calls, said, err := m.start(env...)
	if err != nil {
		m.t.Fatalf("%v\n%s\ncalls:\n%s", err, said, calls)
	}
	rest := calls
	for _, w := range want {
		_, after, ok := strings.Cut(rest, w)
		if !ok {
			m.t.Fatalf("no %q, or not in order, in the calls\n%s", w, calls)
		}
		rest = after
	}
	return calls
}

func TestStartScript(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	steps := []string{
		"install -D -m 0755 opt/dbctl /usr/bin/dbctl-of-a-test",
		"kubectl apply --server-side --force-conflicts --recursive -f ./charts/db/crds",
		"helm upgrade --install db ./charts/db --namespace data --create-namespace --wait",
		"--set service.type=NodePort", "kubectl apply --namespace data -f manifests/db.yaml", "dbctl up --mail a@b.c",
	}
	calls := m.must(steps, "MAIL=a@b.c")
	if strings.Contains(calls, "pool.yaml") {
		t.Errorf("a step whose variable is empty ran:\n%s", calls)
	}
	values, secret := m.read("values"), m.read("state/secret")
	if !strings.Contains(values, `{"auth": {"password": "Pw-`) || !strings.Contains(values, `{"admin": {"mail": "a@b.c"}}`) {
		t.Errorf("values of variables: %s", values)
	}
	if strings.Contains(calls, "Pw-") {
		t.Errorf("the password is an argument:\n%s", calls)
	}
	again := m.must(append(steps[:5:5], "kubectl apply -f manifests/pool.yaml"), "MAIL=a@b.c", "POOL=10.0.0.0/24")
	if m.read("state/secret") != secret {
		t.Errorf("the second start made another password, after\n%s", again)
	}
	undo := []string{"dbctl down", "kubectl delete --ignore-not-found --namespace data -f manifests/db.yaml", "helm uninstall db --namespace data"}
	m.must(undo, "uninstall=true")
	calls = m.must(undo[:2], "uninstall=true") // the kinds went with the operator
	if strings.Contains(calls, "helm uninstall") {
		t.Errorf("a release that is gone was removed:\n%s", calls)
	}
}

// TestStartScriptRefuses holds what ends a start before anything is changed.
func TestStartScriptRefuses(t *testing.T) {
	t.Parallel()
	for want, spoil := range map[string]func(machine) []string{
		"MAIL is missing (who is told): give it with -e MAIL=VALUE": func(machine) []string { return nil },
		"the cluster has no default StorageClass": func(m machine) []string {
			m.write("state/classes", "")
			return []string{"MAIL=x"}
		},
		"helm is not installed on this machine": func(m machine) []string {
			if _, err := exec.LookPath("helm"); err == nil {
				m.t.Skip("helm is installed on this machine")
			}
			_ = os.Remove(filepath.Join(m.dir, "path/helm"))
			return []string{"MAIL=x"}
		},
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			m := newMachine(t)
			calls, said, err := m.start(spoil(m)...)
			if err == nil || !strings.Contains(said, want) {
				t.Errorf("%v: %s", err, said)
			}
			for _, changes := range []string{"helm upgrade", "kubectl apply", "dbctl"} {
				if strings.Contains(calls, changes) {
					t.Errorf("%s was called:\n%s", changes, calls)
				}
			}
		})
	}
}
