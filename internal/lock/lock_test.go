package lock_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/labring-actions/cluster-image/internal/lock"
)

var (
	a64 = strings.Repeat("a", 64)
	b64 = strings.Repeat("b", 64)
)

func example() lock.Lock {
	return lock.Lock{
		Format: lock.Format, Name: "web", Version: "1.20", Platforms: []string{"linux/amd64", "linux/arm64"},
		Resolved: map[string]string{"cli": "v1.2.3"},
		Inputs: []lock.Input{
			{Source: "https://charts.example.com: chart web 1.20", URL: "https://charts.example.com/web.tgz", Version: "1.20", AppVersion: "2", SHA256: a64, Size: 1000},
			{Source: "https://example.com/tool", Platform: "linux/arm64", URL: "https://example.com/tool", SHA256: b64, Size: 10},
			{Source: "https://example.com/tool", Platform: "linux/amd64", URL: "https://example.com/tool", SHA256: a64, Size: 10},
			{Source: "https://example.com/r.git at v1", URL: "https://example.com/r.git", Commit: strings.Repeat("c", 40), SHA256: a64, Size: 1},
		},
		Values:   map[string]string{"linux/amd64": a64, "linux/arm64": b64},
		Contexts: map[string]string{"linux/amd64": a64, "linux/arm64": b64},
		Images: []lock.Image{{
			Ref: "docker.io/library/web:1.20", From: "mirror.example.com/web", Digest: "sha256:" + a64,
			Platforms: map[string]lock.Manifest{"linux/amd64": {Digest: "sha256:" + a64, Size: 5_000_000}, "linux/arm64": {Digest: "sha256:" + b64, Size: 4_000_000}},
		}},
		Absent: []string{"docker.io/library/perhaps:1"},
	}
}

func encode(t *testing.T, l lock.Lock) string {
	t.Helper()
	b, err := l.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	text := encode(t, example())
	if want := "# The inputs of web 1.20 by their digests. Made by: cluster-image lock web 1.20\nformat: 1\nname: web\nversion: \"1.20\"\n"; !strings.HasPrefix(text, want) {
		t.Errorf("got\n%s", text)
	}
	l, err := lock.Decode([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(l, example()) {
		t.Errorf("got\n%+v\nwant\n%+v", l, example())
	}
	other := example()
	other.Platforms = []string{"linux/arm64", "linux/amd64"}
	if again := encode(t, other); again != text {
		t.Errorf("the same lock is written in another way\n%s", again)
	}
}

func TestLookUp(t *testing.T) {
	t.Parallel()
	l := example()
	for platform, want := range map[string]string{"linux/arm64": b64, "linux/amd64": a64, "linux/riscv64": ""} {
		if got, ok := l.Input("https://example.com/tool", platform); got.SHA256 != want || ok != (want != "") {
			t.Errorf("%s: %q, %t", platform, got.SHA256, ok)
		}
	}
	if i, ok := l.Input("https://charts.example.com: chart web 1.20", "linux/riscv64"); !ok || i.Version != "1.20" {
		t.Errorf("an input of all platforms: %+v, %t", i, ok)
	}
	i, ok := l.Image("docker.io/library/web:1.20")
	if !ok || !i.IsFor([]string{"linux/riscv64", "linux/arm64"}) || i.IsFor([]string{"linux/riscv64"}) {
		t.Errorf("image %+v, %t", i, ok)
	}
	if _, ok := l.Image("docker.io/library/web"); ok || !l.IsAbsent("docker.io/library/perhaps:1") || l.IsAbsent("docker.io/library/web:1.20") {
		t.Error("an image that the lock does not have")
	}
}

// TestDecodeIsStrict holds what is refused, and what is said.
func TestDecodeIsStrict(t *testing.T) {
	t.Parallel()
	good := encode(t, example())
	for want, text := range map[string]string{
		"want format: 1, a name and a version":                  "",
		"want format: 1, a name and a version ":                 strings.Replace(good, "format: 1", "format: 2", 1),
		"want format: 1, a name and a version  ":                strings.Replace(good, "name: web", "name: ''", 1),
		"line 5: there is no key plattforms":                    strings.Replace(good, "\nplatforms:", "\nplattforms:", 1),
		"it has more than one document":                         good + "---\nformat: 1\n",
		`"windows/amd64" is no platform`:                        strings.Replace(good, "  - linux/amd64", "  - windows/amd64", 1),
		"the input https://example.com/tool is there twice":     strings.Replace(good, "platform: linux/arm64", "platform: linux/amd64", 1),
		`the input https://example.com/tool has the size -1`:    strings.Replace(good, "size: 10\n", "size: -1\n", 1),
		`has the checksum "": it has 64`:                        strings.Replace(good, "    sha256: "+b64+"\n", "", 1),
		`has the checksum "BBB": it has 64`:                     strings.Replace(good, "    sha256: "+b64+"\n", "    sha256: BBB\n", 1),
		`has the commit "main": it has 40`:                      strings.Replace(good, strings.Repeat("c", 40), "main", 1),
		`is for "linux/s390x", which is none of the platforms`:  strings.Replace(good, "platform: linux/arm64", "platform: linux/s390x", 1),
		"want a SHA-256 for each platform":                      strings.Replace(good, "values:\n  linux/amd64: "+a64, "values:\n  linux/amd64: x", 1),
		"the image docker.io/library/web:1.20 is there twice":   strings.Replace(good, "  - docker.io/library/perhaps:1", "  - docker.io/library/web:1.20", 1),
		"the image docker.io/library/web:1.20 lacks its digest": strings.Replace(good, "    digest: sha256:"+a64, "    digest: latest", 1),
		`has "" for "linux/amd64", which is no digest`:          strings.Replace(good, "        digest: sha256:"+a64+"\n", "", 1),
		"an input lacks source":                                 strings.Replace(good, "source: https://example.com/tool", "source: ''", 1),
		"cannot unmarshal !!str":                                strings.Replace(good, "size: 10\n", "size: many\n", 1),
		"it has more than 8388608 bytes":                        good + strings.Repeat("#", 8<<20),
	} {
		_, err := lock.Decode([]byte(text))
		if !errors.Is(err, lock.ErrInvalid) || !strings.Contains(err.Error(), strings.TrimSpace(want)) || strings.Contains(err.Error(), "\n") {
			t.Errorf("error %v, want %s", err, want)
		}
	}
}

func TestAll(t *testing.T) {
	t.Parallel()
	one, two := example(), example()
	two.Version = "1.3"
	fsys := fstest.MapFS{"locks/1.20.yaml": {Data: []byte(encode(t, one))}, "locks/1.3.yaml": {Data: []byte(encode(t, two))}, "locks/README.md": {}}
	all, err := lock.All(fsys, "locks")
	if err != nil || len(all) != 2 || all[0].Version != "1.20" || all[1].Version != "1.3" {
		t.Errorf("%+v, %v", all, err)
	}
	if all, err := lock.All(fsys, "nowhere"); err != nil || len(all) != 0 {
		t.Errorf("%+v, %v", all, err)
	}
	fsys["locks/2.yaml"] = &fstest.MapFile{Data: []byte("format: 9")}
	if _, err := lock.All(fsys, "locks"); !errors.Is(err, lock.ErrInvalid) || !strings.HasPrefix(err.Error(), "locks/2.yaml: ") {
		t.Errorf("error %v", err)
	}
}

func TestDiff(t *testing.T) {
	t.Parallel()
	if d := lock.Diff(example(), example()); len(d) > 0 {
		t.Errorf("a lock differs from itself: %v", d)
	}
	other := example()
	other.Contexts = map[string]string{"linux/amd64": b64, "linux/arm64": a64}
	before := example()
	before.Contexts = map[string]string{"linux/amd64": a64, "linux/arm64": a64}
	if d := lock.Diff(before, other); len(d) != 1 || d[0].String() != "~ context linux/amd64: sha256:aaaaaaaaaaaa -> sha256:bbbbbbbbbbbb" {
		t.Errorf("files of the recipe that changed: %v", d)
	}
	now := other // another context, which the inputs explain
	now.Platforms = []string{"linux/amd64"}
	now.Resolved = map[string]string{"cli": "v1.3.0"}
	now.Inputs[0].Version, now.Inputs[0].SHA256, now.Inputs[0].Size = "1.21", b64, 500
	now.Inputs = now.Inputs[:3]
	now.Values = map[string]string{"linux/amd64": b64, "linux/arm64": b64}
	now.Images = append(now.Images, lock.Image{Ref: "quay.io/x:1", Platforms: map[string]lock.Manifest{"linux/amd64": {Digest: "sha256:" + a64, Size: 1500}}})
	now.Images[0].Platforms = map[string]lock.Manifest{"linux/amd64": {Digest: "sha256:" + b64, Size: 5_500_000}, "linux/arm64": {Digest: "sha256:" + b64, Size: 4_000_000}}
	now.Absent = nil
	var got []string
	for _, c := range lock.Diff(example(), now) {
		got = append(got, c.String())
	}
	want := []string{
		"~ platforms: linux/amd64 linux/arm64 -> linux/amd64",
		"~ release cli: v1.2.3 -> v1.3.0",
		"~ input https://charts.example.com: chart web 1.20: 1.20 sha256:aaaaaaaaaaaa -> 1.21 sha256:bbbbbbbbbbbb (1.00 kB -> 500 B, -500 B)",
		"- input https://example.com/r.git at v1: cccccccccccc sha256:aaaaaaaaaaaa (1 B)",
		"~ values linux/amd64: sha256:aaaaaaaaaaaa -> sha256:bbbbbbbbbbbb",
		"~ image docker.io/library/web:1.20 linux/amd64: sha256:aaaaaaaaaaaa -> sha256:bbbbbbbbbbbb (5.00 MB -> 5.50 MB, +500 kB)",
		"+ image quay.io/x:1 linux/amd64: sha256:aaaaaaaaaaaa (1.50 kB)",
		"- absent docker.io/library/perhaps:1: does not exist",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestDriftIsShort(t *testing.T) {
	t.Parallel()
	d := &lock.Drift{Differences: make([]string, 25)}
	if got := d.Error(); !strings.HasSuffix(got, "\n    and 5 more") {
		t.Errorf("got\n%s", got)
	}
}

// FuzzDecode holds that what is read is what would be written, whatever the text is.
func FuzzDecode(f *testing.F) {
	b, err := example().Encode()
	if err != nil {
		f.Fatal(err)
	}
	for _, s := range []string{string(b), "", "format: 1\nname: a\nversion: 1\n", "a: &a [*a]\n", "{", "format: 1\nname: &x a\nversion: *x\n", "---\n---\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		l, err := lock.Decode(b)
		if err != nil {
			if !errors.Is(err, lock.ErrInvalid) {
				t.Errorf("error %v", err)
			}
			return
		}
		out, err := l.Encode()
		if err != nil {
			t.Fatal(err)
		}
		again, err := lock.Decode(out)
		if err != nil {
			t.Fatalf("%v in what was written\n%s", err, out)
		}
		if d := lock.Diff(l, again); len(d) > 0 {
			t.Errorf("written and read again it is different: %v", d)
		}
	})
}
