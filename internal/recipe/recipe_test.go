package recipe_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/labring-actions/cluster-image/internal/recipe"
	"github.com/labring-actions/cluster-image/internal/recipe/app"
)

func TestLoadErrors(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ file, text, want string }{
		"unknown arch": {"build_arch", "amd64 x86_64\n", `build_arch: unknown architecture "x86_64": known are amd64, arm64, arm, ppc64le, s390x, riscv64, 386, loong64`},
		"no reason":    {"mirrors.txt", "# moved\n\ndocker.io/a=docker.io/b\n", `mirrors.txt: line 3: "docker.io/a=docker.io/b" has no reason: add it behind a #`},
		"no mirror":    {"mirrors.txt", "docker.io/a docker.io/b # moved\n", `mirrors.txt: line 1: invalid mirror "docker.io/a docker.io/b": want PREFIX=PREFIX, for example docker.io=mirror.example.com`},
		"bad pattern":  {"unchecked.txt", "opt/[ # odd\n", `unchecked.txt: line 1: pattern "opt/[": syntax error in pattern`},
		"large file":   {"mirrors.txt", strings.Repeat("#\n", 40_000), "mirrors.txt is larger than 65536 bytes"},
	} {
		_, err := recipe.Load(recipe.Application, "demo", "1.2.3", "latest", files(map[string]string{c.file: c.text}))
		if err == nil || err.Error() != c.want {
			t.Errorf("%s: error %v, want %s", name, err, c.want)
		}
	}
}

func TestLoad(t *testing.T) {
	t.Parallel()
	r := load(t, map[string]string{
		"build_arch":  "amd64, arm64\namd64\n",
		"mirrors.txt": "# images that moved\ndocker.io/bitnami=docker.io/bitnamilegacy  # since 2025\r\n",
	})
	if want := []string{"linux/amd64", "linux/arm64"}; !slices.Equal(r.Platforms, want) {
		t.Errorf("platforms %v, want %v", r.Platforms, want)
	}
	if len(r.Mirrors) != 1 || r.Mirrors[0].Target != "docker.io/bitnamilegacy" || r.Mirrors[0].Reason != "since 2025" {
		t.Errorf("mirrors %+v", r.Mirrors)
	}
	if !r.Serves("linux/arm64") || r.Serves("linux/s390x") || !load(t, nil).Serves("linux/s390x") {
		t.Error("Serves does not follow build_arch")
	}
}

func FuzzParseMirrors(f *testing.F) {
	f.Add("docker.io/bitnami=docker.io/bitnamilegacy  # moved\n")
	f.Add("# only a comment\n\n a=b # c # d\r\n")
	f.Fuzz(func(t *testing.T, text string) {
		ms, err := recipe.ParseMirrors([]byte(text))
		if err != nil {
			return
		}
		for _, m := range ms {
			if m.Prefix == "" || m.Target == "" || m.Reason == "" {
				t.Errorf("%q gave %+v", text, m)
			}
		}
	})
}

// TestLargeApp holds that what can be decoded can be loaded.
func TestLargeApp(t *testing.T) {
	t.Parallel()
	text := declaredHead + "start: [{run: a}]\n"
	for size, ok := range map[int]bool{app.MaxSize: true, app.MaxSize + 1: false} {
		_, err := recipe.Load(recipe.Application, "demo", "1.2.3", "latest", files(map[string]string{"app.yaml": text + strings.Repeat("#", size-len(text))}))
		if (err == nil) != ok {
			t.Errorf("%d bytes: %v", size, err)
		}
	}
}
