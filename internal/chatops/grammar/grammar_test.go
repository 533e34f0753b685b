package grammar_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/labring-actions/cluster-image/internal/chatops/grammar"
)

func TestCommands(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		"/imagebuild_apps nginx 1.23.1":                                          "",
		"/imagebuild_apps nginx 1.23.1 1.23.2 v1.24.0":                           "",
		"/imagebuild_apps nginx 1.23.1\r\nthanks!":                               "/imagebuild_apps nginx 1.23.1",
		"/imagebuild_apps nginx 1.23.1  \n\n> /imagebuild_apps x 1":              "/imagebuild_apps nginx 1.23.1",
		"/imagebuild_apps nginx 1.23.1\n```\n/imagebuild_apps x 1\n```":          "/imagebuild_apps nginx 1.23.1",
		"/imagebuild_apps kubelet main":                                          "",
		"/imagebuild_apps nginx 1.23.1 --force --dry-run":                        "/imagebuild_apps nginx 1.23.1 --dry-run --force",
		"/imagebuild_apps nginx 1 --platform linux/arm64 --platform linux/amd64": "/imagebuild_apps nginx 1 --platform linux/amd64 --platform linux/arm64",
		"/imagebuild_dockerimages zot v2.0.1":                                    "",
		"/imagebuild_dockerimages zot v2.0.1 COMMIT=abc,GO_VERSION=1.22":         "",
		"/imagebuild_configs coredns v0.0.1":                                     "",
		"/imagebuild_hosted athenaserving v1.0":                                  "",
		"/imagebuild_k8s":                                                        "",
		"/imagebuild_k8s v5.0.1":                                                 "",
		"/imagebuild_k8s 4.3.7":                                                  "",
		"/imagebuild_k8s v5.0.0-beta1":                                           "",
		"/single_imagebuild_k8s_part1":                                           "",
		"/single_imagebuild_k8s_part2 v5.0.1":                                    "",
		"/single_imagebuild_k8s_part3":                                           "",
		"/imagebuild_docker_k8s v4.3.7":                                          "",
		"/imagebuild_cancel":                                                     "",
		"/imagebuild_help":                                                       "",
		"### Command\n\n/imagebuild_apps\n\n### Name\n\nnginx\n\n### Versions\n\n1.23.1 1.24.0\n\n### Anything else\n\nI need it soon\n": "/imagebuild_apps nginx 1.23.1 1.24.0",
		"### 命令\n\n/imagebuild_dockerimages\n\n### 名称\n\nzot\n\n### 版本\n\nv2.0.1\n\n### 构建参数\n\nA=1\n\n### 补充说明\n\n_No response_":        "/imagebuild_dockerimages zot v2.0.1 A=1",
		"### Command\r\n\r\n/imagebuild_k8s (containerd)\r\n\r\n### Version of sealos\r\n\r\n_No response_":                              "/imagebuild_k8s",
		"### Command\n\n/imagebuild_apps\n\n### Name\n\nnginx\n\n### Versions\n\n1.23.1\n1.24.0\n":                                       "/imagebuild_apps nginx 1.23.1 1.24.0",
	} {
		if want == "" {
			want = body
		}
		c, err := grammar.Parse(body)
		if err != nil || c.String() != want {
			t.Errorf("%q\ngot  %q, %v\nwant %q", body, c, err, want)
		}
	}
}

func TestNoCommand(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		"", "thanks", "imagebuild is nice", "imagebuild_app is what I need", "builds looks good to me!", "please /imagebuild_apps nginx 1.23.1", "\n/imagebuild_apps nginx 1.23.1", "> /imagebuild_apps nginx 1.23.1",
		"```\n/imagebuild_apps nginx 1.23.1\n```", "`/imagebuild_apps nginx 1.23.1`", "<!-- x -->\n/imagebuild_apps nginx 1.23.1", "    /imagebuild_apps nginx 1.23.1",
		"\t/imagebuild_apps nginx 1.23.1", "/lgtm", "/assign @someone", "/kube 1.29.0", "- /imagebuild_apps nginx 1.23.1", "# /imagebuild_apps nginx 1.23.1",
		"### Description\n\n/imagebuild_apps nginx 1.23.1", "\ufeff/imagebuild_apps nginx 1.23.1",
	} {
		if c, err := grammar.Parse(body); !errors.Is(err, grammar.ErrNone) {
			t.Errorf("%q: got %q, %v", body, c, err)
		}
	}
}

// TestMisses has mistakes that people made, and attacks: what is wrong, and what may be meant.
func TestMisses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ body, problem, suggestion string }{
		{"/imagebuild_k8s_docker", "there is no command /imagebuild_k8s_docker", "/imagebuild_docker_k8s"},
		{"/imagebuild_k8s_docker v5.0.1", "there is no command", "/imagebuild_docker_k8s v5.0.1"},
		{"/imagebuild_appsX nginx 1.23.1", "there is no command /imagebuild_appsX", "/imagebuild_apps nginx 1.23.1"},
		{"/imagebuid_apps nginx 1.23.1", "there is no command", "/imagebuild_apps nginx 1.23.1"},
		{"/ImageBuild_Apps nginx 1.23.1", "there is no command", "/imagebuild_apps nginx 1.23.1"},
		{"/imagebuild 1.26.15 amd64", "there is no command /imagebuild", ""},
		{"/imagebuild_apps  nginx 1.23.1", "one blank stands between two words", "/imagebuild_apps nginx 1.23.1"},
		{"/imagebuild_apps nginx  1.23.1", "one blank stands between two words", "/imagebuild_apps nginx 1.23.1"},
		{" /imagebuild_apps nginx 1.23.1", "the line begins with a blank", "/imagebuild_apps nginx 1.23.1"},
		{"imagebuild_apps nginx 1.23.1", "begins with a slash", "/imagebuild_apps nginx 1.23.1"},
		{"single_imagebuild_k8s_part1", "begins with a slash", "/single_imagebuild_k8s_part1"},
		{"/imagebuild_apps nginx", "the version is missing", ""},
		{"/imagebuild_apps nginx:1.23.1", "the version is missing", "/imagebuild_apps nginx 1.23.1"},
		{"/imagebuild_apps nginx:1.23.1 --dry-run", "the version is missing", "/imagebuild_apps nginx 1.23.1 --dry-run"},
		{"/imagebuild_apps nginx 1.23.1,1.23.2", "character 7 is ','", "/imagebuild_apps nginx 1.23.1 1.23.2"},
		{"/imagebuild_apps nginx 1.23.1, 1.23.2", "character 7 is ','", "/imagebuild_apps nginx 1.23.1 1.23.2"},
		{"/imagebuild_configs coredns:v1", "the version is missing", "/imagebuild_configs coredns v1"},
		{"/imagebuild_apps :,", "the version is missing", ""},
		{"/imagebuild_apps", "name and version are missing", ""},
		{"/imagebuild_dockerimages", "name and version are missing", ""},
		{"/imagebuild_apps helm latest", `"latest" is no version`, ""},
		{"/imagebuild_apps helm default latest", `"default" is no version`, ""},
		{"/imagebuild_apps longhorn v1.7.1 amd64", `"amd64" is a platform`, "/imagebuild_apps longhorn v1.7.1 --platform linux/amd64"},
		{"/imagebuild_apps nginx 1.23.1 1.23.1", "named twice", ""},
		{"/imagebuild_apps Nginx 1.23.1", `invalid name "Nginx"`, ""},
		{"/imagebuild_configs coredns v1 v2", "3 words follow", ""},
		{"/imagebuild_dockerimages zot v1 v2", `"v2" is no build argument`, ""},
		{"/imagebuild_dockerimages zot v1 A=1,A=2", "given twice", ""},
		{"/imagebuild_dockerimages zot v1 A=-x", "no build argument", ""},
		{"/imagebuild_dockerimages zot v1 A=1, B=2", "4 words follow", ""},
		{"/imagebuild_k8s 1.29.0", "is a version of Kubernetes", ""},
		{"/imagebuild_k8s v1.29.0", "is a version of Kubernetes", ""},
		{"/imagebuild_k8s latest", "no version of sealos", ""},
		{"/imagebuild_help me", "takes no words", "/imagebuild_help"},
		{"/imagebuild_cancel --force", "takes no flags", ""},
		{"/imagebuild_apps nginx 1 --push x", `there is no flag "--push"`, ""},
		{"/imagebuild_apps nginx 1 --platform amd64", "behind --platform stands", ""},
		{"/imagebuild_apps nginx 1 --force 2", "follows a flag", ""},
		{"/imagebuild_apps nginx 1 --force --force", "given twice", ""},
		{"/imagebuild_apps nginx 1.23.1\n/imagebuild_apps helm v3.16.4", "two commands in one comment", ""},
		{"/imagebuild_apps nginx\t1.23.1", "character 23 is the invisible U+0009", ""},
		{"／imagebuild_apps nginx 1.23.1", "character 1 is '／' (U+FF0F)", ""},
		{"/imagebuild_apps ng\u0456nx 1", "U+0456", ""},
		{"/imagebuild_apps ngi\u202enx 1", "the invisible U+202E", ""},
		{"/imagebuild_apps nginx 1.23.1\u200b", "the invisible U+200B", ""},
		{"/imagebuild_apps nginx\xff 1", "byte 0xFF", ""},
		{"/imagebuild_apps $(curl x|sh) 1", `invalid name "$(curl"`, ""},
		{"/imagebuild_apps `id` 1", "invalid name", ""},
		{"/imagebuild_apps nginx 1;id", "invalid version", ""},
		{"/imagebuild_apps nginx ${{secrets.TOKEN}}", "invalid version", ""},
		{"/imagebuild_apps nginx ::set-output", "invalid version", ""},
		{"/imagebuild_apps nginx %0A", "invalid version", ""},
		{"/imagebuild_apps .. 1", "invalid name", ""},
		{"/imagebuild_apps ../x 1", "invalid name", ""},
		{"/imagebuild_apps nginx ..", "invalid version", ""},
		{"/imagebuild_apps nginx v1/../../x", "invalid version", ""},
		{"/imagebuild_apps --help 1", "there is no flag", ""},
		{"/imagebuild_apps -e 1", "there is no flag", ""},
		{"/imagebuild_apps nginx " + strings.Repeat("1", 2000), "bytes long, at most 1024", ""},
		{"### Command\n\n/rm\n\n### Name\n\nnginx", "the form names no command", ""},
		{"### Command\n\n/imagebuild_apps\n\n### Name\n\nnginx 1.2\n\n### Versions\n\n$(id)", "invalid version", ""},
		{"### Command\n\n/imagebuild_apps\n\n### Name\n\n_No response_\n\n### Versions\n\n1", "the version is missing", ""},
	} {
		_, err := grammar.Parse(tt.body)
		var m *grammar.Miss
		if !errors.As(err, &m) || !strings.Contains(m.Problem, tt.problem) || m.Suggestion != tt.suggestion {
			t.Errorf("%q\ngot  %#v\nwant %q, %q", tt.body, err, tt.problem, tt.suggestion)
			continue
		}
		if m.Understood == "" || strings.ContainsFunc(m.Understood, func(r rune) bool { return r < ' ' || r > '~' }) {
			t.Errorf("%q: understood %q", tt.body, m.Understood)
		}
	}
}

func TestTitle(t *testing.T) {
	t.Parallel()
	c, err := grammar.Parse("/imagebuild_apps openebs-lvm 1.0.1")
	if err != nil {
		t.Fatal(err)
	}
	for title, ok := range map[string]bool{
		"【Auto-build】openebs-lvm": true, "【Auto-build】 openebs-lvm ": true, "【Auto-build】": true, "a wish": true,
		"【Auto-build】penebs-lvm": false, "【Auto-build】openebs-lvm 1.0.1": false,
	} {
		if err := grammar.CheckTitle(title, c); (err == nil) != ok {
			t.Errorf("%s: %v", title, err)
		}
	}
	if err := grammar.CheckTitle("【Auto-build】x", grammar.Command{Kind: grammar.K8s}); err != nil {
		t.Error(err)
	}
}

func TestHash(t *testing.T) {
	t.Parallel()
	hash := func(line string) string {
		c, err := grammar.Parse(line)
		if err != nil {
			t.Fatal(err)
		}
		return c.Hash()
	}
	if hash("/imagebuild_apps nginx 1 --force --dry-run") != hash("/imagebuild_apps nginx 1 --dry-run --force\nthanks") {
		t.Error("the same request has two hashes")
	}
	if hash("/imagebuild_apps nginx 1") == hash("/imagebuild_hosted nginx 1") {
		t.Error("two requests have one hash")
	}
}

func TestFormsParse(t *testing.T) {
	t.Parallel()
	for _, f := range grammar.Forms() {
		if c, err := grammar.Parse(f.Example); err != nil || c.String() != f.Example {
			t.Errorf("%s: %q, %v", f.Example, c, err)
		}
	}
}

// FuzzParse: what is a command is written in one way only, and reads the same again; what is none is told without a control character.
func FuzzParse(f *testing.F) {
	for _, form := range grammar.Forms() {
		f.Add(form.Example)
	}
	f.Add("### Command\n\n/imagebuild_apps\n\n### Name\n\nnginx\n\n### Versions\n\n1.23.1")
	f.Add("/imagebuild_dockerimages zot v1 A=1,B=2 --platform linux/amd64 --force")
	f.Add("/imagebuild_apps longhorn v1.7.1 amd64 arm64")
	f.Fuzz(func(t *testing.T, body string) {
		c, err := grammar.Parse(body)
		var m *grammar.Miss
		switch {
		case err == nil:
			again, err := grammar.Parse(c.String())
			if err != nil || again.String() != c.String() || again.Hash() != c.Hash() {
				t.Fatalf("%q reads as %q, then as %q, %v", body, c, again, err)
			}
			if strings.ContainsAny(c.String(), "$`;|&<>\"'\\\n\r(){}[]*?!~#%^") || strings.Contains(c.String(), "..") {
				t.Fatalf("%q reads as %q", body, c)
			}
			line, _, _ := strings.Cut(body, "\n")
			if !strings.HasPrefix(body, "### ") && len(c.Platforms) == 0 && !c.Force && strings.TrimRight(line, " \r") != c.String() {
				t.Fatalf("%q reads as %q", body, c)
			}
		case errors.As(err, &m):
			if m.Problem == "" || len(m.Understood) > 900 || strings.ContainsFunc(m.Understood, func(r rune) bool { return r < ' ' || r > '~' }) {
				t.Fatalf("%q: %#v", body, m)
			}
		case !errors.Is(err, grammar.ErrNone):
			t.Fatal(err)
		}
	})
}
