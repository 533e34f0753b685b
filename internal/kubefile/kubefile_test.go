package kubefile_test

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/labring-actions/cluster-image/internal/kubefile"
)

const amd64, arm64 = "linux/amd64", "linux/arm64"

func parse(t *testing.T, text string) *kubefile.Kubefile {
	t.Helper()
	k, err := kubefile.Parse("Kubefile", strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func build(t *testing.T, text, platform string) kubefile.Build {
	t.Helper()
	b, err := parse(t, text).Build(platform)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

const path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

func TestEnv(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		text string
		want []string
	}{
		"none":             {"", nil},
		"default":          {`ENV NAME=${NAME:-"my app"}`, []string{"NAME=my app"}},
		"default is kept":  {"ENV NAME=x\nENV NAME=${NAME:-\"y\"}", []string{"NAME=x"}},
		"alternative":      {"ENV A=1\nENV B=${A:+set} C=${Z:+set}", []string{"A=1", "B=set", "C="}},
		"single quotes":    {`ENV A='$B c'`, []string{"A=$B c"}},
		"escapes":          {`ENV A=a\ b B="say \"x\"" C=\$D`, []string{"A=a b", `B=say "x"`, "C=$D"}},
		"continued":        {"ENV A=1 \\\n  # why\n  B=2 \\\n\n  C=3", []string{"A=1", "B=2", "C=3"}},
		"old form":         {"ENV A one two", []string{"A=one two"}},
		"same line":        {"ENV A=1\nENV A=2 B=$A", []string{"A=2", "B=1"}},
		"key":              {"ARG K=X\nENV ${K}Y=1", []string{"XY=1"}},
		"replaced":         {"ENV A=1 B=2\nENV A=3", []string{"A=3", "B=2"}},
		"arg":              {"ARG V=1.2\nENV A=v$V", []string{"A=v1.2"}},
		"env before arg":   {"ENV V=env\nARG V=arg\nENV A=$V", []string{"V=env", "A=env"}},
		"arg of arg":       {"ARG A=1\nARG B=${A}2\nENV C=$B", []string{"C=12"}},
		"arg unset":        {"ARG A\nENV C=${A:-no}", []string{"C=no"}},
		"sealos variable":  {"ENV A=$(NAME)", []string{"A=$(NAME)"}},
		"platform":         {"ARG TARGETARCH TARGETOS TARGETPLATFORM BUILDARCH\nENV A=$TARGETARCH/$TARGETOS/$TARGETPLATFORM/$BUILDARCH", []string{"A=arm64/linux/linux/arm64/arm64"}},
		"platform unasked": {"ENV A=x$TARGETARCH", []string{"A=x"}},
		"CRLF":             {"ENV A=1 \\\r\n B=2\r\n", []string{"A=1", "B=2"}},
		"lower case":       {"env A=1", []string{"A=1"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := build(t, "FROM scratch\n"+c.text, arm64).Config.Env
			if want := append([]string{path}, c.want...); !slices.Equal(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

func TestPathIsReplaced(t *testing.T) {
	t.Parallel()
	got := build(t, "FROM scratch\nENV PATH=/opt/bin:$PATH", amd64).Config.Env
	if want := []string{"PATH=/opt/bin:" + strings.TrimPrefix(path, "PATH=")}; !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

func TestGlobalArgs(t *testing.T) {
	t.Parallel()
	text := "ARG BASE=scratch\nARG V=1\nFROM $BASE\nARG V\nARG W=2\nENV A=$V$W$BASE"
	if got := build(t, text, amd64).Config.Env[1]; got != "A=12" {
		t.Error(got)
	}
	b, err := parse(t, text).WithArgs(map[string]string{"V": "3", "W": "4"}).Build(amd64)
	if err != nil || b.Config.Env[1] != "A=34" {
		t.Errorf("%v, %v", b.Config.Env, err)
	}
}

func TestConfig(t *testing.T) {
	t.Parallel()
	c := build(t, `FROM scratch
MAINTAINER somebody
ARG WHO=me
LABEL sealos.io.type="patch" who=$WHO "a b"="c d"
USER $WHO
EXPOSE 80 53/udp 8000-8002/tcp
VOLUME ["/data", "/more"]
STOPSIGNAL SIGTERM
WORKDIR /a
WORKDIR b/../c
ENTRYPOINT bash start.sh "$X"
CMD ["helm upgrade -i $(NAME) charts/$WHO", "true"]
`, amd64)
	want := map[string]string{"sealos.io.type": "patch", "who": "me", "a b": "c d"}
	if !maps.Equal(c.Config.Labels, want) {
		t.Errorf("labels %v", c.Config.Labels)
	}
	ports := slices.Sorted(maps.Keys(c.Config.ExposedPorts))
	if want := []string{"53/udp", "80/tcp", "8000/tcp", "8001/tcp", "8002/tcp"}; !slices.Equal(ports, want) {
		t.Errorf("ports %v", ports)
	}
	if want := []string{"/bin/sh", "-c", `bash start.sh "$X"`}; !slices.Equal(c.Config.Entrypoint, want) {
		t.Errorf("entrypoint %q", c.Config.Entrypoint)
	}
	if want := []string{"helm upgrade -i $(NAME) charts/$WHO", "true"}; !slices.Equal(c.Config.Cmd, want) {
		t.Errorf("cmd %q", c.Config.Cmd)
	}
	if c.Author != "somebody" || c.Config.User != "me" || c.Config.StopSignal != "SIGTERM" || c.Config.WorkingDir != "/a/c" || len(c.Config.Volumes) != 2 {
		t.Errorf("%+v", c)
	}
}

func TestShellIsSh(t *testing.T) {
	t.Parallel()
	c := build(t, "FROM scratch\nSHELL [\"/bin/bash\", \"-ec\"]\nCMD a && b", amd64)
	if want := []string{"/bin/sh", "-c", "a && b"}; !slices.Equal(c.Config.Cmd, want) {
		t.Errorf("%q", c.Config.Cmd)
	}
}

func TestEscapeDirectiveAndBOM(t *testing.T) {
	t.Parallel()
	c := build(t, "\ufeff# escape=`\nFROM scratch\nENV A=C:\\x `\n  B=2\n", amd64)
	if want := []string{path, `A=C:\x`, "B=2"}; !slices.Equal(c.Config.Env, want) {
		t.Errorf("%q", c.Config.Env)
	}
}

func TestCopies(t *testing.T) {
	t.Parallel()
	mode := fs.FileMode(0o700)
	cases := map[string]struct {
		text string
		want kubefile.Copy
	}{
		"everything":  {"COPY . .", kubefile.Copy{Sources: []string{"."}, Dest: "/"}},
		"directory":   {"COPY charts charts", kubefile.Copy{Sources: []string{"charts"}, Dest: "/charts"}},
		"slash":       {"COPY a b opt/", kubefile.Copy{Sources: []string{"a", "b"}, Dest: "/opt/"}},
		"array":       {`COPY ["a b", "/c d/"]`, kubefile.Copy{Sources: []string{"a b"}, Dest: "/c d/"}},
		"workdir dot": {"WORKDIR /w\nCOPY a .", kubefile.Copy{Sources: []string{"a"}, Dest: "/w/"}},
		"workdir":     {"WORKDIR /w\nCOPY a ./x", kubefile.Copy{Sources: []string{"a"}, Dest: "/w/x"}},
		"climbing":    {"COPY a ../../x", kubefile.Copy{Sources: []string{"a"}, Dest: "/x"}},
		"platform":    {"ARG TARGETARCH\nCOPY opt/$TARGETARCH /opt", kubefile.Copy{Sources: []string{"opt/arm64"}, Dest: "/opt"}},
		"chmod":       {"COPY --chmod=0700 --chown=0:0 a /x", kubefile.Copy{Sources: []string{"a"}, Dest: "/x", Mode: &mode}},
		"exclude":     {"COPY --exclude=*.md --exclude=x a /x", kubefile.Copy{Sources: []string{"a"}, Dest: "/x", Exclude: []string{"*.md", "x"}}},
		"add":         {"ADD a /x", kubefile.Copy{Sources: []string{"a"}, Dest: "/x", Unpack: true}},
		"add packed":  {"ADD --unpack=false a.tgz /x", kubefile.Copy{Sources: []string{"a.tgz"}, Dest: "/x"}},
		"inline":      {"ARG A=1\nCOPY <<END /x\nv=$A\nEND", kubefile.Copy{Inline: []kubefile.Inline{{Name: "END", Content: "v=1\n"}}, Dest: "/x"}},
		"inline raw":  {"COPY <<'END' /x\nv=$A\nEND", kubefile.Copy{Inline: []kubefile.Inline{{Name: "END", Content: "v=$A\n"}}, Dest: "/x"}},
		"makes":       {"WORKDIR /w", kubefile.Copy{Dest: "/w/", Makes: true}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			copies := build(t, "FROM scratch\n"+c.text, arm64).Copies
			got := copies[len(copies)-1]
			if got.File != "Kubefile" || got.Line < 2 || got.Text == "" {
				t.Errorf("origin %s:%d %q", got.File, got.Line, got.Text)
			}
			got.File, got.Line, got.Text = "", 0, ""
			if !reflect.DeepEqual(normal(got), normal(c.want)) {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}

// normal makes empty lists nil.
func normal(c kubefile.Copy) kubefile.Copy {
	if len(c.Sources) == 0 {
		c.Sources = nil
	}
	if len(c.Exclude) == 0 {
		c.Exclude = nil
	}
	return c
}

const engine = "nothing is run in process; build it with the Dagger module: --engine dagger, or dagger call build"

func TestRefused(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		text, want string
		engine     bool
	}{
		"run":          {"FROM scratch\n\nRUN true\n", "Kubefile:3: RUN: " + engine, true},
		"base":         {"FROM alpine:3\n", "Kubefile:1: FROM alpine:3: a base image other than scratch: " + engine, true},
		"base arg":     {"ARG B=alpine\nFROM $B\n", "Kubefile:2: FROM alpine: a base image other than scratch: " + engine, true},
		"stages":       {"FROM scratch AS a\nFROM scratch\n", "Kubefile:2: a second FROM (the first is in line 1): several stages: " + engine, true},
		"from image":   {"FROM scratch\nCOPY --from=ghcr.io/x/y:1 / /\n", "Kubefile:2: COPY --from=ghcr.io/x/y:1: " + engine, true},
		"empty":        {"", "Kubefile:1: file with no instructions", false},
		"no from":      {"COPY . .", "Kubefile:1: COPY before FROM: begin with FROM scratch", false},
		"only arg":     {"ARG A=1", "Kubefile:1: has no FROM: begin with FROM scratch", false},
		"unknown":      {"FROM scratch\nCOPPY . .\n", "Kubefile:2: COPPY is no instruction", false},
		"platform":     {"FROM --platform=linux/s390x scratch", "Kubefile:1: FROM --platform=linux/s390x: leave --platform out, the command line says which platforms are built", false},
		"one argument": {"FROM scratch\nCOPY a\n", "Kubefile:2: COPY: COPY requires at least two arguments, but only one was provided. Destination could not be determined", false},
		"url":          {"FROM scratch\nADD https://example.com/a.tgz /\n", "Kubefile:2: ADD https://example.com/a.tgz: nothing is fetched while an image is assembled; download it in init.sh (or name it in app.yaml) and COPY it", false},
		"git":          {"FROM scratch\nADD git@github.com:x/y.git /\n", "Kubefile:2: ADD git@github.com:x/y.git: nothing is fetched while an image is assembled; download it in init.sh (or name it in app.yaml) and COPY it", false},
		"owner":        {"FROM scratch\nCOPY --chown=1000:1000 a b\n", "Kubefile:2: COPY --chown=1000:1000: the files of a cluster image belong to 0:0, since sealos unpacks them as root; leave --chown out and set the owner in the start script", false},
		"mode":         {"FROM scratch\nCOPY --chmod=u+x a b\n", "Kubefile:2: --chmod=u+x: only octal numbers such as 0755 are understood", false},
		"several":      {"FROM scratch\nCOPY a b c\n", "Kubefile:2: COPY of several sources: the destination must be a directory and end with a slash: c/", false},
		"parents":      {"FROM scratch\nCOPY --parents a b\n", "Kubefile:2: COPY --parents is not understood: write one COPY per directory", false},
		"port":         {"FROM scratch\nEXPOSE http\n", "Kubefile:2: EXPOSE http is not a port such as 80, 53/udp or 8000-8003/tcp", false},
		"required":     {"FROM scratch\nENV A=${B:?needed}\n", "Kubefile:2: ENV: failed to process \"${B:?needed}\": B: needed", false},
		"bad variable": {"FROM scratch\nENV A=${}\n", "Kubefile:2: ENV: failed to process \"${}\": syntax error: bad substitution", false},
		"NUL":          {"FROM scratch\nENV A=\x00\n", "Kubefile:2: has a NUL byte: it is not a text file", false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k, err := kubefile.Parse("Kubefile", strings.NewReader(c.text))
			if err == nil {
				_, err = k.Build(amd64)
			}
			if err == nil || err.Error() != c.want {
				t.Fatalf("got %v\nwant %s", err, c.want)
			}
			if errors.Is(err, kubefile.ErrEngine) != c.engine {
				t.Errorf("needs an engine: %v", !c.engine)
			}
		})
	}
}

func TestTooLarge(t *testing.T) {
	t.Parallel()
	if _, err := kubefile.Parse("Kubefile", strings.NewReader(strings.Repeat("# x\n", 1<<19))); err == nil {
		t.Error("two megabytes were taken")
	}
}

func TestWarnings(t *testing.T) {
	t.Parallel()
	k := parse(t, "FROM scratch\nCMD ['bash a.sh']\nHEALTHCHECK NONE\nONBUILD COPY . .\nSHELL [\"x\"]\n")
	var got []string
	for _, w := range k.Warnings {
		got = append(got, w.String())
	}
	want := []string{
		"Kubefile:2: CMD begins like an array, but is not valid JSON: it is taken as one shell command",
		"Kubefile:3: HEALTHCHECK is left out: an OCI image has no place for it",
		"Kubefile:4: ONBUILD is left out: an OCI image has no place for it",
		"Kubefile:5: SHELL is left out: an OCI image has no place for it",
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

func TestArgs(t *testing.T) {
	t.Parallel()
	k := parse(t, "ARG A=1 B\nFROM scratch\nARG TARGETARCH\nARG C=${A}\nENV D=1\n")
	if got := strings.Join(k.Args(), " "); got != "A B TARGETARCH C" {
		t.Errorf("got %s", got)
	}
}

func TestBuildIsRepeatable(t *testing.T) {
	t.Parallel()
	k := parse(t, "FROM scratch\nARG TARGETARCH\nENV A=${A}$TARGETARCH\nCOPY $TARGETARCH /")
	for range 2 {
		for _, p := range []string{"amd64", "arm64"} {
			b, err := k.Build("linux/" + p)
			if err != nil || b.Config.Env[1] != "A="+p || b.Copies[0].Sources[0] != p {
				t.Errorf("%s: %+v, %v", p, b, err)
			}
		}
	}
	if _, err := k.Build("linux"); err == nil {
		t.Error("a platform without architecture was taken")
	}
}

func TestStart(t *testing.T) {
	t.Parallel()
	k := parse(t, `FROM scratch
ENV NAME=nginx OPTS="--set a=b"
ENTRYPOINT ["bash prepare.sh"]
CMD ["helm upgrade -i $(NAME) charts/nginx $(OPTS)", "echo $$(NAME) $(UNKNOWN) $NAME $("]
`)
	s, err := k.Start(amd64)
	if err != nil {
		t.Fatal(err)
	}
	if want := map[string]string{"NAME": "nginx", "OPTS": "--set a=b"}; !maps.Equal(s.Env, want) {
		t.Errorf("env %v", s.Env)
	}
	want := []string{"bash prepare.sh", "helm upgrade -i nginx charts/nginx --set a=b", "echo $(NAME) $(UNKNOWN) $NAME $("}
	if got := s.Lines(); !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	if s.Commands[1] != "helm upgrade -i $(NAME) charts/nginx $(OPTS)" {
		t.Errorf("%q", s.Commands)
	}
	s, err = parse(t, "FROM scratch\nCMD bash start.sh").Start(amd64)
	if err != nil || !slices.Equal(s.Commands, []string{"bash start.sh"}) {
		t.Errorf("%q, %v", s.Commands, err)
	}
}

func TestLoad(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		files []string
		want  string // file name, or what the error says
		fails bool
	}{
		"kubefile":      {[]string{"Kubefile"}, "Kubefile", false},
		"dockerfile":    {[]string{"Dockerfile"}, "Dockerfile", false},
		"both":          {[]string{"Kubefile", "Dockerfile"}, "several build files, Kubefile and Dockerfile", true},
		"with foreign":  {[]string{"Kubefile", "Containerfile"}, "several build files, Kubefile and Containerfile", true},
		"none":          {nil, "add a Kubefile, for example", true},
		"sealfile":      {[]string{"Sealfile"}, "a Sealfile, which only sealos reads: rename it to Kubefile", true},
		"containerfile": {[]string{"Containerfile"}, "a Containerfile, which only sealos reads: rename it to Kubefile", true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			for _, f := range c.files {
				if err := os.WriteFile(filepath.Join(dir, f), []byte("FROM scratch\n"), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			k, err := kubefile.Load(dir)
			if c.fails {
				if err == nil || !strings.Contains(err.Error(), c.want) {
					t.Errorf("got %v", err)
				}
				if errors.Is(err, kubefile.ErrNone) != (name == "none") {
					t.Errorf("ErrNone: %v", err)
				}
				return
			}
			if err != nil || k.Name != c.want {
				t.Errorf("%v, %v", k, err)
			}
		})
	}
}

func TestLoadStaysInside(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "secret"), []byte("FROM scratch\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx := filepath.Join(dir, "ctx")
	if err := os.MkdirAll(filepath.Join(ctx, "sub"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("../secret", filepath.Join(ctx, "Kubefile")); err != nil {
		t.Fatal(err)
	}
	if _, err := kubefile.Load(ctx); err == nil {
		t.Error("a build file outside the context was read")
	}
	if err := os.Mkdir(filepath.Join(ctx, "sub", "Kubefile"), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := kubefile.Load(filepath.Join(ctx, "sub")); err == nil {
		t.Error("a directory was read as build file")
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"FROM scratch\nCOPY . .\nCMD [\"x\"]", "ARG A=1\nFROM $A", "FROM scratch\nENV A=${B:-\"c\"} \\\n D=e", "# escape=`\nFROM scratch",
		"FROM scratch\nCOPY <<A <<B /\nx\nA\ny\nB", "FROM scratch\nEXPOSE 1-3/udp $X", "FROM scratch\nHEALTHCHECK CMD x", "FROM scratch\nADD --checksum=x a b",
		"#syntax=x\n#=\nFROM scratch", "FROM scratch\nLABEL a=$x#b ${x%%y} ${x/y/z}",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		k, err := kubefile.Parse("Kubefile", strings.NewReader(s))
		if err != nil {
			return
		}
		b, err := k.Build(amd64)
		if err != nil {
			return
		}
		for _, c := range b.Copies {
			if !strings.HasPrefix(c.Dest, "/") {
				t.Errorf("destination %q", c.Dest)
			}
		}
		s1, err := k.Start(amd64)
		if err == nil {
			s1.Lines()
		}
	})
}
