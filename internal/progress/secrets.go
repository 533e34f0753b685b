package progress

import (
	"encoding/base64"
	"net/url"
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
	pairs []string
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
		for _, form := range []string{line, url.QueryEscape(line), url.PathEscape(line), base64.StdEncoding.EncodeToString([]byte(line))} {
			s.pairs = append(s.pairs, form, hidden)
		}
	}
	s.clean = strings.NewReplacer(s.pairs...)
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
