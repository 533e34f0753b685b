package assemble_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/labring-actions/cluster-image/internal/assemble"
)

// tool gives the path of an installed program, or skips.
func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("%s is not installed: apt-get install %s", name, name)
	}
	return path
}

func run(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

func TestTarLists(t *testing.T) {
	t.Parallel()
	name := tool(t, "tar")
	dir := t.TempDir()
	must(t, assemble.WriteArchive(t.Context(), filepath.Join(dir, "x.tar"), index(t, simple.write(t, t.TempDir()), someRegistry(), amd64, arm64), reference))
	lines := strings.Fields(run(t, dir, name, "tf", "x.tar"))
	if lines[0] != "index.json" || lines[1] != "oci-layout" || len(lines) != 2+1+2+2+4 {
		t.Errorf("listed %q", lines)
	}
}

func TestSkopeoReads(t *testing.T) {
	t.Parallel()
	skopeo := tool(t, "skopeo")
	dir := t.TempDir()
	ctx := simple.write(t, t.TempDir())
	two, one := index(t, ctx, someRegistry(), amd64, arm64), index(t, ctx, someRegistry(), arm64)
	must(t, assemble.WriteArchive(t.Context(), filepath.Join(dir, "two.tar"), two, reference))
	must(t, assemble.WriteArchive(t.Context(), filepath.Join(dir, "one.tar"), one, reference))
	must(t, assemble.WriteLayout(t.Context(), filepath.Join(dir, "two"), two, reference))
	must(t, assemble.WriteDockerArchive(t.Context(), filepath.Join(dir, "docker.tar"), one, reference))
	for source, arch := range map[string]string{"oci-archive:two.tar": "amd64", "oci:two": "arm64", "oci-archive:one.tar": "arm64", "docker-archive:docker.tar": "arm64"} {
		var got struct {
			Architecture string
			Env          []string
			Layers       []string
		}
		must(t, json.Unmarshal([]byte(run(t, dir, skopeo, "inspect", "--override-arch", arch, source)), &got))
		if got.Architecture != arch || len(got.Layers) != 4 || got.Env[1] != "NAME=x" {
			t.Errorf("%s: %+v", source, got)
		}
	}
	run(t, dir, skopeo, "--insecure-policy", "copy", "-q", "--all", "oci-archive:two.tar", "oci:copy")
	x, err := assemble.Open(filepath.Join(dir, "copy"))
	must(t, err)
	if x.Digest != two.Digest {
		t.Errorf("a copy has the digest %s, want %s", x.Digest, two.Digest)
	}
}

// TestOpenWhatSkopeoWrote reads the archives of another program.
func TestOpenWhatSkopeoWrote(t *testing.T) {
	t.Parallel()
	skopeo := tool(t, "skopeo")
	dir := t.TempDir()
	one := index(t, simple.write(t, t.TempDir()), someRegistry(), arm64)
	must(t, assemble.WriteLayout(t.Context(), filepath.Join(dir, "one"), one, reference))
	for _, dest := range []string{"oci-archive:" + dir + "/a.tar", "docker-archive:" + dir + "/d.tar:" + reference} {
		run(t, dir, skopeo, "--override-arch", "arm64", "--insecure-policy", "copy", "-q", "oci:one", dest)
		_, file, _ := strings.Cut(dest, ":")
		file, _, _ = strings.Cut(file, ":")
		x, err := assemble.Open(file)
		must(t, err)
		if x.Images[0].Platform.String() != arm64 || len(x.Images[0].Layers) != 4 {
			t.Errorf("%s: %+v", dest, x.Images[0])
		}
		if strings.HasPrefix(dest, "docker") && x.Name != reference {
			t.Errorf("%s: name %q", dest, x.Name)
		}
	}
}

// corpus are build files whose image must be the one that buildah makes. None fetches or runs anything.
var corpus = map[string]string{
	"usual":         "FROM scratch\nENV NAME=${NAME:-\"nginx\"} NAMESPACE=${NAMESPACE:-\"default\"}\nENV CHARTS=${CHARTS:-\"./charts/x\"}\nENV HELM_OPTS=${HELM_OPTS:-\"--set a.b=c --set 'd=e f'\"}\nCOPY charts charts\nCOPY manifests ./manifests\nCMD [\"helm upgrade -i $(NAME) $(CHARTS) -n $(NAMESPACE) --create-namespace $(HELM_OPTS)\", \"kubectl apply -f manifests\"]\n",
	"everything":    "# comment\nFROM scratch\nCOPY . .\nCMD [\"bash run.sh\"]\n",
	"multi line":    "FROM scratch\nENV A=1 \\\n    B=\"two words\" \\\n    # inside\n    C='three $A' \\\n    D=a\\ b\nENV OLD style   of words\nLABEL sealos.io.type=\"patch\" \\\n      x.y=\"a b\"\nCOPY a.txt /\n",
	"variables":     "ARG BASE=scratch\nFROM ${BASE}\nARG V=1.2\nARG TARGETARCH\nARG TARGETOS\nENV X=$V Y=${V}-${TARGETARCH}-${TARGETOS} Z=${NONE:-none} W=${V:+set} U=\"${NONE}\"\nENV X=${X}x Q=\"say \\\"hi\\\"\"\nLABEL v=$V q='$V'\nCOPY a.txt $X/\n",
	"path":          "FROM scratch\nENV PATH=/opt/bin:$PATH\nCOPY run.sh /opt/bin/\n",
	"shell form":    "FROM scratch\nCOPY run.sh /\nENTRYPOINT bash /run.sh $NAME && true\nCMD echo $(NAME) \"a b\"\n",
	"entry and cmd": "FROM scratch\nCOPY run.sh /\nCMD [\"a\"]\nENTRYPOINT [\"bash run.sh\", \"x\"]\nCMD [\"b $(X) ${Y} $$\"]\n",
	"settings":      "FROM scratch\nMAINTAINER me <me@example.com>\nEXPOSE 80 53/udp\nEXPOSE 443/tcp\nVOLUME /data /more\nVOLUME [\"/x y\"]\nSTOPSIGNAL SIGTERM\nWORKDIR /w\nWORKDIR a/b\nCOPY a.txt .\nUSER 1000:1000\n",
	"workdir":       "FROM scratch\nWORKDIR /app\nCOPY a.txt b.txt ./\nCOPY charts ./c\nCOPY run.sh x\n",
	"wildcards":     "FROM scratch\nCOPY *.txt t/\nCOPY ch* c/\nCOPY docs/*/x.md m/\nCOPY a.tx? q\n",
	"directories":   "FROM scratch\nCOPY docs/ d\nCOPY charts/x /\nCOPY docs/deep/. e/\nCOPY empty empty\nCOPY a.txt d/\nCOPY a.txt d/renamed\nCOPY docs/deep d\n",
	"links":         "FROM scratch\nCOPY link l\nCOPY link into/\nCOPY dirlink dl\nCOPY docs d\n",
	"modes":         "FROM scratch\nCOPY --chmod=0600 a.txt x\nCOPY --chmod=755 docs/deep d\nCOPY --chown=0:0 run.sh /\n",
	"array":         "FROM scratch\nCOPY [\"a.txt\", \"docs/README.md\", \"/a b/\"]\n",
	"add":           "FROM scratch\nADD a.txt /x/\nADD docs /docs\n",
	"escape":        "# escape=`\nFROM scratch\nENV A=1 `\n    B=2\nCOPY a.txt /\n",
	"CRLF":          "FROM scratch\r\nENV A=1 \\\r\n  B=2\r\nCOPY a.txt /\r\nCMD [\"x\"]\r\n",
	"case":          "from scratch\nenv a=1\ncopy a.txt /\ncmd [\"x\"]\n",
	"overwrite":     "FROM scratch\nCOPY a.txt x\nCOPY b.txt x\nCOPY docs d\nCOPY charts/x d\n",
	"no cmd":        "FROM scratch\nCOPY a.txt b.txt /\n",
	"replaced env":  "FROM scratch\nENV A=1 B=2\nENV A=3 C=$A\nENV B=\nCOPY a.txt /\n",
	"other shell":   "FROM scratch\nCOPY a.txt /\nSHELL [\"/bin/bash\", \"-c\"]\nCMD a && b\nENTRYPOINT c\n",
	"left out":      "FROM scratch\nCOPY a.txt /\nHEALTHCHECK CMD true\nONBUILD COPY . .\n",
	"ignore all":    "FROM scratch\nCOPY . /x\n",
	"ignore deep":   "FROM scratch\nCOPY docs charts /x/\n",
	"shell":         "FROM scratch\nCOPY a.txt /\nCMD 'quoted' \"double\" back\\slash\n",
}

// ignored are the corpus' ignore files.
var ignored = map[string]string{
	"everything":  "docs\n**/*.tgz\n!docs/README.md\n",
	"usual":       "*.txt\n",
	"ignore all":  "*\n!docs/deep\n!charts/x\ncharts/x/templates\n",
	"ignore deep": "# comment\n**/x.md\n/charts/*/Chart.yaml\ndocs/R*\n\n",
}

func TestSameAsBuildah(t *testing.T) {
	t.Parallel()
	buildah := tool(t, "buildah")
	if os.Geteuid() != 0 {
		t.Skip("buildah with the vfs driver and chroot isolation needs root here")
	}
	for name, text := range corpus {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := with(files{"manifests/a.yaml": "kind: Pod"}).write(t, t.TempDir())
			must(t, os.WriteFile(filepath.Join(dir, "Kubefile"), []byte(text), 0o644))
			if ig, ok := ignored[name]; ok {
				must(t, os.WriteFile(filepath.Join(dir, ".dockerignore"), []byte(ig), 0o644))
			}
			platform := arm64
			want := built(t, buildah, dir, platform)
			got := image(t, input(t, dir, platform, nil))
			a, b := config(t, got.Config), config(t, want.Config)
			if a.Architecture != b.Architecture || a.OS != b.OS || a.Author != b.Author {
				t.Errorf("%s/%s by %q, buildah %s/%s by %q", a.OS, a.Architecture, a.Author, b.OS, b.Architecture, b.Author)
			}
			delete(b.Config.Labels, "io.buildah.version")
			if len(b.Config.Labels) == 0 {
				b.Config.Labels = nil
			}
			if !reflect.DeepEqual(a.Config, b.Config) {
				t.Errorf("config differs\ngot     %s\nbuildah %s", asJSON(a.Config), asJSON(b.Config))
			}
			if g, w := listing(unpack(t, got)), listing(unpack(t, want)); g != w {
				t.Errorf("files differ\ngot\n%s\nbuildah\n%s", g, w)
			}
		})
	}
}

func asJSON(c v1.Config) string {
	b, _ := json.Marshal(c)
	return string(b)
}

// built is what buildah makes of a context.
func built(t *testing.T, buildah, dir, platform string) assemble.Image {
	t.Helper()
	work := t.TempDir()
	global := []string{"--root", filepath.Join(work, "root"), "--runroot", filepath.Join(work, "run"), "--storage-driver", "vfs"}
	run(t, dir, buildah, append(global, "bud", "-q", "--isolation=chroot", "--platform", platform, "-t", "x", "-f", "Kubefile", ".")...)
	out := filepath.Join(work, "out.tar")
	run(t, dir, buildah, append(global, "push", "-q", "x", fmt.Sprintf("oci-archive:%s", out))...)
	x, err := assemble.Open(out)
	must(t, err)
	return x.Images[0]
}
