package helm

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	chart "helm.sh/helm/v4/pkg/chart/v2"
)

// errNotFollowed says that a schema refers to another document.
var errNotFollowed = errors.New("not followed")

// nowhere loads nothing: a schema of a chart must not make the build read other files or the network.
type nowhere struct{}

// Load implements jsonschema.URLLoader.
func (nowhere) Load(string) (any, error) { return nil, errNotFollowed }

// validate checks the values of the chart and of its subcharts. A schema that cannot be used without the network is left out with a warning.
func validate(c *chart.Chart, values map[string]any) (warnings []string, err error) {
	var errs []error
	if c.Schema != nil {
		w, err := validateOne(c.Schema, values)
		if err != nil {
			errs = append(errs, fmt.Errorf("values do not fit values.schema.json of chart %s: %w", c.Name(), err))
		}
		if w != "" {
			warnings = append(warnings, fmt.Sprintf("values.schema.json of chart %s is not enforced: %s", c.Name(), w))
		}
	}
	for _, sub := range c.Dependencies() {
		v, ok := values[sub.Name()].(map[string]any)
		if !ok {
			continue
		}
		w, err := validate(sub, v)
		warnings = append(warnings, w...)
		errs = append(errs, err)
	}
	return warnings, errors.Join(errs...)
}

func validateOne(text []byte, values map[string]any) (warning string, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the schema cannot be used: %v", r)
		}
	}()
	schema, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return "", fmt.Errorf("read the schema: %w", err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.UseLoader(nowhere{})
	if err := compiler.AddResource("file:///values.schema.json", schema); err != nil {
		return "", err
	}
	compiled, err := compiler.Compile("file:///values.schema.json")
	var load *jsonschema.LoadURLError
	switch {
	case errors.As(err, &load):
		return "it refers to " + load.URL, nil
	case err != nil:
		return "", fmt.Errorf("compile the schema: %w", err)
	}
	return "", briefly(compiled.Validate(values))
}

// briefly makes one line of a validation error.
func briefly(err error) error {
	if err == nil {
		return nil
	}
	_, details, ok := strings.Cut(err.Error(), "\n")
	if !ok {
		return err
	}
	return errors.New(oneLine(details))
}
