package app_test

import (
	"bytes"
	"flag"
	"io/fs"
	"os"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"github.com/labring-actions/cluster-image/internal/recipe/app"
)

var update = flag.Bool("update", false, "write the schema anew")

const schemaFile = "../../../docs/app.schema.json"

func TestSchemaIsCurrent(t *testing.T) {
	t.Parallel()
	got, err := app.Schema()
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(schemaFile, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want, err := os.ReadFile(schemaFile); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s is not what the types say (%v): go test ./internal/recipe/app -run Schema -update", schemaFile, err)
	}
}

func compiled(t *testing.T) *jsonschema.Schema {
	t.Helper()
	b, err := app.Schema()
	if err != nil {
		t.Fatal(err)
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("app.json", document); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("app.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func value(t *testing.T, text []byte) any {
	t.Helper()
	var v any
	if err := yaml.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// TestSchemaTakesTheCatalogue holds that an editor finds no fault in recipes that are right, and does in wrong ones.
func TestSchemaTakesTheCatalogue(t *testing.T) {
	t.Parallel()
	s := compiled(t)
	catalogue, n := os.DirFS("../../../applications"), 0
	err := fs.WalkDir(catalogue, ".", func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.Name() != app.File {
			return err
		}
		n++
		b, err := fs.ReadFile(catalogue, path)
		if err == nil {
			if err := s.Validate(value(t, b)); err != nil {
				t.Errorf("%s: %v", path, err)
			}
		}
		return err
	})
	if err != nil || n == 0 {
		t.Errorf("%d recipes, %v", n, err)
	}
	for _, text := range []string{everything, whole} {
		if err := s.Validate(value(t, []byte(text))); err != nil {
			t.Error(err)
		}
	}
	for _, wrong := range []string{"{}", whole + "sorces: []\n", strings.Replace(whole, "[web]", "[wbe]", 1), strings.Replace(whole, "never", "sometimes", 1), whole + "type: x\n"} {
		if err := s.Validate(value(t, []byte(wrong))); err == nil {
			t.Errorf("passes:\n%s", wrong)
		}
	}
}
