package app

import "go.yaml.in/yaml/v3"

// ChartVersions reads the versions out of a Chart.yaml; empty where it says none.
func ChartVersions(b []byte) (version, appVersion string) {
	var c struct {
		Version    string `yaml:"version"`
		AppVersion string `yaml:"appVersion"`
	}
	if err := yaml.Unmarshal(b, &c); err != nil {
		return "", ""
	}
	return c.Version, c.AppVersion
}
