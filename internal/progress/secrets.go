package progress

import (
	"cmp"
	"encoding/base64"
	"net/url"
	"slices"
	"strings"
	"sync"
)

// hidden stands where a secret was.
const hidden = "***"

// shortestSecret is how many bytes a secret must have to be looked for: a shorter one would blank out half of every text and show itself by that.
const shortestSecret = 4

// Secrets are texts that must not be written anywhere. The zero value has none. Its methods may be called from many goroutines.
type Secrets struct {
	mu    sync.RWMutex
	forms []string
	clean *strings.Replacer
}

// Add makes a text a secret, also in the forms in which it travels: escaped in an address, and in base64. Each line of it is one by itself.
func (s *Secrets) Add(secret string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, line := range append([]string{secret}, strings.Split(secret, "\n")...) {
		if line = strings.TrimSpace(line); len(line) < shortestSecret {
			continue
		}
		s.forms = append(s.forms, line, url.QueryEscape(line), url.PathEscape(line), base64.StdEncoding.EncodeToString([]byte(line)))
	}
	s.clean = replacer(s.forms)
}

// replacer hides the longest first, so that a secret within another does not leave the rest of it behind.
func replacer(forms []string) *strings.Replacer {
	forms = slices.Clone(forms)
	slices.SortFunc(forms, func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) })
	var pairs []string
	for _, form := range slices.Compact(forms) {
		pairs = append(pairs, form, hidden)
	}
	return strings.NewReplacer(pairs...)
}

// Clean gives the text without the secrets.
func (s *Secrets) Clean(text string) string {
	if s == nil {
		return text
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.clean == nil {
		return text
	}
	return s.clean.Replace(text)
}
