package app_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/labring-actions/cluster-image/internal/discover/start"
	"github.com/labring-actions/cluster-image/internal/recipe/app"
)

// everything is a recipe with a step of each kind.
const everything = head + `requires: {tools: [jq], storage-class: true}
variables:
  SC_NAME: {default: "", about: storage class}
  REPLICAS: {default: 2, about: how many}
  ADMIN: {required: true, about: who may log in, render: admin@example.com}
  ROOT_PASSWORD: {generate: password, about: root's password}
  addresses: {default: "", about: pool}
sources:
  - {chart: db, repo: https://charts.example.com, version: 1.2.3}
  - {chart: cluster, repo: https://charts.example.com, version: 1.2.3}
  - {binary: "https://example.com/tool-{arch}"}
  - {manifest: https://example.com/pool.yaml}
start:
  - install: [{from: "opt/tool-{arch}", to: BIN/tool}]
  - helm: db
    chart: charts/db
    namespace: data
    options: --set a=1 --set b[0]=*
    values: {image: {tag: "{version}"}}
    crds: apply
    from-variables: {auth.root\.password: ROOT_PASSWORD, auth.user: ADMIN, storage.class: SC_NAME, replicas: REPLICAS}
  - helm: cluster
    chart: charts/cluster
    namespace: data
    prefix: CLUSTER
    wait: false
  - apply: manifests/pool.yaml
    when: "{addresses}"
    namespace: pool
    wait: [condition=Available deployment/x, rollout daemonset/y]
  - run: echo run "$NAME"
    undo: echo undo "$NAME"
  - run: echo never
    when: "<1"
`

// host is a directory in which the start script of a recipe runs, with programs that tell what they are asked.
type host struct {
	t    *testing.T
	dir  string
	bash string
	env  []string
}

func newHost(t *testing.T, text string) *host {
	t.Helper()
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("bash is not installed: apt-get install bash")
	}
	m := &host{t: t, dir: t.TempDir(), bash: bash}
	a, err := app.Decode([]byte(strings.ReplaceAll(text, "BIN", filepath.Join(m.dir, "bin"))))
	if err != nil {
		t.Fatal(err)
	}
	p, err := a.Plan(app.Scope{Name: "demo", Version: "1.20.0", Arch: "arm64"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range p.Files {
		m.write(name, content, 0o644)
	}
	m.write("opt/tool-arm64", "tool", 0o644)
	m.write("charts/db/crds/a.yaml", "kind: X\n", 0o644)
	m.program("jq", "")
	m.program("helm", `echo "helm $*" >> calls
previous=
for a in "$@"; do
  [[ $previous != --values ]] || cat "$a" >> calls
  previous=$a
done
[[ ${FAIL:-} != helm ]] || { [[ -z ${SAYS:-} ]] || echo "$SAYS" >&2; exit 1; }`)
	m.program("kubectl", `echo "kubectl $*" >> calls
case "$*" in
"get storageclass"*) echo "${CLASSES- true }" ;;
"get secret"*) cat secret 2>/dev/null || true ;;
*"-f -") cat >> calls ;;
"create namespace"*) echo "namespace" ;;
esac`)
	m.env = []string{"PATH=" + filepath.Join(m.dir, "path") + ":/usr/bin:/bin", "ADMIN=a\"b\\c$x", "REPLICAS=3", "SC_NAME=", "addresses="}
	m.env = append(m.env, "NAME=web", "NAMESPACE=ns", "CHARTS=./charts/db", "HELM_OPTS=--set a=1 --set b[0]=*")
	m.env = append(m.env, "CLUSTER_NAME=cl", "CLUSTER_NAMESPACE=ns2", "CLUSTER_CHARTS=./charts/cluster", "CLUSTER_HELM_OPTS=")
	return m
}

func (m *host) write(name, content string, mode os.FileMode) {
	m.t.Helper()
	path := filepath.Join(m.dir, name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(content), mode)); err != nil {
		m.t.Fatal(err)
	}
}

func (m *host) program(name, script string) {
	m.write("path/"+name, "#!"+m.bash+"\n"+script+"\n", 0o755)
}

// start runs the script and gives what the programs were asked, or what was said when it failed.
func (m *host) start(env ...string) (calls string, err error) {
	m.t.Helper()
	_ = os.Remove(filepath.Join(m.dir, "calls"))
	cmd := exec.Command(m.bash, "entrypoint.sh")
	cmd.Dir, cmd.Env = m.dir, append(slices.Clone(m.env), env...)
	out, err := cmd.CombinedOutput()
	b, _ := os.ReadFile(filepath.Join(m.dir, "calls"))
	if err != nil {
		return string(b), errors.New(strings.TrimSpace(string(out)))
	}
	return string(b) + string(out), nil
}

func TestEveryStepStarts(t *testing.T) {
	t.Parallel()
	m := newHost(t, everything)
	m.write("secret", "c2VjcmV0", 0o644) // a start before this one left it
	got, err := m.start("SC_NAME=fast", "addresses=10.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"  ROOT_PASSWORD: c2VjcmV0\n",
		"kubectl apply --server-side --force-conflicts --recursive -f ./charts/db/crds\n",
		"helm upgrade --install web ./charts/db --namespace ns --create-namespace --wait --timeout 10m --values charts/db.values.yaml --values ",
		" --set a=1 --set b[0]=*\n", "{image: {tag: \"1.20.0\"}}\n",
		`{"auth": {"root.password": "secret"}}` + "\n", `{"auth": {"user": "a\"b\\c$x"}}` + "\n", `{"storage": {"class": "fast"}}` + "\n", `{"replicas": 3}` + "\n",
		"helm upgrade --install cl ./charts/cluster --namespace ns2 --create-namespace\n",
		"kubectl apply --namespace pool -f manifests/pool.yaml\nkubectl wait --for condition=Available deployment/x --namespace pool --timeout 10m\nkubectl rollout status daemonset/y --namespace pool --timeout 10m\n",
		"run web\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	for _, never := range []string{"secret --", "never", "secret\nkubectl"} {
		if strings.Contains(got, never) {
			t.Errorf("%q in\n%s", never, got)
		}
	}
	if b, err := os.ReadFile(filepath.Join(m.dir, "bin/tool")); err != nil || string(b) != "tool" {
		t.Errorf("the program is not installed: %q, %v", b, err)
	}
	again, err := m.start("SC_NAME=fast", "addresses=10.0.0.1")
	if normal(again) != normal(got) || err != nil {
		t.Errorf("a second start does something else: %v\n%s", err, again)
	}
}

// normal takes the names of temporary files away.
func normal(calls string) string {
	words := strings.Fields(calls)
	for i, w := range words {
		if strings.HasPrefix(w, os.TempDir()) || strings.HasPrefix(w, "/tmp/") {
			words[i] = filepath.Base(w)
		}
	}
	slices.Sort(words) // the two sides of a pipe tell in any order
	return strings.Join(words, " ")
}

func TestFirstStartMakesAPassword(t *testing.T) {
	t.Parallel()
	got, err := newHost(t, everything).start()
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(got, `{"auth": {"root.password": "`)
	password, _, closed := strings.Cut(rest, `"}}`)
	if !ok || !closed || len(password) < 32 || strings.Count(got, password) != 1 {
		t.Errorf("password %q in\n%s", password, got)
	}
	if strings.Contains(got, "pool.yaml") || strings.Contains(got, "storage") && strings.Contains(got, `"class"`) {
		t.Errorf("what has no value is there:\n%s", got)
	}
}

func TestUninstall(t *testing.T) {
	t.Parallel()
	m := newHost(t, everything)
	m.write("bin/tool", "x", 0o755)
	got, err := m.start("uninstall=true", "addresses=x", "ADMIN=")
	want := "undo web\nkubectl delete --ignore-not-found --namespace pool -f manifests/pool.yaml\nhelm status cl --namespace ns2\nhelm uninstall cl --namespace ns2 --wait\n" +
		"helm status web --namespace ns\nhelm uninstall web --namespace ns --wait\n"
	if err != nil || sorted(got) != sorted(want) {
		t.Errorf("%v\n%q", err, got)
	}
	if _, err := os.Stat(filepath.Join(m.dir, "bin/tool")); err == nil {
		t.Error("the program is still there")
	}
	for _, says := range []string{"", "Error: release: not found"} {
		if got, err := m.start("uninstall=true", "FAIL=helm", "SAYS="+says); err != nil || strings.Contains(got, "helm uninstall") {
			t.Errorf("of what is not there (%s): %v\n%s", says, err, got)
		}
	}
	const away = "Error: Kubernetes cluster unreachable: connection refused"
	if got, err := m.start("uninstall=true", "FAIL=helm", "SAYS="+away); err == nil || !strings.HasSuffix(err.Error(), away) {
		t.Errorf("of a cluster that does not answer: %v\n%s", err, got)
	}
}

// TestCommandsOfSeveralLines holds that what a recipe writes over several lines reaches the shell as it is, wherever it stands in the script.
func TestCommandsOfSeveralLines(t *testing.T) {
	t.Parallel()
	m := newHost(t, head+`variables: {SET: {about: x, default: ""}}
start:
  - run: |
      cat <<EOF
      one $SET
      EOF
      if true; then
        echo 'two
      three'
      fi
    undo: |
      cat <<'EOF'
      un$SET
      EOF
    when: "{SET}"
  - run: |
      for i in 4 5; do
        echo $i
      done
    when: SET
`)
	if got, err := m.start("SET=x"); err != nil || got != "one x\ntwo\nthree\n4\n5\n" {
		t.Errorf("%v\n%s", err, got)
	}
	if got, err := m.start("SET=x", "uninstall=true"); err != nil || got != "un$SET\n" {
		t.Errorf("%v\n%s", err, got)
	}
}

func sorted(lines string) string {
	all := strings.Split(lines, "\n")
	slices.Sort(all)
	return strings.Join(all, "\n")
}

func TestStartRefuses(t *testing.T) {
	t.Parallel()
	for want, env := range map[string]string{
		"ADMIN is missing (who may log in): give it with -e ADMIN=VALUE":                                                                   "ADMIN=",
		"REPLICAS must be a number or a truth value (how many)":                                                                            "REPLICAS=3; x",
		"the cluster has no default StorageClass: run the cluster image of openebs or another that brings one, or mark one as the default": "CLASSES= ",
	} {
		if calls, err := newHost(t, everything).start(env); err == nil || err.Error() != want || strings.Contains(calls, "helm") {
			t.Errorf("%s: error %v, want %s\n%s", env, err, want, calls)
		}
	}
	m := newHost(t, everything)
	if err := os.Remove(filepath.Join(m.dir, "path/helm")); err != nil {
		t.Fatal(err)
	}
	m.env[0] = "PATH=" + filepath.Join(m.dir, "path")
	if _, err := m.start(); err == nil || err.Error() != "helm is not installed on this machine: run the cluster image of helm first" {
		t.Errorf("error %v", err)
	}
}

// TestPasswordStays holds that a second start takes the password that the first one made, and that no program has it as an argument.
func TestPasswordStays(t *testing.T) {
	t.Parallel()
	m := newHost(t, everything)
	m.program("kubectl", `echo "kubectl $*" >> calls
case "$*" in
"get storageclass"*) echo true ;;
"get secret"*) [[ ! -f secret ]] || sed -n 's/^  ROOT_PASSWORD: //p' secret ;;
"apply --server-side --force-conflicts -f -") cat > secret ;;
*"-f -") cat > /dev/null ;;
"create namespace"*) echo "namespace" ;;
esac`)
	if _, err := m.start(); err != nil {
		t.Fatal(err)
	}
	first, err := os.ReadFile(filepath.Join(m.dir, "secret"))
	if err != nil {
		t.Fatal(err)
	}
	calls, err := m.start()
	second, readErr := os.ReadFile(filepath.Join(m.dir, "secret"))
	if err := errors.Join(err, readErr); err != nil || string(first) != string(second) || !strings.Contains(string(first), "  ROOT_PASSWORD: ") {
		t.Errorf("%v: first\n%s\nthen\n%s", err, first, second)
	}
	for line := range strings.Lines(calls) {
		if strings.HasPrefix(line, "helm ") && strings.Contains(line, "Pw0-") {
			t.Errorf("the password is an argument: %s", line)
		}
	}
}

// TestUninstallOfWhatIsGone holds that a kind which went with its operator is no failure, and that any other trouble is.
func TestUninstallOfWhatIsGone(t *testing.T) {
	t.Parallel()
	m := newHost(t, everything)
	m.program("kubectl", `[[ $1 != delete ]] || { echo "error: ${TROUBLE:-}" >&2; exit 1; }`)
	if _, err := m.start("uninstall=true", "addresses=x", `TROUBLE=resource mapping not found: no matches for kind "Pool"`); err != nil {
		t.Error(err)
	}
	if _, err := m.start("uninstall=true", "addresses=x", "TROUBLE=forbidden"); err == nil || err.Error() != "undo web\nerror: forbidden" && err.Error() != "error: forbidden" {
		t.Errorf("error %v", err)
	}
}

const listed = head + `variables:
  ADMIN: {required: true, about: password of the first user}
  AGENT_KEY: {generate: key, length: 16, about: of the agent}
  TOKEN: {generate: password, length: 20, about: of the second user}
labels: {org.example.version: "of {version}"}
start:
  - helm: x
    namespace: x
    chart: charts/x
    values: {a: {users: [{name: "$first", password: ""}, {name: second, tokens: [x, y], since: 1.20}], other: [1]}}
    from-variables: {"a.users[0].password": ADMIN, "a.users[1].tokens[1]": TOKEN, key: AGENT_KEY}
`

// TestVariablesInLists holds that a list of values with the values of variables in it is written whole, that generated values have their length and
// characters, and that images are looked for with the same.
func TestVariablesInLists(t *testing.T) {
	t.Parallel()
	got, err := newHost(t, listed).start(`ADMIN=a"b$c`)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		`\{"key": "[A-Za-z0-9]{16}"\}`,
		`\{"a": \{"users": \[\{"name":"\$first","password":"a\\"b\$c"\},\{"name":"second","since":1\.2,"tokens":\["x","Pw0-[A-Za-z0-9]{16}"\]\}\]\}\}`,
	} {
		if !regexp.MustCompile("(?m)^" + line + "$").MatchString(got) {
			t.Errorf("no line %s in\n%s", line, got)
		}
	}
	a, err := app.Decode([]byte(listed))
	if err != nil {
		t.Fatal(err)
	}
	p, err := a.Plan(app.Scope{Name: "demo", Version: "1.20.0", Arch: "arm64"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := p.Files[app.RenderFile], "ADMIN=stand-in\nAGENT_KEY=Stand1nPasswordP\nTOKEN=Stand1nPasswordPassw\n"; got != want {
		t.Errorf("stand-ins %q", got)
	}
	if !strings.Contains(p.Files["Kubefile"], `org.example.version="of 1.20.0"`) {
		t.Errorf("Kubefile\n%s", p.Files["Kubefile"])
	}
}

const demanding = head + `requires: {kubernetes: ">=1.23 <1.31", sealos: ">=4.3"}
start:
  - apply: manifests/x.yaml
`

// TestRequiredVersions holds what is said of a cluster and a sealos that are too old or too new, however they tell their versions; what tells none is not
// judged.
func TestRequiredVersions(t *testing.T) {
	t.Parallel()
	const (
		whole = `{"clientVersion": {"major": "1", "gitVersion": "v1.99.0"}, "serverVersion": {"major": "1", "minor": "22", "gitVersion": "v1.22.17", "goVersion": "go1.20.1"}}`
		old   = `Server Version: version.Info{Major:"1", Minor:"30", GitVersion:"v1.30.2+k3s1", GoVersion:"go1.20.1"}`
		both  = "KubernetesVersionInfo:\n  gitVersion: v1.9.9\nSealosVersion:\n  buildDate: now\n  gitVersion: 4.2.3\n"
	)
	const cluster, machine = "the Kubernetes of this cluster is %s, and demo 1.20.0 needs >=1.23 <1.31", "the sealos of this machine is %s, and demo 1.20.0 needs >=4.3"
	for _, c := range []struct{ kubernetes, sealos, want string }{
		{"Client Version: v1.30.1\nServer Version: v1.23.0", `{"gitVersion":"5.0.1","gitCommit":"x"}`, ""},
		{whole, "", strings.Replace(cluster, "%s", "1.22.17", 1)},
		{old, "", ""},
		{"Server Version: v1.31.0-rc.1", "", strings.Replace(cluster, "%s", "1.31.0", 1)},
		{"Server Version: v1.9.11", "", strings.Replace(cluster, "%s", "1.9.11", 1)},
		{"Server Version: v2.0.0", "", strings.Replace(cluster, "%s", "2.0.0", 1)},
		{"Server Version: v1.23.0", both, strings.Replace(machine, "%s", "4.2.3", 1)},
		{"Server Version: v1.23.0", "SealosVersion: 4.3.0-abc1234\n", ""},
		{"Client Version: v1.20.1\nThe connection to the server was refused", "nothing", ""},
	} {
		m := newHost(t, demanding)
		m.program("kubectl", `[[ $1 != version ]] || printf '%s' "$TOLD"; echo "kubectl $*" >> calls`)
		m.program("sealos", `printf '%s' "$SEALOS"`)
		calls, err := m.start("TOLD="+c.kubernetes, "SEALOS="+c.sealos)
		if got := said(err); got != c.want || (c.want == "") != strings.Contains(calls, "kubectl apply") {
			t.Errorf("%s, %s: %q, want %q, after\n%s", c.kubernetes, c.sealos, got, c.want, calls)
		}
	}
}

func said(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// TestDiscoveryReadsTheScript holds that the charts are rendered with the very values of the start script.
func TestDiscoveryReadsTheScript(t *testing.T) {
	t.Parallel()
	a, err := app.Decode([]byte(strings.ReplaceAll(everything, "BIN", "/usr/bin")))
	if err != nil {
		t.Fatal(err)
	}
	p, err := a.Plan(app.Scope{Name: "demo", Version: "1.20.0", Arch: "arm64"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, name := range []string{"entrypoint.sh", "charts/db.values.yaml", "charts/db/Chart.yaml", "charts/cluster/Chart.yaml"} {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(p.Files[name]), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	env := map[string]string{
		"NAME": "db", "NAMESPACE": "data", "CHARTS": "./charts/db", "HELM_OPTS": "--set a=1", "CLUSTER_NAME": "cluster", "CLUSTER_NAMESPACE": "data",
		"CLUSTER_CHARTS": "./charts/cluster", "CLUSTER_HELM_OPTS": "", "SC_NAME": "", "REPLICAS": "2", "ADMIN": "admin@example.com", "ROOT_PASSWORD": "Stand1n",
	}
	plan := start.Read(root, []string{"bash entrypoint.sh"}, env)
	if len(plan.Warnings) > 0 {
		t.Errorf("warnings %v", plan.Warnings)
	}
	found := map[string]string{}
	for _, i := range plan.Invocations {
		text := i.Values.Release + " in " + i.Values.Namespace + " " + strings.Join(i.Values.Set, " ")
		for _, f := range i.Values.Files {
			text += " " + f.Path + strings.TrimSpace(f.Text)
		}
		found[i.Path] += text + "\n"
	}
	const always = `charts/db.values.yaml {"auth": {"root.password": "Stand1n"}} {"auth": {"user": "admin@example.com"}}`
	if got, want := found["charts/db"], "db in data a=1 "+always+` {"storage": {"class": ""}} {"replicas": 2}`+"\n"+"db in data a=1 "+always+"\n"; got != want {
		t.Errorf("db:\n%s\nwant\n%s", got, want)
	}
	if got := found["charts/cluster"]; got != "cluster in data \n" {
		t.Errorf("cluster: %q", got)
	}
}

// TestCRDsOfAPackedChart holds that a step which could do nothing is refused.
func TestCRDsOfAPackedChart(t *testing.T) {
	t.Parallel()
	a, err := app.Decode([]byte(head + "sources:\n  - {chart: \"https://example.com/db-1.tgz\", to: charts/db.tgz}\nstart:\n  - helm: db\n    namespace: db\n    crds: apply\n"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = a.Plan(app.Scope{Name: "demo", Version: "1.20.0", Arch: "arm64"}, nil)
	if want := "app.yaml:10: crds are applied from the directory of a chart, and charts/db.tgz is packed: unpack it, with a to that does not end so"; err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}

// TestNamesThatCannotBeCopied holds that files of the recipe which a Kubefile would take for something else are refused by name.
func TestNamesThatCannotBeCopied(t *testing.T) {
	t.Parallel()
	a, err := app.Decode([]byte(head + "start:\n  - run: x\n"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"my dir/a", "$x/a", "it's", "-x"} {
		top, _, _ := strings.Cut(name, "/")
		_, err := a.Plan(app.Scope{Name: "demo", Version: "1.20.0", Arch: "arm64"}, []string{"etc/my file", name})
		if err == nil || !strings.HasPrefix(err.Error(), fmt.Sprintf("app.yaml: %q cannot be copied by a Kubefile", top)) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := a.Plan(app.Scope{Name: "demo", Version: "1.20.0", Arch: "arm64"}, []string{"etc/my file", ".hidden", "a-b_c+1.txt", "文件"}); err != nil {
		t.Error(err)
	}
}

// TestReleasesOfOneChart holds that each release has its own values, whatever it is called, and that no two are the same.
func TestReleasesOfOneChart(t *testing.T) {
	t.Parallel()
	plan := func(third string) (app.Plan, error) {
		a, err := app.Decode([]byte(head + `sources:
  - {chart: db, repo: "https://example.com", version: 1}
start:
  - {helm: db, namespace: a, values: {x: 1}}
  - {helm: db, namespace: b, prefix: B, values: {x: 2}}
  - {helm: db, namespace: ` + third + `, prefix: C, values: {x: 3}}
`))
		if err != nil {
			t.Fatal(err)
		}
		return a.Plan(app.Scope{Name: "demo", Version: "1.20.0", Arch: "arm64"}, nil)
	}
	p, err := plan("c")
	if err != nil || p.Files["charts/db.values.yaml"] != "{x: 1}\n" || p.Files["charts/db.db.values.yaml"] != "{x: 2}\n" || p.Files["charts/db.db.c.values.yaml"] != "{x: 3}\n" {
		t.Errorf("%v, %v", err, p.Files)
	}
	_, err = plan("b")
	if want := "app.yaml:10: the release db in the namespace b is there twice: one would take the place of the other"; err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}
