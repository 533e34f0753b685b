// Package untranslated keeps kubectl's packages, which helm's command brings along, from looking up translations of
// their help texts while the program starts. That takes a third of the time in which `cluster-image version` is done,
// and none of these texts is ever shown.
//
// It has to be initialised before the packages that ask for a translation. Go initialises packages that are ready in the
// order of their import paths, and this one is ready as soon as the one it imports is.
package untranslated

import "k8s.io/kubectl/pkg/util/i18n"

func init() {
	// An error would say that translations are loaded already: then there is nothing to save.
	_ = i18n.SetLoadTranslationsFunc(func() error { return nil })
}
