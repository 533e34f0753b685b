// Package workflows reads the workflows of this repository, checks what must hold for each of them, and plays them: every step that calls the program is
// run, against a GitHub and a registry of the test's own.
package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"
)

// workflowDir has the workflows.
const workflowDir = "../.github/workflows"

// workflow is a file, as far as it is looked at here.
type workflow struct {
	file        string
	On          yaml.Node               `yaml:"on"`
	Permissions *map[string]string      `yaml:"permissions"`
	Concurrency *yaml.Node              `yaml:"concurrency"`
	Env         map[string]string       `yaml:"env"`
	Jobs        map[string]*workflowJob `yaml:"jobs"`
}

type workflowJob struct {
	Name        string             `yaml:"name"`
	If          string             `yaml:"if"`
	Needs       wordList           `yaml:"needs"`
	Permissions *map[string]string `yaml:"permissions"`
	Concurrency *struct {
		Group string `yaml:"group"`
	} `yaml:"concurrency"`
	Timeout  int    `yaml:"timeout-minutes"`
	RunsOn   string `yaml:"runs-on"`
	Strategy *struct {
		Matrix string `yaml:"matrix"`
	} `yaml:"strategy"`
	Outputs map[string]string `yaml:"outputs"`
	Env     map[string]string `yaml:"env"`
	Steps   []workflowStep    `yaml:"steps"`
	Uses    string            `yaml:"uses"`
	With    map[string]string `yaml:"with"`
	Secrets yaml.Node         `yaml:"secrets"`
}

type workflowStep struct {
	ID    string            `yaml:"id"`
	Name  string            `yaml:"name"`
	If    string            `yaml:"if"`
	Run   string            `yaml:"run"`
	Uses  string            `yaml:"uses"`
	With  map[string]string `yaml:"with"`
	Env   map[string]string `yaml:"env"`
	Shell string            `yaml:"shell"`
	Dir   string            `yaml:"working-directory"`
	Go    bool              `yaml:"continue-on-error"`
}

// wordList is one word or several.
type wordList []string

// UnmarshalYAML takes either.
func (l *wordList) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		*l = wordList{n.Value}
		return nil
	}
	var all []string
	if err := n.Decode(&all); err != nil {
		return err
	}
	*l = all
	return nil
}

// readWorkflows reads all workflows, by their file names.
func readWorkflows() (map[string]*workflow, error) {
	files, err := filepath.Glob(filepath.Join(workflowDir, "*.y*ml"))
	if err != nil {
		return nil, err
	}
	out := map[string]*workflow{}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			return nil, err
		}
		w := &workflow{file: filepath.Base(f)}
		if err := yaml.Unmarshal(b, w); err != nil {
			return nil, fmt.Errorf("%s: %w", f, err)
		}
		out[w.file] = w
	}
	return out, nil
}

// secretsIn are the names of the secrets in a text.
func secretsIn(text string) []string {
	var out []string
	for _, part := range strings.Split(text, "secrets.")[1:] {
		out = append(out, part[:len(part)-len(strings.TrimLeft(part, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_"))])
	}
	return out
}
