package app_test

import (
	"strings"
	"testing"

	"github.com/labring-actions/cluster-image/internal/recipe/app"
)

// TestEditsOfJSON holds that what was JSON is JSON afterwards, with its keys in their order.
func TestEditsOfJSON(t *testing.T) {
	t.Parallel()
	a, err := app.Decode([]byte(head + `edits:
  - {file: x.json, set: {s: 'it''s "<é>"', new.1: [true, null, 1.50, {a: b}], a.b: "{version}"}, delete: ["l[0]"], reason: x}
start:
  - run: x
`))
	if err != nil {
		t.Fatal(err)
	}
	e, _, err := a.Edit(0, app.Scope{Name: "demo", Version: "1.20", Arch: "arm64"})
	if err != nil {
		t.Fatal(err)
	}
	const before = `{"z": 1e3, "s": "x", "a": {"b": 1, "c": "a&b"}, "l": [1, "2"]}`
	got, err := e.Apply([]byte(before))
	want := `{"z":1e3,"s":"it's\"<é>\"","a":{"b":"1.20","c":"a&b"},"l":["2"],"new":{"1":[true,null,1.50,{"a":"b"}]}}`
	if text := strings.Join(strings.Fields(string(got)), ""); err != nil || text != want {
		t.Errorf("%v\n%s\n%s", err, text, want)
	}
}
