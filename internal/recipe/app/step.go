package app

// Step is a part of the start. Exactly one of Install, Helm, Apply, Script and Run is set.
type Step struct {
	At      Lines    `yaml:"-"`
	Install Installs `yaml:"install" doc:"Programs that go to /usr/bin: a path in the context, a list, or {from, to}."`
	Helm    string   `yaml:"helm" doc:"A Helm release: the default of NAME."`
	Apply   Texts    `yaml:"apply" doc:"Manifests for kubectl apply: a file, a directory, or a list."`
	Script  string   `yaml:"script" doc:"A script of this directory that bash runs."`
	Run     string   `yaml:"run" doc:"One shell command line."`

	Chart         string      `yaml:"chart" doc:"The chart in the context: the default of CHARTS. Without it the only chart."`
	Namespace     string      `yaml:"namespace" doc:"The namespace: of a Helm release the default of NAMESPACE."`
	Options       string      `yaml:"options" doc:"Flags of helm upgrade: the default of HELM_OPTS."`
	Values        Value       `yaml:"values" doc:"Values, written to charts/NAME.values.yaml and used."`
	ValuesFiles   []string    `yaml:"values-files" doc:"Further values files of the context."`
	FromVariables Map[string] `yaml:"from-variables" doc:"Value path: variable. It reaches helm in a file, never as an argument."`
	CRDs          string      `yaml:"crds" doc:"apply: the chart's crds/ are applied before, so that an upgrade brings them up to date." enum:"apply"`
	Prefix        string      `yaml:"prefix" doc:"What begins the variables of this release: CLUSTER_NAME, CLUSTER_NAMESPACE and so on. The second release needs one."`
	Timeout       string      `yaml:"timeout" doc:"How long is waited, such as 10m."`
	Wait          Wait        `yaml:"wait" doc:"Of helm: false does not wait. Of apply: what kubectl wait is to wait for, such as condition=Available deployment/x."`
	ServerSide    bool        `yaml:"server-side" doc:"Apply on the server, which large CRDs need."`
	Kustomize     bool        `yaml:"kustomize" doc:"Apply a directory with a kustomization."`
	Keep          bool        `yaml:"keep" doc:"uninstall=true leaves it."`
	Undo          string      `yaml:"undo" doc:"Of script and run: what undoes it, a script or a command line."`
	When          string      `yaml:"when" doc:"A variable that must be set, such as {addresses}, or the versions for which it is done, as a semver range."`
}

// The kinds of steps, as errors name them.
const (
	StepInstall = "install"
	StepHelm    = "helm"
	StepApply   = "apply"
	StepScript  = "script"
	StepRun     = "run"
)

func (s *Step) kinds() []string {
	var out []string
	for _, k := range []struct {
		kind string
		set  bool
	}{
		{StepInstall, len(s.Install) > 0}, {StepHelm, s.Helm != ""}, {StepApply, len(s.Apply) > 0}, {StepScript, s.Script != ""}, {StepRun, s.Run != ""},
	} {
		if k.set {
			out = append(out, k.kind)
		}
	}
	return out
}

// Kind is the kind of a valid step.
func (s *Step) Kind() string {
	if k := s.kinds(); len(k) > 0 {
		return k[0]
	}
	return ""
}
