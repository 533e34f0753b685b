package app

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// script is the start script: bash, for a person to read.
func (b *builder) script() string {
	body := &scriptWriter{b: b}
	body.tools()
	body.uninstall()
	body.checks()
	for i := range b.steps {
		body.step(i)
	}
	text := body.out.String()
	head := &scriptWriter{b: b}
	head.line("#!/usr/bin/env bash")
	head.line("# Installs %s %s or brings it up to date; with uninstall=true, removes it. Running it again changes nothing.", b.scope.Name, b.scope.Version)
	head.line("# Made from %s.", File)
	head.line("set -euo pipefail")
	head.helpers(text)
	return head.out.String() + strings.ReplaceAll(text, "\n\n\n", "\n\n")
}

type scriptWriter struct {
	b      *builder
	out    strings.Builder
	indent string
	values int
}

// line writes one line; without arguments the format is the line.
func (w *scriptWriter) line(format string, args ...any) {
	if len(args) > 0 {
		format = fmt.Sprintf(format, args...)
	}
	if format != "" {
		w.out.WriteString(w.indent + format)
	}
	w.out.WriteByte('\n')
}

// block writes what is inside under a condition.
func (w *scriptWriter) block(condition string, inside func()) {
	w.line("if %s; then", condition)
	w.indent += "  "
	inside()
	w.indent = w.indent[2:]
	w.line("fi")
}

// any says whether a step of this version is so.
func (b *builder) any(is func(startStep) bool) bool { return slices.ContainsFunc(b.steps, is) }

// generated are the variables that are made, each as the script's function wants it: NAME:password:36.
func (b *builder) generated() []string {
	var out []string
	for _, v := range b.app.Variables {
		if v.Value.Generate != "" {
			out = append(out, fmt.Sprintf("%s:%s:%d", v.Key, v.Value.Generate, cmp.Or(v.Value.Length, defaultGenerated)))
		}
	}
	return out
}

// helpers are the functions that the script calls, and no others.
func (w *scriptWriter) helpers(script string) {
	calls := func(words string) bool { return strings.Contains(script, words) }
	removes, withdraws := calls(" remove -"), calls(" withdraw ")
	for _, h := range []struct {
		called bool
		text   string
	}{
		{removes || withdraws || calls("|| fail ") || calls("within "), failHelper},
		{calls("\nwithin "), versionsHelper},
		{removes, removeHelper},
		{withdraws, withdrawHelper},
		{calls(`json "$`), jsonHelper},
		{calls("\ngenerated "), generatedHelper},
	} {
		if h.called {
			w.out.WriteString(h.text)
		}
	}
}

const failHelper = `
fail() {
  echo "$1" >&2
  exit 1
}
`

const removeHelper = `
# remove deletes objects. What is gone already is no failure, and neither is a kind that went with its operator.
remove() {
  local said
  said=$(kubectl delete --ignore-not-found "$@" 2>&1) || [[ $said == *'no matches for kind'* ]] || fail "$said"
  [[ -z $said ]] || echo "$said"
}
`

const withdrawHelper = `
# withdraw removes the release $1 of the namespace $2. One that is gone already is no failure; a cluster that does not answer is one.
withdraw() {
  local said
  if said=$(helm status "$1" --namespace "$2" 2>&1); then
    helm uninstall "$1" --namespace "$2" --wait
  else
    [[ -z $said || $said == *'not found'* ]] || fail "$said"
  fi
}
`

const jsonHelper = `
# json makes REPLY of the text $1, as the inside of a JSON string.
json() {
  REPLY=${1//\\/\\\\}
  REPLY=${REPLY//\"/\\\"}
  REPLY=${REPLY//$'\n'/\\n}
  REPLY=${REPLY//$'\t'/\\t}
  REPLY=${REPLY//$'\r'/\\r}
}
`

const generatedHelper = `
# generated gives a value to each variable from the third argument on, NAME:KIND:LENGTH, that has none: that of the Secret $1 in the namespace $2, or at
# the first start a random one. It has letters and digits; a password has a dash too, and letters of both cases and a digit for certain, since some
# servers refuse less. What is given is kept there as well. No value is ever an argument of a program.
generated() {
  local secret=$1 namespace=$2 name kind length value data=
  shift
  shift
  kubectl create namespace "$namespace" --dry-run=client -o yaml | kubectl apply -f - >/dev/null
  for name in "$@"; do
    IFS=: read -r name kind length <<<"$name"
    value=${!name:-}
    if [[ -z $value ]]; then
      value=$(kubectl get secret "$secret" --namespace "$namespace" --ignore-not-found -o "jsonpath={.data.$name}" | base64 -d)
    fi
    if [[ -z $value ]]; then
      value=$(head -c 128 /dev/urandom | base64 | tr -dc 'A-Za-z0-9')
      [[ $kind == key ]] || value=Pw0-$value
      value=${value:0:length}
    fi
    printf -v "$name" '%s' "$value"
    export "${name?}"
    data+="  $name: $(printf '%s' "$value" | base64 | tr -d '\n')"$'\n'
  done
  kubectl apply --server-side --force-conflicts -f - >/dev/null <<EOF
apiVersion: v1
kind: Secret
metadata:
  name: $secret
  namespace: $namespace
data:
$data
EOF
}
`

// tools refuses to begin on a machine that lacks a program, and says how to get it.
func (w *scriptWriter) tools() {
	if len(w.b.tools()) > 0 {
		w.line("")
	}
	for _, tool := range w.b.tools() {
		advice := "install it, then run this again"
		if tool == "helm" {
			advice = "run the cluster image of helm first"
		}
		w.line("command -v %s >/dev/null || fail %s", tool, shellQuote(tool+" is not installed on this machine: "+advice))
	}
}

func (b *builder) tools() []string {
	out := []string{}
	if b.any(func(s startStep) bool { return s.Helm != "" }) {
		out = append(out, "helm")
	}
	if b.needsKubectl() {
		out = append(out, "kubectl")
	}
	for _, t := range b.app.Requires.Tools {
		if !contains(out, t) {
			out = append(out, t)
		}
	}
	return out
}

func (b *builder) needsKubectl() bool {
	return b.app.Requires.StorageClass || len(b.generated()) > 0 ||
		b.any(func(s startStep) bool { return len(s.Apply) > 0 || s.CRDs != "" })
}

// uninstall undoes the steps in reverse.
func (w *scriptWriter) uninstall() {
	w.line("")
	w.block("[[ ${uninstall:-false} == true ]]", func() {
		for i := len(w.b.steps) - 1; i >= 0; i-- {
			w.undo(w.b.steps[i])
		}
		w.line("exit 0")
	})
}

// when puts a step under the condition that its variable is set.
func (w *scriptWriter) when(s startStep, do func()) {
	if name := s.Variable(); name != "" {
		w.block(fmt.Sprintf("[[ -n ${%s:-} ]]", name), do)
		return
	}
	do()
}

// checks end the start when something is missing that it needs.
func (w *scriptWriter) checks() {
	w.line("")
	for _, v := range w.b.app.Variables {
		switch {
		case v.Value.Required:
			w.line("[[ -n ${%s:-} ]] || fail %s", v.Key, shellQuote(v.Key+" is missing ("+oneLine(v.Value.About)+"): give it with -e "+v.Key+"=VALUE"))
		case v.Value.bare() && w.fromVariable(v.Key):
			w.line("[[ ${%s:-} =~ ^(true|false|-?[0-9]+([.][0-9]+)?)?$ ]] || fail %s", v.Key, shellQuote(v.Key+" must be a number or a truth value ("+oneLine(v.Value.About)+")"))
		}
	}
	w.versions()
	if w.b.app.Requires.StorageClass {
		w.out.WriteString(storageClassCheck)
	}
	if names := w.b.generated(); len(names) > 0 {
		secret, namespace := w.b.secret()
		w.line("generated %s %s %s", secret, namespace, strings.Join(names, " "))
	}
	if w.b.any(func(s startStep) bool { return len(s.FromVariables) > 0 }) {
		w.line("")
		w.line("work=$(mktemp -d)")
		w.line(`trap 'rm -rf "$work"' EXIT`)
	}
}

// bare says that the variable is a number or a truth value.
func (v Variable) bare() bool { return v.Default != nil && v.Default.Bare }

func (w *scriptWriter) fromVariable(name string) bool {
	return w.b.any(func(s startStep) bool {
		return slices.ContainsFunc(s.FromVariables, func(p Pair[string]) bool { return p.Value == name })
	})
}

const storageClassCheck = `classes=$(kubectl get storageclass -o 'jsonpath={range .items[*]}{.metadata.annotations.storageclass\.kubernetes\.io/is-default-class} {end}')
[[ " $classes" == *" true"* ]] || fail 'the cluster has no default StorageClass: run the cluster image of openebs or another that brings one, or mark one as the default'
`

// secret is where generated values are kept: the Secret's name and its namespace, as words of the script.
func (b *builder) secret() (name, namespace string) {
	for _, s := range b.steps {
		if v := s.ReleaseVariables(); len(v) > 0 {
			return `"$` + v[0] + `-generated"`, `"$` + v[1] + `"`
		}
	}
	for _, s := range b.steps {
		if s.Namespace != "" {
			return shellQuote(b.scope.Name + "-generated"), shellQuote(s.Namespace)
		}
	}
	return shellQuote(b.scope.Name + "-generated"), "default"
}

// shellQuote quotes a word where it needs it.
func shellQuote(s string) string {
	plain := func(c rune) bool {
		return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune("-_./:=,@+", c)
	}
	if s != "" && strings.IndexFunc(s, func(c rune) bool { return !plain(c) }) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
