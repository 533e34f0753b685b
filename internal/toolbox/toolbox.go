// Package toolbox holds the tools that an init.sh calls, so that the machine needs none of them: helm, yq and jq are linked into this binary and
// answer when it is called by their names.
package toolbox
