package site

import (
	"embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/labring-actions/cluster-image/internal/profile"
)

//go:embed words/*.json
var wordFiles embed.FS

// languages are those of the site; the first has the site's root, each other one a directory of its name.
func languages() []string { return []string{"en", "zh"} }

// words are the texts of the site in one language.
type words map[string]string

func loadWords(language string) (words, error) {
	b, err := wordFiles.ReadFile("words/" + language + ".json")
	if err != nil {
		return nil, fmt.Errorf("read words: %w", err)
	}
	var w words
	if err := json.Unmarshal(b, &w); err != nil {
		return nil, fmt.Errorf("read words of %s: %w", language, err)
	}
	return w, nil
}

// say gives a text with its placeholders filled: pairs are a name and what stands for {name}.
func (w words) say(key string, pairs ...any) (string, error) {
	text, ok := w[key]
	if !ok {
		return "", fmt.Errorf("the site has no words for %q", key)
	}
	for pair := range slices.Chunk(pairs, 2) {
		text = strings.ReplaceAll(text, fmt.Sprintf("{%v}", pair[0]), fmt.Sprint(pair[1]))
	}
	return text, nil
}

// count says how many there are, in the singular where a language has one.
func (w words) count(key string, n int) (string, error) {
	if _, ok := w[key+"-one"]; ok && n == 1 {
		key += "-one"
	}
	return w.say(key, "n", n)
}

// about says what a variable means. What every release has is said in the language of the site, a recipe's own as the recipe says it.
func (w words) about(v profile.Variable) (string, error) {
	if v.Usual == "" {
		return v.About, nil
	}
	return w.say("variable-" + v.Usual)
}

// category is the name of a category; one that is not known has its own.
func (w words) category(key string) string {
	if text, ok := w["category-"+key]; ok {
		return text
	}
	return key
}
