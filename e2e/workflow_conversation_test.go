package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/labring-actions/cluster-image/internal/chatops/github/githubtest"
)

var (
	stranger   = githubtest.User{ID: 7, Login: "stranger", Type: "User"}
	maintainer = githubtest.User{ID: 8, Login: "maintainer", Type: "User"}
)

// stage is a repository with a few recipes, one issue, a registry where their images are, and one to push to.
type stage struct {
	*play
	source, target *server
}

func newStage(t *testing.T) *stage {
	t.Helper()
	s := &stage{source: newServer(t), target: newServer(t)}
	for _, image := range []string{"library/web:1.0", "library/web:1.1", "library/helper:2"} {
		if _, _, err := (sample{name: image, platforms: []string{"amd64", "arm64"}, size: 10_000}).push(s.source); err != nil {
			t.Fatal(err)
		}
	}
	recipes := map[string]string{}
	for dir, images := range map[string][]string{"hello/1.0.0": {"web:1.0"}, "hello/1.1.0": {"web:1.1", "helper:2"}, "broken/1.0.0": {"missing:1"}} {
		recipes["applications/"+dir+"/Kubefile"] = "FROM scratch\nCOPY manifests manifests\nCOPY registry registry\nCMD [\"kubectl apply -f manifests\"]\n"
		recipes["applications/"+dir+"/manifests/pod.yaml"] = pod(images)
	}
	gh := githubtest.New(t)
	gh.Permissions[maintainer.Login] = "write"
	gh.Issues[1] = &githubtest.Issue{Number: 1, Title: "a wish", User: stranger}
	s.play = newPlay(t, gh, recipes)
	s.vars = map[string]string{"REGISTRY": s.target.host + "/labring", "BUILD_FLAGS": "--mirror docker.io=" + s.source.host}
	return s
}

func pod(images []string) string {
	b := "apiVersion: v1\nkind: Pod\nmetadata: {name: hello}\nspec:\n  containers:\n"
	for _, i := range images {
		b += "    - {name: c, image: \"" + i + "\"}\n"
	}
	return b
}

// comment fires the event of a comment.
func (s *stage) comment(by githubtest.User, body string) map[string]jobResult {
	s.t.Helper()
	return s.again(by, body, s.github.Say(1, by, body))
}

// again fires the event of a comment that has an id.
func (s *stage) again(by githubtest.User, body string, id int64) map[string]jobResult {
	s.t.Helper()
	return s.fire("imagebuild.yml", "issue_comment", map[string]any{
		"action": "created", "repository": repositoryOf(), "sender": userOf(by), "issue": s.issue(),
		"comment": map[string]any{"id": float64(id), "body": body, "user": userOf(by)},
	})
}

// label puts a label on the issue and fires its event.
func (s *stage) label(by githubtest.User, name string) map[string]jobResult {
	s.t.Helper()
	s.github.Lock()
	if i := s.github.Issues[1]; !slices.Contains(i.Labels, name) {
		i.Labels = append(i.Labels, name)
	}
	s.github.Unlock()
	return s.fire("imagebuild.yml", "issues", map[string]any{
		"action": "labeled", "repository": repositoryOf(), "sender": userOf(by), "issue": s.issue(), "label": map[string]any{"name": name},
	})
}

func (s *stage) issue() map[string]any {
	s.github.Lock()
	defer s.github.Unlock()
	i := s.github.Issues[1]
	labels := []any{}
	for _, l := range i.Labels {
		labels = append(labels, map[string]any{"name": l})
	}
	return map[string]any{"number": 1.0, "title": i.Title, "body": i.Body, "state": "open", "user": userOf(i.User), "labels": labels}
}

func userOf(u githubtest.User) map[string]any {
	return map[string]any{"id": float64(u.ID), "login": u.Login, "type": u.Type}
}

func repositoryOf() map[string]any {
	return map[string]any{"full_name": githubtest.Repository, "default_branch": "main"}
}

// answers are the bot's comments, the newest last.
func (s *stage) answers() []githubtest.Comment { return s.github.On(1, githubtest.Bot) }

// last is the newest answer.
func (s *stage) last() string {
	s.t.Helper()
	all := s.answers()
	if len(all) == 0 {
		s.t.Fatalf("no answer\n%s", s.log())
	}
	return all[len(all)-1].Body
}

// has checks that the newest answer has all of these.
func (s *stage) has(parts ...string) {
	s.t.Helper()
	for _, part := range parts {
		if !strings.Contains(s.last(), part) {
			s.t.Errorf("the answer has no %q\n%s\n%s", part, s.last(), s.log())
		}
	}
}

var (
	digests = regexp.MustCompile(`sha256:[0-9a-f]{64}`)
	seconds = regexp.MustCompile(`\b([0-9]+m)?[0-9]+(\.[0-9])?s\b`)
	port    = regexp.MustCompile(`127\.0\.0\.1:[0-9]+`)
)

// golden compares an answer with a file, but for what is another each time.
func golden(t *testing.T, name, got string) {
	t.Helper()
	got = seconds.ReplaceAllString(port.ReplaceAllString(digests.ReplaceAllString(got, "sha256:DIGEST"), "REGISTRY"), "N s")
	file := filepath.Join("testdata", "comments", name+".md")
	if *update {
		writeFile(t, file, got, 0o644)
		return
	}
	want, err := os.ReadFile(file)
	if err != nil || string(want) != got {
		t.Errorf("%s: %v\ngot\n%s\nwant\n%s", file, err, got, want)
	}
}

// TestConversation plays the workflows from a comment to the reply, with a real image in a registry at the end.
func TestConversation(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.github.Jobs = done("apps-hello-1.0.0")
	id := s.github.Say(1, stranger, "/imagebuild_apps hello 1.0.0")
	jobs := s.again(stranger, "/imagebuild_apps hello 1.0.0\r\nthanks!", id)
	if jobs["wave1"].result != "success" || jobs["wave2"].result != "skipped" || jobs["report"].result != "success" {
		t.Fatalf("%+v\n%s", jobs, s.log())
	}
	golden(t, "done", s.last())
	if got := s.github.Labels(1); !slices.Equal(got, []string{"build: done"}) {
		t.Errorf("labels %v", got)
	}
	digest := digests.FindString(s.last())
	if err := s.target.send("GET", "/v2/labring/hello/manifests/"+digest, "", nil); err != nil {
		t.Errorf("the image of the answer is not in the registry: %v", err)
	}
	for _, step := range s.scripts {
		if env := strings.Join(step.env, "\n"); step.step != "Push" && strings.Contains(env, "REGISTRY_TOKEN") || strings.Contains(env, "thanks!") {
			t.Errorf("%s has what it should not have: %s", step.step, env)
		}
	}

	// The same comment handled once more builds nothing and says nothing.
	before := s.github.Count("POST ")
	s.again(stranger, "/imagebuild_apps hello 1.0.0\r\nthanks!", id)
	if s.ran("Build") || s.github.Count("POST ") != before || len(s.answers()) != 1 {
		t.Errorf("it was built or answered again\n%s", s.log())
	}

	// The next version tells what changed.
	s.github.Jobs = done("apps-hello-1.1.0")
	s.comment(stranger, "/imagebuild_apps hello 1.1.0")
	golden(t, "changed", s.last())
}

// TestBatchThatFails builds two versions, of which one has no image: the other is there, and the answer says how to try again.
func TestBatchThatFails(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	writeFile(t, filepath.Join(s.checkout, "applications/hello/1.2.0/Kubefile"), "FROM scratch\nCOPY manifests manifests\nCMD [\"true\"]\n", 0o644)
	writeFile(t, filepath.Join(s.checkout, "applications/hello/1.2.0/manifests/pod.yaml"), pod([]string{"missing:1"}), 0o644)
	s.github.Jobs = [][]githubtest.Job{
		{{Name: "apps-hello-1.0.0 / build", Status: "completed", Conclusion: "success"}, {Name: "apps-hello-1.2.0 / build", Status: "completed", Conclusion: "failure"}},
	}
	jobs := s.comment(stranger, "/imagebuild_apps hello 1.0.0 1.2.0")
	if jobs["wave1"].result != "failure" || jobs["report"].result != "success" {
		t.Fatalf("%+v\n%s", jobs, s.log())
	}
	s.has("**Failed:** 1 of 2 images", "missing:1", "in the step `resolve`", "/imagebuild_apps hello 1.2.0", "sealos run")
	if got := s.github.Labels(1); !slices.Equal(got, []string{"build: failed"}) {
		t.Errorf("labels %v", got)
	}
}

// TestAcceptedByLabel: what a stranger may not is built after a maintainer's label, in the same comment; the label covers nothing else.
func TestAcceptedByLabel(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.comment(stranger, "/imagebuild_apps hello 1.0.0 --platform linux/amd64")
	golden(t, "waiting", s.last())
	if s.ran("Build") || !slices.Equal(s.github.Labels(1), []string{"build: waiting"}) {
		t.Fatalf("%v\n%s", s.github.Labels(1), s.log())
	}
	s.label(stranger, "accepted")
	if s.ran("Build") {
		t.Fatal("a stranger's label counts")
	}
	s.github.Jobs = done("apps-hello-1.0.0")
	s.label(maintainer, "accepted")
	s.has("**Done.**", "linux/amd64", "label=1")
	if len(s.answers()) != 1 || strings.Contains(s.last(), "linux/arm64") {
		t.Errorf("%d answers\n%s", len(s.answers()), s.last())
	}
	s.comment(stranger, "/imagebuild_apps hello 1.1.0 --platform linux/amd64")
	if s.ran("Build") {
		t.Error("the label covers another request")
	}
}

// TestAnswersWithoutABuild has everything that is answered and not built, or not even answered.
func TestAnswersWithoutABuild(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	for _, c := range [][2]string{
		{"help", "/imagebuild_help"}, {"near-miss", "/imagebuild_k8s_docker"}, {"blanks", "/imagebuild_apps  hello 1.0.0"}, {"unknown", "/imagebuild_apps helo 1.0.0"},
		{"no-builder", "/imagebuild_docker_k8s v5.0.1"},
		{"injection", "/imagebuild_apps hello 1.0.0$(touch${IFS}pwned)`id`</details>@everyone ![x](http://x/y.png)"},
	} {
		name, body := c[0], c[1]
		s.comment(maintainer, body)
		golden(t, name, s.last())
		if s.ran("Build") || s.ran("Tell how far the builds are") {
			t.Errorf("%s: something was built\n%s", body, s.log())
		}
	}
	if len(s.github.Labels(1)) != 0 {
		t.Errorf("labels %v", s.github.Labels(1))
	}
	before := len(s.answers())
	for _, body := range []string{"imagebuild is nice", "> /imagebuild_apps hello 1.0.0", "thanks"} {
		s.comment(stranger, body)
	}
	s.comment(githubtest.Bot, "/imagebuild_apps hello 1.0.0")
	if got := len(s.answers()); got != before+1 { // the bot's own comment is the one more
		t.Errorf("%d answers more", got-before)
	}
}

// TestCancel ends the run of a build that is under way.
func TestCancel(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.github.Say(1, githubtest.Bot, "<!-- cluster-image:1 key=comment-5 user=7 state=running hash= label=0 builds=1 run=77 attempt=1 -->\n")
	s.comment(stranger, "/imagebuild_cancel")
	if s.github.Count("POST /repos/"+githubtest.Repository+"/actions/runs/77/cancel") != 0 {
		t.Error("a stranger cancelled")
	}
	jobs := s.comment(maintainer, "/imagebuild_cancel")
	if jobs["cancel"].result != "success" || s.github.Count("POST /repos/"+githubtest.Repository+"/actions/runs/77/cancel") != 1 {
		t.Errorf("%+v\n%s", jobs, s.log())
	}
	golden(t, "cancelled", s.last())
}

// TestByHandAndBySchedule: a run by hand answers on its own page, and so does a schedule, whose tags move.
func TestByHandAndBySchedule(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	jobs := s.fire("imagebuild.yml", "workflow_dispatch", map[string]any{
		"repository": repositoryOf(), "sender": userOf(maintainer), "inputs": map[string]any{"command": "/imagebuild_apps hello 1.0.0"},
	})
	if jobs["wave1"].result != "success" || jobs["report"].result != "success" || len(s.answers()) != 0 {
		t.Fatalf("%+v\n%s", jobs, s.log())
	}
	for command, want := range map[string]string{
		"/imagebuild_apps helo 1.0.0": "**Not built:** \"helo\" is not in the catalogue", "hello 1.0.0": "**Not built:** there is no command in it", "/imagebuild_help": "| `/imagebuild_cancel` |",
	} {
		s.fire("imagebuild.yml", "workflow_dispatch", map[string]any{
			"repository": repositoryOf(), "sender": userOf(maintainer), "inputs": map[string]any{"command": command},
		})
		if got := s.summary(); !strings.Contains(got, want) || s.ran("Build") {
			t.Errorf("%s: the page of the run says\n%s", command, got)
		}
	}
	writeFile(t, filepath.Join(s.checkout, ".github/schedule/moving.txt"), "# weekly\nhello:1.0.0\n!hello:1.1.0 # fixed\n", 0o644)
	// The recipe has another image by now: the tag moves.
	writeFile(t, filepath.Join(s.checkout, "applications/hello/1.0.0/manifests/pod.yaml"), pod([]string{"web:1.1"}), 0o644)
	jobs = s.fire("schedule.yml", "schedule", map[string]any{"repository": repositoryOf()})
	if jobs["wave1"].result != "success" || jobs["report"].result != "success" {
		t.Fatalf("%+v\n%s", jobs, s.log())
	}
	for i, script := range s.scripts {
		if script.step == "Push" && script.failed {
			t.Errorf("push %d: %s", i, script.output)
		}
	}
}

// summary is what the jobs of the last run left on its page.
func (s *stage) summary() string {
	s.t.Helper()
	files, err := filepath.Glob(filepath.Join(s.dir, "*", "summary.md"))
	if err != nil {
		s.t.Fatal(err)
	}
	var all strings.Builder
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			s.t.Fatal(err)
		}
		all.Write(b)
	}
	return all.String()
}

// TestLogin: the password goes to the step that pushes, and is in no output.
func TestLogin(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.target.mu.Lock()
	s.target.login = "hunter2hunter2"
	s.target.mu.Unlock()
	s.vars["REGISTRY_USERNAME"], s.secrets["REGISTRY_TOKEN"] = "robot", "hunter2hunter2"
	s.github.Jobs = done("apps-hello-1.0.0")
	jobs := s.comment(stranger, "/imagebuild_apps hello 1.0.0")
	if jobs["report"].result != "success" || strings.Contains(s.log(), "hunter2") {
		t.Errorf("%+v\n%s", jobs, s.log())
	}
	s.has("**Done.**")
}

// TestPullRequest tries a changed recipe without a push, and tells the difference to the default branch in a comment that another run makes.
func TestPullRequest(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git is not installed")
	}
	s := newStage(t)
	git := func(args ...string) {
		cmd := exec.Command("git", append([]string{"-C", s.checkout, "-c", "user.name=x", "-c", "user.email=x@example.com"}, args...)...)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v: %s", args, err, out)
		}
	}
	writeFile(t, filepath.Join(s.checkout, ".github/schedule/moving.txt"), "hello:1.0.0\n", 0o644)
	for _, kind := range []string{"configs", "dockerimages"} {
		writeFile(t, filepath.Join(s.checkout, kind, "README.md"), "None yet.\n", 0o644)
	}
	git("init", "-q", "-b", "main")
	git("add", "-A")
	git("commit", "-q", "-m", "before")
	s.base = t.TempDir()
	if err := os.CopyFS(s.base, os.DirFS(s.checkout)); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(s.checkout, "applications/hello/1.0.0/manifests/pod.yaml"), pod([]string{"web:1.1"}), 0o644)
	git("add", "-A")
	git("commit", "-q", "-m", "after")
	s.extra = "--mirror docker.io=" + s.source.host
	jobs := s.fire("pr.yml", "pull_request", map[string]any{
		"repository": repositoryOf(), "pull_request": map[string]any{"number": 1.0, "base": map[string]any{"sha": "base"}},
	})
	if jobs["build"].result != "success" || s.target.count("uploads") != 0 {
		t.Fatalf("%+v\n%s", jobs, s.log())
	}
	for _, step := range s.scripts {
		if strings.Contains(strings.Join(step.env, "\n"), "TOKEN=") {
			t.Errorf("%s has a token", step.step)
		}
	}
	s.kept = s.artifacts
	s.github.Pulls["somebody:patch-1"] = githubtest.Pull{Number: 1, SHA: "abc"}
	jobs = s.fire("pr-comment.yml", "workflow_run", tried("abc"))
	if jobs["comment"].result != "success" {
		t.Fatalf("%+v\n%s", jobs, s.log())
	}
	golden(t, "pull-request", s.last())
}

// TestForgedTrials: what the run of a pull request leaves was written by its code. What is not the result of a build is left out, and text stays text.
func TestForgedTrials(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	const build = `{"id":"apps-%[1]s-1","kind":"apps","name":"%[1]s","version":"1","image":"docker.io/x/%[1]s:1","runner":["x"],"engine":"process","concurrency":""}`
	const evil = `@everyone </details> <img src=x> ![x](https://evil.example.com/x.png) [a](https://evil.example.com)\n` + "```" + `\n# x\n<!-- cluster-image:1 trial -->`
	s.kept = map[string]string{}
	for artifact, text := range map[string]string{
		"trial-apps-evil-1":  `{"version":1,"state":"failed","build":` + fmt.Sprintf(build, "evil") + `,"failure":{"step":"` + evil + `","error":"` + evil + `","todo":"` + evil + `","tail":["` + evil + `"]}}`,
		"trial-apps-good-1":  `{"version":1,"state":"built","digest":"` + evil + `","build":` + fmt.Sprintf(build, "good") + `,"images":[{"image":"` + evil + `","platform":"` + evil + `","digest":"` + evil + `"}]}`,
		"trial-apps-other-1": `{"version":1,"state":"built","build":` + fmt.Sprintf(build, "another") + `}`,
		"trial-apps-more-1":  `{"version":1,"state":"built","more":1,"build":` + fmt.Sprintf(build, "more") + `}`,
		"trial-path":         `{"version":1,"state":"built","build":` + fmt.Sprintf(build, "../../x") + `}`,
		"trial-empty":        ``,
	} {
		dir := t.TempDir()
		writeFile(t, filepath.Join(dir, "result.json"), text, 0o644)
		writeFile(t, filepath.Join(dir, "base.json"), `{"version":1,"state":"planned","images":[]}`, 0o644)
		s.kept[artifact] = dir
	}
	s.github.Pulls["somebody:patch-1"] = githubtest.Pull{Number: 1, SHA: "abc"}
	jobs := s.fire("pr-comment.yml", "workflow_run", tried("abc"))
	if jobs["comment"].result != "success" {
		t.Fatalf("%+v\n%s", jobs, s.log())
	}
	golden(t, "forged", s.last())
	for _, part := range []string{"another", "more 1", "../x", "@everyone"} {
		if strings.Contains(s.last(), part) {
			t.Errorf("%q is in the comment\n%s", part, s.last())
		}
	}
}

// tried is the event of the end of a pull request's run.
func tried(sha string) map[string]any {
	return map[string]any{
		"action": "completed", "repository": repositoryOf(), "sender": userOf(stranger), "workflow_run": map[string]any{
			"id": 4.0, "event": "pull_request", "conclusion": "success", "head_sha": sha, "head_branch": "patch-1",
			"head_repository": map[string]any{"owner": map[string]any{"login": "somebody"}},
		},
	}
}

// done are the jobs of builds that are over, as GitHub lists them.
func done(ids ...string) [][]githubtest.Job {
	var out []githubtest.Job
	for _, id := range ids {
		out = append(out, githubtest.Job{Name: id + " / build", Status: "completed", Conclusion: "success"})
	}
	return [][]githubtest.Job{out}
}

// TestOtherKinds asks for an image of configuration, which is built in process, and for a container image, which Dagger builds.
func TestOtherKinds(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	writeFile(t, filepath.Join(s.checkout, "configs/settings/latest/Kubefile"), "FROM scratch\nCOPY opt opt\nCMD [\"bash opt/set.sh\"]\n", 0o644)
	writeFile(t, filepath.Join(s.checkout, "configs/settings/latest/opt/set.sh"), "kubectl version\n", 0o644)
	writeFile(t, filepath.Join(s.checkout, "dockerimages/tool/latest/Dockerfile"), "FROM scratch\nARG WORD\nENV WORD=$WORD\nCOPY tool tool\n", 0o644)
	writeFile(t, filepath.Join(s.checkout, "dockerimages/tool/latest/tool"), "#!/bin/sh\n", 0o755)
	policy := filepath.Join(s.checkout, ".github/chatops.yml")
	text, err := os.ReadFile(policy)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, policy, strings.Replace(string(text), "docker.io/labring4docker", s.target.host+"/labring4docker", 1), 0o644)
	s.fakeDagger("tool", "1.0", "--build-arg", "WORD=made")

	s.github.Jobs = done("configs-settings-v0.0.1")
	jobs := s.comment(stranger, "/imagebuild_configs settings v0.0.1")
	if jobs["wave1"].result != "success" || jobs["report"].result != "success" {
		t.Fatalf("%+v\n%s", jobs, s.log())
	}
	golden(t, "config", s.last())
	s.github.Jobs = done("dockerimages-tool-1.0")
	jobs = s.comment(stranger, "/imagebuild_dockerimages tool 1.0 WORD=made")
	if jobs["wave1"].result != "success" || !strings.Contains(s.log(), "docker-image --name tool --version 1.0 --build-arg WORD=made layout export") ||
		!strings.Contains(s.log(), "call --mod github.com/"+githubtest.Repository+"@0123456789012345678901234567890123456789 ") {
		t.Fatalf("%+v\n%s", jobs, s.log())
	}
	golden(t, "docker-image", s.last())
	for name, digest := range map[string]string{"labring/settings": digests.FindString(s.answers()[0].Body), "labring4docker/tool": digests.FindString(s.last())} {
		if err := s.target.send("GET", "/v2/"+name+"/manifests/"+digest, "", nil); err != nil {
			t.Errorf("the image of the answer is not in the registry: %v", err)
		}
	}
	s.comment(stranger, "/imagebuild_dockerimages tool 1.0 EVIL=x")
	s.has("declares no build argument EVIL")
}

// fakeDagger stands in for the dagger command line and its installation: it gives what the program makes of the same recipe, with these flags.
func (s *stage) fakeDagger(name, version string, flags ...string) {
	s.t.Helper()
	made := s.t.TempDir()
	args := append([]string{"build", name, version, "--kind", "dockerimages", "--json", "--format", "oci-layout", "--output", filepath.Join(made, "layout")}, flags...)
	cmd := exec.Command(filepath.Join(s.bin, "cluster-image"), args...)
	cmd.Env = append(os.Environ(), "HOME="+made, "XDG_CACHE_HOME="+made, catalogueDir+"="+s.checkout)
	doc, err := cmd.Output()
	if err != nil {
		s.t.Fatalf("build what dagger gives: %v", err)
	}
	writeFile(s.t, filepath.Join(made, "document"), string(doc), 0o644)
	writeFile(s.t, filepath.Join(made, "dagger"), "#!/bin/bash\necho \"$*\" >&2\ncase \"$*\" in\nversion) echo 'dagger v0.20.0 (x) linux/amd64' ;;\n"+
		"*' document') cat "+made+"/document ;;\n*' layout export '*) cp -r "+made+"/layout \"${!#}\" ;;\n*) echo v0.20.0 ;;\nesac\n", 0o755)
	for tool, script := range map[string]string{
		"curl": "touch dagger.tar.gz", "sha256sum": "cat >/dev/null", "tar": "ln -s " + made + "/dagger dagger-cli/dagger",
	} {
		writeFile(s.t, filepath.Join(s.stub, tool), "#!/bin/bash\n"+script+"\n", 0o755)
	}
}

// TestDryRun tells what would be fetched, to anyone, and pushes nothing.
func TestDryRun(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.github.Jobs = done("apps-hello-1.1.0")
	jobs := s.comment(stranger, "/imagebuild_apps hello 1.1.0 --dry-run")
	if jobs["report"].result != "success" || s.target.count("uploads")+s.target.count("puts") > 0 {
		t.Fatalf("%+v\n%s", jobs, s.log())
	}
	golden(t, "dry-run", s.last())
}

// TestTagOfAnotherImage: a tag that stays is not replaced, which is told before anything is fetched; a maintainer replaces it.
func TestTagOfAnotherImage(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	if _, _, err := (sample{name: "labring/hello:1.0.0", platforms: []string{"amd64", "arm64"}, size: 10_000}).push(s.target); err != nil {
		t.Fatal(err)
	}
	s.github.Jobs = done("apps-hello-1.0.0")
	s.comment(stranger, "/imagebuild_apps hello 1.0.0")
	s.has("**Failed.**", "the tag exists", "replace the tag with --force")
	if s.ran("Registry save") || s.source.count("manifests")+s.source.count("layers") > 0 || strings.Contains(s.last(), "out of reach") {
		t.Errorf("%s\n%s", s.last(), s.log())
	}
	s.github.Jobs = done("apps-hello-1.0.0")
	s.comment(maintainer, "/imagebuild_apps hello 1.0.0 --force")
	s.has("**Done.**", "The tag named")
}
