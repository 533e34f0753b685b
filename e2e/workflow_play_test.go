package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/labring-actions/cluster-image/internal/chatops/github/githubtest"
)

// play runs workflows as GitHub does, as far as these go: jobs in the order of their needs, the steps' scripts in bash with the variables that the
// runner sets, artifacts, outputs and matrices. Actions but those for checkouts and artifacts do nothing.
type play struct {
	t         *testing.T
	workflows map[string]*workflow
	github    *githubtest.Server
	// checkout is what the repository has.
	checkout      string
	vars, secrets map[string]string
	bin, stub     string
	run, attempt  int
	// ref is the name of the branch or tag.
	ref string

	event     map[string]any
	eventName string
	dir       string
	artifacts map[string]string
	// base is the checkout of another commit, kept are artifacts of another run, and extra are further BUILD_FLAGS of every step.
	base, extra string
	kept        map[string]string
	// scripts are the names of the steps that ran, with their environment.
	scripts []script
}

// script is a step that ran.
type script struct {
	job, step string
	env       []string
	output    string
	failed    bool
}

// jobResult is how a job ended.
type jobResult struct {
	result  string
	outputs map[string]string
}

// newPlay makes a stage with a program, and a checkout with the workflows' own files and the recipes of a test.
func newPlay(t *testing.T, gh *githubtest.Server, recipes map[string]string) *play {
	t.Helper()
	all, err := readWorkflows()
	if err != nil {
		t.Fatal(err)
	}
	p := &play{t: t, workflows: all, github: gh, checkout: t.TempDir(), bin: programDir(t), stub: t.TempDir(), vars: map[string]string{}, secrets: map[string]string{}}
	if err := os.CopyFS(filepath.Join(p.checkout, ".github"), os.DirFS("../.github")); err != nil {
		t.Fatal(err)
	}
	for name, text := range recipes {
		writeFile(t, filepath.Join(p.checkout, name), text, 0o644)
	}
	// The compiler of the stage knows one program.
	writeFile(t, filepath.Join(p.stub, "go"), "#!/bin/bash\nwhile [ \"$1\" != -o ]; do shift; done\nmkdir -p \"$(dirname \"$2\")\"\nln -s '"+
		filepath.Join(p.bin, "cluster-image")+"' \"$2\"\n", 0o755)
	return p
}

func writeFile(t *testing.T, name, text string, mode os.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

// fire plays a workflow for an event. A run is numbered; the same run again is another attempt.
func (p *play) fire(file, eventName string, event map[string]any) map[string]jobResult {
	p.t.Helper()
	p.run++
	p.attempt = 1
	p.event, p.eventName, p.dir, p.artifacts, p.scripts = event, eventName, p.t.TempDir(), map[string]string{}, nil
	maps.Copy(p.artifacts, p.kept)
	p.kept = nil
	b, err := json.Marshal(event)
	if err != nil {
		p.t.Fatal(err)
	}
	writeFile(p.t, filepath.Join(p.dir, "event.json"), string(b), 0o644)
	return p.jobs(p.workflows[file], "", nil, nil)
}

// jobs plays all jobs of a workflow.
func (p *play) jobs(w *workflow, prefix string, inputs map[string]any, secrets map[string]string) map[string]jobResult {
	done := map[string]jobResult{}
	for len(done) < len(w.Jobs) {
		before := len(done)
		for _, id := range slices.Sorted(maps.Keys(w.Jobs)) {
			j := w.Jobs[id]
			if _, ok := done[id]; ok || slices.ContainsFunc(j.Needs, func(n string) bool { _, ok := done[n]; return !ok }) {
				continue
			}
			done[id] = p.job(prefix, id, j, done, inputs, secrets)
		}
		if len(done) == before {
			p.t.Fatalf("%s: jobs wait for each other", w.file)
		}
	}
	return done
}

// job plays one job, once for each entry of its matrix.
func (p *play) job(prefix, id string, j *workflowJob, done map[string]jobResult, inputs map[string]any, secrets map[string]string) jobResult {
	e := evaluator{scope: scope{
		"github": p.context(), "inputs": inputs, "vars": anyMap(p.vars), "secrets": anyMap(secrets), "needs": needsOf(j.Needs, done),
	}}
	if secrets == nil {
		e.scope["secrets"] = anyMap(p.secrets)
	}
	e.failed = slices.ContainsFunc(j.Needs, func(n string) bool { return done[n].result != "success" })
	if !e.condition(j.If) {
		return jobResult{result: "skipped"}
	}
	e.failed = false
	entries := []map[string]any{nil}
	if j.Strategy != nil {
		entries = matrix(e.eval(strings.Trim(j.Strategy.Matrix, "${} ")))
	}
	out := jobResult{result: "success"}
	for i, entry := range entries {
		e.scope["matrix"] = entry
		name := prefix + id
		if j.Name != "" {
			name = prefix + e.fill(j.Name)
		}
		one := p.one(fmt.Sprintf("%s-%d", name, i), j, e)
		if one.result != "success" {
			out.result = one.result
		}
		out.outputs = one.outputs
	}
	return out
}

func (p *play) one(name string, j *workflowJob, e evaluator) jobResult {
	if j.Uses == "" {
		return p.steps(name, j, e)
	}
	inputs, secrets, given := map[string]any{}, map[string]string{}, map[string]string{}
	for k, v := range j.With {
		inputs[k] = e.fill(v)
	}
	if err := j.Secrets.Decode(&given); err != nil {
		p.t.Fatal(err)
	}
	for k, v := range given {
		secrets[k] = e.fill(v)
	}
	for _, r := range p.jobs(p.workflows[filepath.Base(j.Uses)], name+" / ", inputs, secrets) {
		if r.result != "success" {
			return r
		}
	}
	return jobResult{result: "success"}
}

// matrix are the entries of {"build": [...]}.
func matrix(v any) []map[string]any {
	var out []map[string]any
	for key, all := range v.(map[string]any) {
		for _, x := range all.([]any) {
			out = append(out, map[string]any{key: x})
		}
	}
	return out
}

// steps plays the steps of a job.
func (p *play) steps(name string, j *workflowJob, e evaluator) jobResult {
	r := &runner{play: p, name: name, work: filepath.Join(p.dir, strings.NewReplacer("/", "_", " ", "").Replace(name)), steps: map[string]any{}}
	e.scope["steps"] = r.steps
	if err := os.MkdirAll(r.work, 0o755); err != nil {
		p.t.Fatal(err)
	}
	for i, s := range j.Steps {
		if !e.condition(s.If) {
			continue
		}
		if ok := r.step(i, s, e, j.Env); !ok && !s.Go {
			e.failed = true
		}
	}
	out := jobResult{result: "success", outputs: map[string]string{}}
	if e.failed {
		out.result = "failure"
	}
	for k, v := range j.Outputs {
		out.outputs[k] = e.fill(v)
	}
	return out
}

// runner is the machine of one job.
type runner struct {
	*play
	name, work string
	steps      map[string]any
	path       []string
}

func (r *runner) step(i int, s workflowStep, e evaluator, jobEnv map[string]string) bool {
	with := map[string]string{}
	for k, v := range s.With {
		with[k] = e.fill(v)
	}
	if s.Uses == "" {
		return r.script(i, s, e, jobEnv)
	}
	ok := r.action(s.Uses, with)
	if s.ID != "" {
		r.steps[s.ID] = map[string]any{"outcome": map[bool]string{true: "success", false: "failure"}[ok]}
	}
	return ok
}

// action plays those for checkouts and artifacts.
func (r *runner) action(uses string, with map[string]string) bool {
	switch name, _, _ := strings.Cut(uses, "@"); name {
	case "actions/checkout":
		from := r.checkout
		if r.base != "" && with["ref"] == "base" {
			from = r.base
		}
		return os.CopyFS(filepath.Join(r.work, with["path"]), os.DirFS(from)) == nil
	case "actions/upload-artifact":
		return r.upload(with)
	case "actions/download-artifact":
		return r.download(with)
	}
	return true
}

func (r *runner) upload(with map[string]string) bool {
	to := filepath.Join(r.dir, "artifact-"+with["name"])
	if _, twice := r.artifacts[with["name"]]; twice {
		r.t.Errorf("%s: two artifacts %s", r.name, with["name"])
	}
	found := false
	for path := range strings.FieldsSeq(with["path"]) {
		from := filepath.Join(r.work, path)
		info, err := os.Stat(from)
		if err != nil {
			continue
		}
		found = true
		if info.IsDir() {
			from += "/."
		}
		r.copy(from, to)
	}
	if found {
		r.artifacts[with["name"]] = to
	}
	return found || with["if-no-files-found"] != "error"
}

func (r *runner) download(with map[string]string) bool {
	found := false
	for name, from := range r.artifacts {
		ok, _ := filepath.Match(with["pattern"], name)
		switch {
		case name == with["name"]:
			r.copy(from+"/.", filepath.Join(r.work, with["path"]))
		case ok:
			r.copy(from+"/.", filepath.Join(r.work, with["path"], name))
		default:
			continue
		}
		found = true
	}
	return found
}

func (r *runner) copy(from, to string) {
	if err := os.MkdirAll(to, 0o755); err != nil {
		r.t.Fatal(err)
	}
	if out, err := exec.Command("cp", "-a", from, to).CombinedOutput(); err != nil {
		r.t.Fatalf("copy artifact: %v: %s", err, out)
	}
}

// script runs a step's script in bash, with nothing of this machine's environment but the path.
func (r *runner) script(i int, s workflowStep, e evaluator, jobEnv map[string]string) bool {
	output, path := filepath.Join(r.work, fmt.Sprintf(".output-%d", i)), filepath.Join(r.work, fmt.Sprintf(".path-%d", i))
	env := []string{
		"PATH=" + strings.Join(append(slices.Clone(r.path), r.stub, os.Getenv("PATH")), ":"),
		"HOME=" + filepath.Join(r.dir, "home"), "GITHUB_ACTIONS=true", "GITHUB_OUTPUT=" + output, "GITHUB_PATH=" + path,
		"GITHUB_STEP_SUMMARY=" + filepath.Join(r.work, "summary.md"), "GITHUB_EVENT_PATH=" + filepath.Join(r.dir, "event.json"),
		"GITHUB_EVENT_NAME=" + r.eventName, "GITHUB_REPOSITORY=" + githubtest.Repository, "GITHUB_RUN_ID=" + strconv.Itoa(r.run),
		"GITHUB_REF_NAME=" + r.ref, "GITHUB_ACTOR=robot", catalogueDir + "=" + r.checkout, "GITHUB_RUN_ATTEMPT=" + strconv.Itoa(r.attempt), "GITHUB_API_URL=" + r.github.URL, "GITHUB_SERVER_URL=https://github.com",
	}
	for _, m := range []map[string]string{jobEnv, s.Env} {
		for k, v := range m {
			v = e.fill(v)
			if k == "BUILD_FLAGS" {
				v += " " + r.extra
			}
			env = append(env, k+"="+v)
		}
	}
	cmd := exec.Command("bash", "-e", "-c", s.Run)
	cmd.Dir, cmd.Env = filepath.Join(r.work, s.Dir), env
	out, err := cmd.CombinedOutput()
	r.scripts = append(r.scripts, script{job: r.name, step: s.Name, env: env, output: string(out), failed: err != nil})
	if s.ID != "" {
		r.steps[s.ID] = map[string]any{"outputs": r.outputs(output)}
	}
	if b, err := os.ReadFile(path); err == nil {
		r.path = append(strings.Split(strings.TrimSpace(string(b)), "\n"), r.path...)
	}
	return err == nil
}

func (r *runner) outputs(file string) map[string]any {
	out := map[string]any{}
	b, _ := os.ReadFile(file)
	for line := range strings.Lines(string(b)) {
		if k, v, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "="); ok {
			out[k] = v
		}
	}
	return out
}

// context is what github.* has.
func (p *play) context() map[string]any {
	return map[string]any{
		"event": p.event, "event_name": p.eventName, "ref": "refs/tags/" + p.ref, "token": "workflow-token", "run_id": float64(p.run), "repository": githubtest.Repository,
		"sha": "0123456789012345678901234567890123456789",
	}
}

func anyMap(m map[string]string) map[string]any {
	out := map[string]any{}
	for k, v := range m {
		out[k] = v
	}
	return out
}

func needsOf(names []string, done map[string]jobResult) map[string]any {
	out := map[string]any{}
	for _, n := range names {
		out[n] = map[string]any{"result": done[n].result, "outputs": anyMap(done[n].outputs)}
	}
	return out
}

// ran says whether a step was run.
func (p *play) ran(step string) bool {
	return slices.ContainsFunc(p.scripts, func(s script) bool { return s.step == step })
}

// log is what all scripts said, for a test that failed.
func (p *play) log() string {
	var b strings.Builder
	for _, s := range p.scripts {
		fmt.Fprintf(&b, "== %s: %s (failed: %v)\n%s\n", s.job, s.step, s.failed, s.output)
	}
	return b.String()
}
