package app

import (
	"regexp"
	"strings"
)

// bound is one part of what requires says of a version: >=1.23 or <2.
var bound = regexp.MustCompile(`^(>=|<)\s*v?([0-9]{1,6}(?:\.[0-9]{1,6}){0,2})$`)

var programName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._+-]*$`)

var boundSign = regexp.MustCompile(`\s*(>=|<)\s*`)

// Bounds gives a range as requires can say it; ok says whether it can.
func Bounds(text string) (out string, ok bool) { return bounds(text) }

// bounds are the parts of a range as the start script reads them, parted by one blank; ok says whether there is nothing else in it.
func bounds(text string) (out string, ok bool) {
	var parts []string
	for _, part := range strings.Fields(boundSign.ReplaceAllString(strings.ReplaceAll(text, ",", " "), " $1")) {
		m := bound.FindStringSubmatch(part)
		if m == nil {
			return "", false
		}
		parts = append(parts, m[1]+m[2])
	}
	return strings.Join(parts, " "), len(parts) > 0
}

func (c *checker) requires() {
	r := c.app.Requires
	for _, one := range []struct{ key, text string }{{"kubernetes", r.Kubernetes}, {"sealos", r.Sealos}} {
		if _, ok := bounds(one.text); one.text != "" && !ok {
			c.fault(r.At.Of(one.key), `requires.%s is %q: it is the least version and perhaps the first that is too new, such as ">=1.23" or ">=1.23 <1.33"`, one.key, one.text)
		}
	}
	for _, tool := range r.Tools {
		if !programName.MatchString(tool) {
			c.fault(r.At.Of("tools"), "requires.tools has %q, which is no program's name", tool)
		}
	}
}

// versions refuse a cluster or a sealos that is too old or too new. What does not tell its version is not judged.
func (w *scriptWriter) versions() {
	needs := w.b.scope.Name + " " + w.b.scope.Version + " needs "
	if text, ok := bounds(w.b.app.Requires.Kubernetes); ok {
		w.line(`within "$(version_of kubernetes)" %s %s`, shellQuote(text), shellQuote("the Kubernetes of this cluster is VERSION, and "+needs+text))
	}
	if text, ok := bounds(w.b.app.Requires.Sealos); ok {
		w.line(`within "$(version_of sealos)" %s %s`, shellQuote(text), shellQuote("the sealos of this machine is VERSION, and "+needs+text))
	}
}

const versionsHelper = `
# version_of tells the version of the cluster's kubernetes or of sealos; nothing where it cannot be found out.
version_of() {
  local said
  case $1 in
  kubernetes)
    said=$(kubectl version -o json 2>/dev/null || kubectl version 2>/dev/null) || true
    [[ $said =~ [sS]erver\ ?Version[^.]*[^0-9.]([0-9]+\.[0-9]+(\.[0-9]+)?) ]] || return 0
    ;;
  sealos)
    said=$(sealos version 2>/dev/null) || true
    [[ ${said#*SealosVersion} =~ ([0-9]+\.[0-9]+\.[0-9]+) ]] || return 0
    ;;
  esac
  echo "${BASH_REMATCH[1]}"
}

# within fails with the message $3 when the version $1 is outside of the bounds $2, such as '>=1.23 <2'.
within() {
  local bound order i
  local -a is edge
  [[ -n $1 ]] || return 0
  IFS=. read -ra is <<<"$1"
  for bound in $2; do
    IFS=. read -ra edge <<<"${bound##*[<=]}"
    order=0
    for i in 0 1 2; do
      ((order)) || order=$((${is[i]:-0} - ${edge[i]:-0}))
    done
    case $bound in
    '<'*) ((order < 0)) ;;
    *) ((order >= 0)) ;;
    esac || fail "${3/VERSION/$1}"
  done
}
`
