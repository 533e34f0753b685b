package grammar

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/labring-actions/cluster-image/internal/catalog"
)

// maxArguments bounds the build arguments of one command.
const maxArguments = 16

var (
	sealosVersion = regexp.MustCompile(`^v?([0-9]{1,3})\.[0-9]{1,4}\.[0-9]{1,4}(-[0-9A-Za-z][0-9A-Za-z.-]{0,40})?$`)
	argument      = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,63}=[A-Za-z0-9][A-Za-z0-9._+-]{0,127}$`)
)

// IsArgument says whether a text can be a build argument, KEY=VALUE.
func IsArgument(s string) bool { return argument.MatchString(s) }

// architectures are words that people write where a version belongs.
var architectures = map[string]string{
	"amd64": "linux/amd64", "x86_64": "linux/amd64", "x86-64": "linux/amd64", "arm64": "linux/arm64", "aarch64": "linux/arm64",
	"linux/amd64": "linux/amd64", "linux/arm64": "linux/arm64",
}

// operands reads what is neither command nor flag.
func (c *Command) operands(f form, words []string) *Miss {
	switch f.kind {
	case Help, Cancel:
		if len(words) > 0 {
			return f.miss("%s takes no words, and %q follows", f.word, words[0]).suggest(f.word)
		}
		return nil
	case K8s, DockerK8s:
		return c.sealos(f, words)
	}
	if m := f.count(words); m != nil {
		return m
	}
	c.Name, words = words[0], words[1:]
	if err := catalog.CheckName(c.Name); err != nil {
		return f.miss("%s", err)
	}
	if f.kind == DockerImages && len(words) == 2 {
		if m := c.arguments(f, words[1]); m != nil {
			return m
		}
		words = words[:1]
	}
	return c.versions(f, words)
}

// count compares the number of words with the form's.
func (f form) count(words []string) *Miss {
	switch n := len(words); {
	case n == 0:
		return f.miss("name and version are missing")
	case n == 1:
		return f.miss("the version is missing: only %q follows the command", words[0])
	case n > 2 && f.kind != Apps && !(f.kind == DockerImages && n == 3):
		return f.miss("%d words follow the command", n)
	}
	return nil
}

// versions reads versions. latest is none: an image says which version it installs.
func (c *Command) versions(f form, words []string) *Miss {
	for i, v := range words {
		if p, ok := architectures[v]; ok {
			others := slices.Concat(words[:i], words[i+1:])
			m := f.miss("%q is a platform, and stands where a version belongs; write %s %s", v, platformFlag, p)
			return m.suggest(strings.Join(slices.Concat([]string{f.word, c.Name}, others, []string{platformFlag, p}), " "))
		}
		if v == "latest" || v == "default" {
			return f.miss("%q is no version: say which one, for example %s", v, exampleVersion(f))
		}
		if err := catalog.CheckVersion(v); err != nil {
			return f.miss("%s", err)
		}
		if slices.Contains(words[:i], v) {
			return f.miss("the version %s is named twice", v)
		}
	}
	c.Versions = words
	return nil
}

func exampleVersion(f form) string {
	_, version, _ := strings.Cut(f.example, " ")
	return version
}

func (c *Command) arguments(f form, word string) *Miss {
	pairs := strings.Split(word, ",")
	if len(pairs) > maxArguments {
		return f.miss("%d build arguments, at most %d can be", len(pairs), maxArguments)
	}
	keys := map[string]bool{}
	for _, pair := range pairs {
		key, _, ok := strings.Cut(pair, "=")
		switch {
		case !ok:
			return f.miss("%.60q is no build argument: it takes one version, then KEY=VALUE", pair)
		case !argument.MatchString(pair):
			return f.miss("%.60q is no build argument: a key has letters, digits and underscores, a value letters, digits, dots, pluses, dashes and underscores", pair)
		case keys[key]:
			return f.miss("the build argument %s is given twice", key)
		}
		keys[key] = true
	}
	c.Arguments = pairs
	return nil
}

func (c *Command) sealos(f form, words []string) *Miss {
	if len(words) == 0 {
		return nil
	}
	found := sealosVersion.FindStringSubmatch(words[0])
	switch {
	case len(words) > 1:
		return f.miss("%d words follow the command, and at most one can: the version of sealos", len(words))
	case found == nil:
		return f.miss("%.60q is no version of sealos", words[0])
	case found[1] == "1":
		return f.miss("%s is a version of Kubernetes, and the word stands for the version of sealos; all Kubernetes versions are built", words[0])
	}
	c.Sealos = words[0]
	return nil
}

// flags takes the flags out of the words, and leaves the operands.
func (c *Command) flags(f form, words []string) ([]string, *Miss) {
	for i, w := range words {
		if strings.HasPrefix(w, "-") {
			return words[:i], c.readFlags(f, words[i:])
		}
	}
	return words, nil
}

func (c *Command) readFlags(f form, words []string) *Miss {
	if f.kind == Help || f.kind == Cancel {
		return f.miss("%s takes no flags", f.word)
	}
	seen := map[string]bool{}
	for len(words) > 0 {
		flag := words[0]
		n, m := c.flag(f, words)
		if m != nil {
			return m
		}
		if seen[strings.Join(words[:n], " ")] {
			return f.miss("%s is given twice", flag)
		}
		seen[strings.Join(words[:n], " ")] = true
		words = words[n:]
	}
	slices.Sort(c.Platforms)
	return nil
}

// flag reads one flag, and says how many words it took.
func (c *Command) flag(f form, words []string) (int, *Miss) {
	switch words[0] {
	case dryRunFlag:
		c.DryRun = true
		return 1, nil
	case forceFlag:
		c.Force = true
		return 1, nil
	case platformFlag:
		if len(words) < 2 || !slices.Contains(platforms, words[1]) {
			return 0, f.miss("behind %s stands %s", platformFlag, strings.Join(platforms, " or "))
		}
		c.Platforms = append(c.Platforms, words[1])
		return 2, nil
	}
	problem := fmt.Sprintf("there is no flag %.60q: %s, %s and %s are those there are", words[0], platformFlag, dryRunFlag, forceFlag)
	if !strings.HasPrefix(words[0], "-") {
		problem = fmt.Sprintf("%.60q follows a flag; name and versions stand before the flags", words[0])
	}
	return 0, f.miss("%s", problem)
}
