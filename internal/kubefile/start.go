package kubefile

import "strings"

// Start is what a cluster runs when the image is started with sealos run.
type Start struct {
	// Commands are whole shell commands, as written: the elements of ENTRYPOINT and CMD.
	Commands []string
	// Env are the variables of the image without PATH, which a start command sees as sealos run -e overrides them.
	Env map[string]string
}

// Start gives the start commands for a platform. sealos takes each element of ENTRYPOINT and CMD as a command of its
// own, leaves the words /bin/sh and -c of the shell form out, and replaces $(NAME).
func (k *Kubefile) Start(platform string) (Start, error) {
	b, err := k.Build(platform)
	if err != nil {
		return Start{}, err
	}
	s := Start{Env: map[string]string{}}
	for _, words := range [][]string{b.Config.Entrypoint, b.Config.Cmd} {
		for _, w := range words {
			if w != "/bin/sh" && w != "-c" {
				s.Commands = append(s.Commands, w)
			}
		}
	}
	for _, kv := range b.Config.Env {
		if k, v, _ := strings.Cut(kv, "="); k != "PATH" {
			s.Env[k] = v
		}
	}
	return s, nil
}

// Lines are the commands with $(NAME) replaced, as sealos create prints them.
func (s Start) Lines() []string {
	lines := make([]string, 0, len(s.Commands))
	for _, c := range s.Commands {
		lines = append(lines, s.replace(c))
	}
	return lines
}

// replace does what Kubernetes does in a container's command: $(NAME) becomes the variable's value, an unknown name
// stays as it is written, and $$ is a dollar sign.
func (s Start) replace(c string) string {
	var b strings.Builder
	for {
		before, after, found := strings.Cut(c, "$")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		name, rest, closed := strings.Cut(after, ")")
		value, known := s.Env[strings.TrimPrefix(name, "(")]
		switch {
		case strings.HasPrefix(after, "$"):
			b.WriteByte('$')
			c = after[1:]
		case closed && known && strings.HasPrefix(after, "("):
			b.WriteString(value)
			c = rest
		default:
			b.WriteByte('$')
			c = after
		}
	}
}
