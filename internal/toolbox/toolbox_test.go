package toolbox_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/kubectl/pkg/util/i18n"

	"github.com/labring-actions/cluster-image/internal/toolbox"
)

func TestHelm(t *testing.T) {
	t.Parallel()
	u := newUpstream(t)
	u.chart("web", "4.9.1", "1.23.1", "service:\n  type: ClusterIP\n")
	u.chart("web", "4.10.1", "1.23.1", "service:\n  type: ClusterIP\n")
	dir, home := tools(t), t.TempDir()
	helm := filepath.Join(dir, "helm")
	for _, step := range []struct {
		args []string
		want string
	}{
		{[]string{"repo", "add", "test", u.url + "/charts"}, `"test" has been added to your repositories`},
		{[]string{"search", "repo", "--versions", "--regexp", `\vtest/web\v`}, "test/web\t4.10.1       \t1.23.1"},
		{[]string{"pull", "test/web", "--version", "4.9.1", "--untar", "--untardir", "charts"}, ""},
		{[]string{"template", "release", "charts/web", "--set", "service.type=NodePort"}, "type: NodePort"},
		{[]string{"show", "chart", "charts/web"}, "version: 4.9.1"},
	} {
		out, errs, code := call(t, home, "", append([]string{helm}, step.args...)...)
		if code != 0 || !strings.Contains(out, step.want) {
			t.Fatalf("helm %v: status %d\n%s%s\nwant %s", step.args, code, out, errs, step.want)
		}
	}
	if _, err := os.Stat(filepath.Join(home, "charts/web/.helmignore")); err != nil {
		t.Error(err)
	}
	if _, errs, code := call(t, home, "", helm, "pull", "test/none"); code == 0 || !strings.Contains(errs, "none") {
		t.Errorf("a chart that does not exist: status %d, %q", code, errs)
	}
}

func TestYQ(t *testing.T) {
	t.Parallel()
	dir, home := tools(t), t.TempDir()
	yq := filepath.Join(dir, "yq")
	const text = "image:\n  tag: v1 # pinned\n"
	if err := os.WriteFile(filepath.Join(home, "values.yaml"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args        []string
		stdin, want string
	}{
		{[]string{".image.tag", "values.yaml"}, "", "v1\n"},
		{[]string{"e", ".image.tag", "values.yaml"}, "", "v1\n"},
		{[]string{"eval", ".image.tag", "-"}, text, "v1\n"},
		{[]string{"-o=json", "-I=0", ".", "values.yaml"}, "", `{"image":{"tag":"v1"}}` + "\n"},
		{[]string{"-i", `.image.tag = "v2"`, "values.yaml"}, "", ""},
	} {
		if out, errs, code := call(t, home, c.stdin, append([]string{yq}, c.args...)...); code != 0 || out != c.want {
			t.Errorf("yq %v: status %d, %q, %q, want %q", c.args, code, out, errs, c.want)
		}
	}
	if b, err := os.ReadFile(filepath.Join(home, "values.yaml")); err != nil || string(b) != "image:\n  tag: v2 # pinned\n" {
		t.Errorf("edited file %q, %v", b, err)
	}
	if _, _, code := call(t, home, "", yq, ".a", "absent.yaml"); code == 0 {
		t.Error("an absent file is no error")
	}
}

func TestJQ(t *testing.T) {
	t.Parallel()
	jq := filepath.Join(tools(t), "jq")
	for _, c := range []struct {
		args        []string
		stdin, want string
		code        int
	}{
		{[]string{"-r", ".[] | .tag_name"}, `[{"tag_name":"v2"},{"tag_name":"v1"}]`, "v2\nv1\n", 0},
		{[]string{"-c", "--arg", "v", "1", "{a: $v}"}, `null`, `{"a":"1"}` + "\n", 0},
		{[]string{"-e", ".a"}, `{}`, "null\n", 1},
		{[]string{"."}, `<html>`, "", 5},
	} {
		if out, errs, code := call(t, t.TempDir(), c.stdin, append([]string{jq}, c.args...)...); code != c.code || out != c.want {
			t.Errorf("jq %v: status %d, %q, %q, want %d, %q", c.args, code, out, errs, c.code, c.want)
		}
	}
}

func TestOtherNamesAreNotTools(t *testing.T) {
	t.Parallel()
	for _, argv := range [][]string{nil, {""}, {"cluster-image", "helm"}, {"/usr/bin/kubectl"}, {"helm2"}} {
		if _, ok := toolbox.Main(argv); ok {
			t.Errorf("%q is taken for a tool", argv)
		}
	}
}

// TestUntranslated holds the order of initialisation: had kubectl's packages been first, the language of the environment
// would have been loaded for their help texts.
func TestUntranslated(t *testing.T) {
	t.Parallel()
	const text = "Display one or many resources"
	if os.Getenv("TEST_UNTRANSLATED") != "" {
		fmt.Println("it is: " + i18n.T(text))
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestUntranslated$", "-test.v")
	cmd.Env = append(os.Environ(), "TEST_UNTRANSLATED=1", "LC_ALL=zh_CN.UTF-8")
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "it is: "+text) {
		t.Errorf("a translation was loaded: %v\n%s", err, out)
	}
}
