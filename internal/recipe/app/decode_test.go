package app_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/labring-actions/cluster-image/internal/recipe/app"
)

// head is what every recipe begins with.
const head = `description: A demo
home: https://example.com
categories: [web]
version: {v: never, example: 1.20}
`

// whole is a recipe that is right.
const whole = head + `sources:
  - chart: nginx
    repo: https://charts.example.com
    app-version: "{version}"
start:
  - helm: nginx
    namespace: nginx
`

func TestDecode(t *testing.T) {
	t.Parallel()
	a, err := app.Decode([]byte(whole))
	if err != nil {
		t.Fatal(err)
	}
	if a.Version.Example != "1.20" {
		t.Errorf("a version is taken as it is written: %q", a.Version.Example)
	}
	if s := a.Sources[0]; s.Kind() != app.KindChart || s.At.Of("repo") != 7 || s.At.Of("nothing") != 6 {
		t.Errorf("source %+v", s)
	}
}

// TestFaults holds what is said of recipes that are wrong, each with its line.
func TestFaults(t *testing.T) {
	t.Parallel()
	step := "start:\n  - apply: manifests/x.yaml\n"
	for text, want := range map[string]string{
		"":                                    "app.yaml: it is no mapping of keys and values",
		"a: [":                                "app.yaml:1: did not find expected node content",
		"a: x: y\n":                           "app.yaml:1: mapping values are not allowed in this context; a text with a colon and a blank in it needs quotes, and keys of one mapping begin in the same column",
		head + step + "notes: @x\nb: 1\n":     "app.yaml:7: found character that cannot start any token; YAML is indented by blanks, never by a tab, and a text that begins with @, ` or % needs quotes",
		head + "start:\n  - run: a\n\tb: c\n": "app.yaml:7: found a tab character that violates indentation; YAML is indented by blanks, never by a tab, and a text that begins with @, ` or % needs quotes",
		head + "start:\n  - run: a\n    undo: {version}-x\n  - run: b\n": "app.yaml:7: did not find expected key; what begins with { or a quote ends with it: put quotes around the whole text",
		head + "start:\n  - {run: a\n":                                   "app.yaml:6: did not find expected ',' or '}'",
		head + "start:\n  - run: \"a\n  - run: b\n":                      "app.yaml:6: found unexpected end of stream",
		head + "start:\n  - run: a\n    undo b\n    when: c\n":           "app.yaml:7: could not find expected ':'; a key is followed by a colon and a blank",
		strings.ReplaceAll(head+"start: [\n", "\n", "\r\n"):              "app.yaml:5: did not find expected node content",
		head + step + "sources:\n  - {images: [\"a.io/x:{b.version}\"], about: x}\n  - {chart: b, repo: https://x.y, version: 1}\n":   `app.yaml:8: {b.version} is not known yet: sources are downloaded in the order of the file, and the one that it is of does not stand before this`,
		head + step + "edits:\n  - {file: a, select: {kind: \"{vresion}\"}, delete: [a], reason: x}\n":                                `app.yaml:8: there is no placeholder {vresion}; did you mean version?; the text itself is written \{vresion}`,
		head + "start:\n  - {apply: a, wait: \"condition=x y/{vresion}\"}\n":                                                          `app.yaml:6: there is no placeholder {vresion}; did you mean version?; the text itself is written \{vresion}`,
		head + step + "sources:\n  - {binary: \"https://x.y/{ARCH}\", to: opt/x}\n":                                                   "app.yaml:8: {ARCH} is no placeholder; did you mean arch?",
		head + step + "sources:\n  - {binary: \"https://x.y/${arch}\", to: opt/x}\n":                                                  "app.yaml:8: ${arch} is no placeholder; did you mean arch?",
		head + step + "sources:\n  - {binary: \"https://x.y/{{ .arch }}\", to: opt/x}\n":                                              "app.yaml:8: {{ .arch }} is no placeholder; did you mean arch?",
		head + step + "sources:\n  - {file: \"https://x.y/z\", to: \"etc/{version_bare}\"}\n":                                         "app.yaml:8: {version_bare} is no placeholder; did you mean version-bare?",
		head + step + "sources:\n  - {binary: \"https://x.y/{arch}\", to: opt/x, sha256: {amd64: " + strings.Repeat("a", 64) + "}}\n": "app.yaml:8: sha256 has none for arm64, which the recipe can be built for: a download of which nobody knows what it is",
		head + step + "sources:\n  - {file: \"https://x.y/z\", to: mirrors.txt}\n":                                                    `app.yaml:8: to is "mirrors.txt", which is made of the recipe, or says how it is built`,
		head + step + "sources:\n  - {chart: a, repo: \"https://x.y\", version: 1, to: charts/a/b}\n":                                 "app.yaml:8: a chart goes to charts/NAME, not to charts/a/b: what lies there is taken for charts",
		head + step + "sources:\n  - {chart: a, repo: \"https://x.y\", version: 1, to: charts}\n":                                     "app.yaml:8: a chart goes to charts/NAME, not to charts: what lies there is taken for charts",
		head + step + "sources:\n  - {chart: \"https://x.y/z.tgz\", to: charts/}\n":                                                   "app.yaml:8: a chart by URL lacks to: charts/NAME",
		head + "start:\n  - {helm: a, namespace: B c}\n":                                                                              `app.yaml:6: "B c" cannot be a namespace: it has at most 63 lower-case letters, digits and dashes`,
		head + step + "requires: {tools: [\"a;b\"]}\n":                                                                                `app.yaml:7: requires.tools has "a;b", which is no program's name`,
		head + "variables: {NAMESPACE: {default: a, about: b}}\nstart:\n  - {helm: a, namespace: b}\n":                                "app.yaml:5: NAMESPACE is a variable of the release a already, and its default is what the step says",
		head + step + "variables: {work: {default: a, about: b}}\n":                                                                   "app.yaml:7: the variable work means something else already",
		head + step + "platforms: arm64\n":                                                                                            "app.yaml:7: platforms must be a list, or {only: [arm64], reason: …}",
		head + "variables: {EMAIL: {required: true, about: x}}\nstart:\n  - {run: a, undo: 'echo \"$EMIAL\"'}\n":                      "app.yaml:7: nothing sets $EMIAL; did you mean EMAIL?; what may be absent is written ${EMIAL:-}",
		head + step + "---\nhome: x\n": "app.yaml:8: a second document begins here, which nobody would read: take the --- before it away, or what follows",
		head + "sources:\n  - {binary: https://x.y/z, extract: 'a-*/b', to: opt/b}\n" + step: `app.yaml:6: extract is "a-*/b": it is the path of one program; what a pattern matches is taken with archive and pick`,
		head + step + "sorces: []\n":       "app.yaml:7: the recipe has no key sorces; did you mean sources?",
		head + step + "home: x\n":          "app.yaml:7: home is there twice, first in line 2",
		head + step + "licenses: &a x":     "app.yaml:7: anchors and aliases are not understood: write it out",
		head + step + "notes: {version}\n": "app.yaml:7: notes must be text; what begins with { needs quotes, as in \"{version}\"",
		head + step + "type: pach\n":       `app.yaml:7: type cannot be "pach": it is application or patch`,
		head + "start:\n":                  "app.yaml:5: start must be a list",
		head + "start: []\n":               "app.yaml:5: start has no step, so that the application never starts",
		head + step + "sources:\n  - file: https://x.y/{arhc}\n    to: etc/x\n":                           `app.yaml:8: there is no placeholder {arhc}; did you mean arch?; the text itself is written \{arhc}`,
		head + step + "sources:\n  - file: https://x.y/z\n    to: ../x\n":                                 `app.yaml:9: to is "../x": it must be a relative path inside the context, written plainly`,
		head + step + "sources:\n  - file: https://u:p@x.y/z\n    to: x\n":                                "app.yaml:8: file has a user name or password in it: what is secret is not in a recipe",
		head + step + "sources:\n  - {chart: a, repo: https://x.y, version: 1, file: https://x.y}\n":      "app.yaml:8: a source is exactly one of chart, manifest, archive, git, binary, file and images, and this has 2 of them",
		head + step + "sources:\n  - {chart: a, repo: https://x.y}\n":                                     "app.yaml:8: the chart a needs one of version (the chart's own) and app-version (the application's)",
		head + step + "sources:\n  - {manifest: https://x.y/z, strip: 1}\n":                               "app.yaml:8: a source of this kind (manifest) has no strip; there are sha256, sha256-url, manifest, to, arch, name, when",
		head + step + "platforms: [amd64]\n":                                                              "app.yaml:7: platforms leaves one out and does not say why: write platforms: {only: [amd64], reason: …}",
		head + step + "requires: {kubernetes: 1.23}\n":                                                    `app.yaml:7: requires.kubernetes is "1.23": it is the least version and perhaps the first that is too new, such as ">=1.23" or ">=1.23 <1.33"`,
		head + step + "variables: {X: {about: x, default: a, length: 20}}\n":                              "app.yaml:7: X is not generated, so that it has no length",
		head + step + "variables: {X: {about: x, generate: key, length: 8}}\n":                            "app.yaml:7: X has 8 characters: a generated value has 12 to 64",
		head + "start:\n  - {helm: a, namespace: b, from-variables: {\"x[0]\": NAME}}\n":                  "app.yaml:6: x[0] is not there under values: helm replaces lists as a whole, so write the list there, with any value in this place",
		head + "start:\n  - {helm: a, namespace: b, values: {x: [1]}, from-variables: {\"x[]\": NAME}}\n": "app.yaml:6: x[]: an element of a list is named by its number, the first by [0]",
		head + step + "labels: {Bad Name: x}\n":                                                           `app.yaml:7: "Bad Name" cannot be a label: it is as org.example.word`,
		strings.Replace(whole, "1.20}", "1.20, tag-prefix: x/}", 1):                                       "app.yaml:4: tag-prefix is of releases on GitHub: add releases: github:OWNER/NAME",
		head + step + "variables: {X: {about: x}}\n":                                                      `app.yaml:7: X has none of default, required and generate: write default: "" where it may be left out`,
		head + step + "variables: {ROOT_PASSWORD: {about: x, default: secret}}\n":                         "app.yaml:7: ROOT_PASSWORD has a default, which everybody knows: write generate: password, or required: true",
		head + "start:\n  - {helm: a, namespace: b, from-variables: {x: NOBODY}}\n":                       "app.yaml:6: there is no variable NOBODY; there are NAME, NAMESPACE, CHARTS, HELM_OPTS",
		head + "start:\n  - {helm: a, namespace: b}\n  - {helm: c, namespace: b}\n":                       "app.yaml:7: the release c has the same variables as that in line 6: give it a prefix",
		head + "start:\n  - {run: 'echo ('}\n":                                                            "app.yaml:6: bash cannot read \"echo (\": 1:1: `foo(` must be followed by `)`",
		strings.Replace(whole, "1.20", "v1.20", 1):                                                        "app.yaml:4: v1.20 is written 1.20 where v is never",
	} {
		_, err := app.Decode([]byte(text))
		var faults app.Faults
		if !errors.As(err, &faults) || err.Error() != want {
			t.Errorf("%s\n got %v\nwant %s", text, err, want)
		}
	}
}

// TestBracesOfTheirOwn holds that braces which are meant so are not refused.
func TestBracesOfTheirOwn(t *testing.T) {
	t.Parallel()
	if _, err := app.Decode([]byte(head + `sources:
  - {file: 'https://x.y/\{a}-{version}', to: 'etc/\{a}'}
  - {images: {url: https://x.y, match: '(a{2})'}}
start:
  - {run: 'echo ${HOME} {a,b} {{ x }}'}
  - {run: 'x=1; for i in 1; do read -r y; echo $i $x $y $1 $? ${z:-} ${#x} $(echo $((x + 1))); done; local_() { local l=1; echo "$l"; }'}
`)); err != nil {
		t.Error(err)
	}
}

func TestInRange(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		version, constraint string
		want                bool
	}{
		{"1.2.0", ">=1.2 <2", true},
		{"2.0.0", ">=1.2 <2", false},
		{"2.0.0-rc.1", ">=1.2 <2", false},
		{"v2.0.0-rc.1", ">=2", true},
		{"1.2.0-rc.1", ">=1.2 <2", true},
		{"8.0.23-14.1", ">=8.0.23 <8.1", true},
		{"1.2.0-rc.1", ">=1.2.0-rc.2", false},
		{"1.2.0-rc.3", ">=1.2.0-rc.2 <2", true},
		{"1.5.0-rc.3", "1.2 - 1.4", false},
		{"v1.28.3_k3s1", ">=1.28.3 <1.29", true},
	} {
		if got, err := app.InRange(c.version, c.constraint); err != nil || got != c.want {
			t.Errorf("%s in %s: %t, %v", c.version, c.constraint, got, err)
		}
	}
}

// FuzzDecode holds that what is foreign is refused with faults, never otherwise, and that what passes can be asked everything.
func FuzzDecode(f *testing.F) {
	for _, s := range []string{"", "a: [", whole, head, head + "start:\n  - run: x\n", head + "sources:\n  - git: https://x.y/z\n    ref: a\n    pick: {a: b}\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := app.Decode(b)
		var faults app.Faults
		if err != nil {
			if !errors.As(err, &faults) || len(faults) == 0 {
				t.Fatalf("error %v", err)
			}
			return
		}
		for i := range a.Sources {
			if a.Sources[i].Kind() == "" {
				t.Errorf("source %d has no kind", i)
			}
			a.Sources[i].Writes()
		}
	})
}
