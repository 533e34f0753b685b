package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/labring-actions/cluster-image/internal/catalog"
	"github.com/labring-actions/cluster-image/internal/chatops/github"
	"github.com/labring-actions/cluster-image/internal/chatops/grammar"
	"github.com/labring-actions/cluster-image/internal/chatops/plan"
	"github.com/labring-actions/cluster-image/internal/chatops/policy"
	"github.com/labring-actions/cluster-image/internal/recipe"
)

var (
	pinned     = regexp.MustCompile(`^[A-Za-z0-9_.-]+/[A-Za-z0-9_./-]+@[0-9a-f]{40}$`)
	versioned  = regexp.MustCompile(`uses: [^#\s]+@[0-9a-f]{40} # v[0-9]+(\.[0-9]+)*\s*$`)
	expression = regexp.MustCompile(`\$\{\{(.*?)\}\}`)
)

// TestWorkflowRules holds for every workflow, whoever adds one.
func TestWorkflowRules(t *testing.T) {
	t.Parallel()
	all, err := readWorkflows()
	if err != nil || len(all) < 6 {
		t.Fatalf("%d workflows, %v", len(all), err)
	}
	for name, w := range all {
		if w.Permissions == nil || len(*w.Permissions) > 0 && name != "ci.yml" {
			t.Errorf("%s: permissions at the top must be {}", name)
		}
		if w.Concurrency == nil && name != "build.yml" {
			t.Errorf("%s: it has no concurrency group", name)
		}
		for id, j := range w.Jobs {
			at := name + ", job " + id
			if j.Permissions == nil && len(*w.Permissions) == 0 {
				t.Errorf("%s: it says no permissions", at)
			}
			if j.Uses != "" {
				reusable(t, at, j)
				continue
			}
			if j.Timeout == 0 || j.Timeout > 360 {
				t.Errorf("%s: timeout-minutes is %d", at, j.Timeout)
			}
			for i, s := range j.Steps {
				oneStep(t, fmt.Sprintf("%s, step %d %s", at, i+1, s.Name), s)
			}
		}
		sourceLines(t, name)
	}
}

// reusable: a called workflow is one of ours, and is given its secrets by name.
func reusable(t *testing.T, at string, j *workflowJob) {
	if !strings.HasPrefix(j.Uses, "./.github/workflows/") {
		t.Errorf("%s: it calls %s", at, j.Uses)
	}
	if j.Secrets.Kind == yaml.ScalarNode {
		t.Errorf("%s: secrets: %s hands over more than is needed", at, j.Secrets.Value)
	}
}

// oneStep: actions by commit, uploads that a new attempt can repeat, no expression in a script at all, no foreign text in the inputs of an action.
func oneStep(t *testing.T, at string, s workflowStep) {
	if s.Uses != "" && !pinned.MatchString(s.Uses) {
		t.Errorf("%s: %s is not pinned to a commit", at, s.Uses)
	}
	if strings.HasPrefix(s.Uses, "actions/upload-artifact@") && s.With["overwrite"] != "true" {
		t.Errorf("%s: a new attempt of the run meets what the first one uploaded, and may not overwrite it", at)
	}
	if expression.MatchString(s.Run) {
		t.Errorf("%s: an expression in a script; hand the value over by env", at)
	}
	for key, value := range s.With {
		for _, m := range expression.FindAllStringSubmatch(value, -1) {
			if foreign(m[1]) {
				t.Errorf("%s: %s takes text that somebody wrote: %s", at, key, m[1])
			}
		}
	}
	for key, value := range s.Env {
		for _, m := range expression.FindAllStringSubmatch(value, -1) {
			if strings.Contains(m[1], "github.event.comment") || strings.Contains(m[1], "github.event.issue") {
				t.Errorf("%s: %s is text of an issue; the program reads the event's file", at, key)
			}
		}
	}
}

// foreign says that an expression has text that somebody outside may have written.
func foreign(e string) bool {
	for _, field := range []string{
		"comment.body", "issue.title", "issue.body", "issue.user", "pull_request.title", "pull_request.body", "head_ref", "head.ref", "head.label",
		"head_commit", "commits", "workflow_run.head_branch", "workflow_run.display_title", "inputs.command", "inputs.names", "github.actor", "label.name",
	} {
		if strings.Contains(e, field) {
			return true
		}
	}
	return false
}

// sourceLines: the version of a pinned action stands behind it, for those who read and for those who update.
func sourceLines(t *testing.T, name string) {
	b, err := os.ReadFile(filepath.Join(workflowDir, name))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		if strings.Contains(line, "uses: ") && !strings.Contains(line, "./.github/") && !versioned.MatchString(line) {
			t.Errorf("%s: no version behind %s", name, strings.TrimSpace(line))
		}
		if strings.Contains(line, "pull_request_target") {
			t.Errorf("%s: pull_request_target runs with the repository's rights on a stranger's event", name)
		}
	}
}

// TestWorkflowDagger: every workflow installs the dagger command line in the same way, with the version that the module is for and a checksum.
func TestWorkflowDagger(t *testing.T) {
	t.Parallel()
	all, err := readWorkflows()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("../dagger.json")
	if err != nil {
		t.Fatal(err)
	}
	var module struct{ EngineVersion string }
	if err := json.Unmarshal(text, &module); err != nil {
		t.Fatal(err)
	}
	scripts := map[string][]string{}
	for name, w := range all {
		for _, j := range w.Jobs {
			for _, s := range j.Steps {
				if s.Name == "Install Dagger" {
					scripts[s.Run] = append(scripts[s.Run], name)
				}
			}
		}
	}
	if len(scripts) != 1 {
		t.Errorf("it is installed in %d ways: %v", len(scripts), slices.Collect(maps.Values(scripts)))
	}
	for script := range scripts {
		if !strings.Contains(script, "/dagger_"+module.EngineVersion+"_linux_amd64.tar.gz") || !strings.Contains(script, "sha256sum --check --strict") {
			t.Errorf("the module is for %s, with a checksum; workflows have\n%s", module.EngineVersion, script)
		}
	}
}

// TestWorkflowSecrets: a secret is in the one step that pushes, and in no job that decides, answers or tries a pull request.
func TestWorkflowSecrets(t *testing.T) {
	t.Parallel()
	all, err := readWorkflows()
	if err != nil {
		t.Fatal(err)
	}
	for name, w := range all {
		for id, j := range w.Jobs {
			for _, s := range j.Steps {
				b, err := yaml.Marshal(map[string]any{"env": s.Env, "with": s.With, "run": s.Run, "if": s.If})
				if err != nil {
					t.Fatal(err)
				}
				push := name == "build.yml" && s.Name == "Push"
				teams := name == "imagebuild.yml" && s.Name == "Plan" // where a policy names teams, see docs/operations.md
				found := secretsIn(string(b))
				if len(found) > 0 && !(push && slices.Equal(found, []string{"REGISTRY_TOKEN"}) || teams && slices.Equal(found, []string{"TEAMS_TOKEN"})) {
					t.Errorf("%s, job %s, step %s: secrets %v", name, id, s.Name, found)
				}
			}
			for _, env := range j.Env {
				if strings.Contains(env, "secrets.") {
					t.Errorf("%s, job %s: a secret for every step", name, id)
				}
			}
		}
	}
	for _, name := range []string{"pr.yml", "pr-comment.yml"} {
		b, err := os.ReadFile(filepath.Join(workflowDir, name))
		if err != nil || strings.Contains(string(b), "secrets.") {
			t.Errorf("%s has secrets (%v)", name, err)
		}
	}
	for _, j := range all["pr.yml"].Jobs {
		for scope, level := range *j.Permissions {
			if level != "read" {
				t.Errorf("pr.yml: it runs a pull request's code with %s: %s", scope, level)
			}
		}
	}
}

// TestOneBuildOfATag: the builds of one tag never run side by side.
func TestOneBuildOfATag(t *testing.T) {
	t.Parallel()
	all, err := readWorkflows()
	if err != nil {
		t.Fatal(err)
	}
	c := all["build.yml"].Jobs["build"].Concurrency
	if c == nil || !strings.Contains(c.Group, "fromJSON(inputs.build).concurrency") {
		t.Errorf("%+v", c)
	}
}

// TestStepsOfABuild: the answer tells the step by the names of the job's steps, which are the four of the program.
func TestStepsOfABuild(t *testing.T) {
	t.Parallel()
	all, err := readWorkflows()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range all["build.yml"].Jobs["build"].Steps {
		if strings.Contains(s.Run, "cluster-image chatops") {
			got = append(got, s.Name)
		}
	}
	if want := []string{"Download", "Registry save", "Build", "Push"}; !slices.Equal(got, want) {
		t.Errorf("the steps are %q, want %q", got, want)
	}
}

// issueForm is an issue form.
type issueForm struct {
	Title  string
	Labels []string
	Body   []struct {
		Type       string
		ID         string
		Attributes struct {
			Label       string
			Placeholder string
			Options     []string
		}
		Validations struct{ Required bool }
	}
}

// issueForms are all there are, by their files.
func issueForms(t *testing.T) map[string]issueForm {
	files, err := filepath.Glob("../.github/ISSUE_TEMPLATE/*.*.yml")
	if err != nil || len(files) != 10 {
		t.Fatalf("%d forms, %v", len(files), err)
	}
	all := map[string]issueForm{}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var f issueForm
		if err := yaml.Unmarshal(b, &f); err != nil {
			t.Fatal(err)
		}
		all[file] = f
	}
	return all
}

// TestIssueForms fills in every issue form as a person does, makes the body that GitHub makes of it, and reads that.
func TestIssueForms(t *testing.T) {
	t.Parallel()
	kinds := map[string]map[grammar.Kind]bool{}
	for file, f := range issueForms(t) {
		if len(f.Labels) > 0 {
			t.Errorf("%s: a form that sets labels could accept itself", file)
		}
		for choice := range f.Body[0].Attributes.Options {
			c, err := grammar.Parse(f.filled(choice))
			if err != nil {
				t.Errorf("%s: %v\n%s", file, err, f.filled(choice))
				continue
			}
			if err := grammar.CheckTitle(f.Title, c); err != nil {
				t.Errorf("%s: %v", file, err)
			}
			language := strings.Split(filepath.Base(file), ".")[1]
			if kinds[language] == nil {
				kinds[language] = map[grammar.Kind]bool{}
			}
			kinds[language][c.Kind] = true
		}
	}
	for _, language := range []string{"en", "zh-CN"} {
		for _, k := range grammar.Kinds() {
			if !kinds[language][k] {
				t.Errorf("no form in %s asks for %s", language, k)
			}
		}
	}
}

// TestExamplesOfCommands: a command that the help, the documents, the forms or a recipe's README show can be given as it stands, by the policy and of the
// recipes that the repository has.
func TestExamplesOfCommands(t *testing.T) {
	t.Parallel()
	rules, err := policy.ReadFile("../.github/chatops.yml")
	if err != nil {
		t.Fatal(err)
	}
	p := plan.Planner{Policy: rules, Root: "..", Now: time.Now, Run: 1}
	for at, body := range examples(t) {
		e := github.Event{Name: "issues", Action: "opened", Issue: &github.Issue{Number: 1, Title: "【Auto-build】", Body: body}}
		got, err := p.Plan(t.Context(), e)
		switch {
		case err != nil || got.Action == plan.DoIgnore:
			t.Errorf("%s: %q: %+v, %v", at, body, got, err)
		case got.Refusal != nil && got.Refusal.Reason != plan.NotAllowed && got.Refusal.Reason != plan.NoBuilder: // a stranger asks
			t.Errorf("%s: %q: %+v", at, body, got.Refusal)
		}
	}
}

// shown finds a command that a document shows, on a line of its own.
var shown = regexp.MustCompile(`(?m)^    (/(?:single_)?imagebuild_.*)$`)

// examples are the commands that are shown to people, by where they stand.
func examples(t *testing.T) map[string]string {
	all := map[string]string{}
	for _, f := range grammar.Forms() {
		all["the help of "+f.Usage] = f.Example
	}
	for _, pattern := range []string{"../*.md", "../docs/*.md", "../configs/*/README.md", "../dockerimages/*/README.md"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %d files, %v", pattern, len(files), err)
		}
		for _, file := range files {
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for i, m := range shown.FindAllStringSubmatch(string(b), -1) {
				all[fmt.Sprintf("%s, number %d", file, i+1)] = m[1]
			}
		}
	}
	apps, err := catalog.OpenDir("../applications", recipe.Application)
	if err != nil {
		t.Fatal(err)
	}
	entries, err := apps.List("")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		profiles, err := apps.Profiles(e.Name)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range profiles {
			if p.Example != "latest" { // which says nothing of what is in it
				all["the example of "+e.Name+"/"+p.Dir] = "/imagebuild_apps " + e.Name + " " + p.Example
			}
		}
	}
	for file, f := range issueForms(t) {
		for choice := range f.Body[0].Attributes.Options {
			all[fmt.Sprintf("%s, choice %d", file, choice)] = strings.ReplaceAll(f.filled(choice), "KEY=VALUE", "_No response_")
		}
	}
	if len(all) < 200 {
		t.Errorf("only %d examples", len(all))
	}
	return all
}

// filled is the body of an issue, with the placeholders as answers.
func (f issueForm) filled(choice int) string {
	var b strings.Builder
	for _, field := range f.Body {
		answer := field.Attributes.Placeholder
		if field.Type == "dropdown" {
			answer = field.Attributes.Options[choice]
		}
		if answer == "" {
			answer = "_No response_"
		}
		fmt.Fprintf(&b, "### %s\n\n%s\n\n", field.Attributes.Label, answer)
	}
	return b.String()
}
