package cli

import (
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/labring-actions/cluster-image/internal/failure"
	"github.com/labring-actions/cluster-image/internal/spelling"
)

// commandLine is a command line sorted out.
type commandLine struct {
	// path are the command and its parents, the outermost first; empty when none was named.
	path []*cli.Command
	// argv is the line as the library reads it: each command's flags right after its name, then two dashes, then the operands.
	argv []string
	// help says that help was asked for, and nothing is to be run.
	help bool
}

// word is a flag as it was given.
type word struct {
	name, value string
	has         bool
}

// arrangement is a line while it is read.
type arrangement struct {
	app      *cli.App
	path     []*cli.Command
	given    []word
	operands []string
	help     bool
}

// arrange sorts the flags to the commands that define them, wherever on the line they stand. After two dashes nothing is a flag, and neither is what
// follows a flag that takes a value. Whatever is wrong with names of commands and flags, or with the number of operands, is an error here.
func arrange(app *cli.App, args []string) (commandLine, error) {
	a := &arrangement{app: app}
	if len(args) > 0 && args[0] == "help" {
		args, a.help = args[1:], true
	}
	if err := a.read(args); err != nil {
		return commandLine{}, err
	}
	if a.help || len(a.commands()) > 0 {
		return commandLine{path: a.path, help: true}, nil
	}
	argv, err := a.argv()
	if err != nil {
		return commandLine{}, err
	}
	return commandLine{path: a.path, argv: argv}, checkOperands(a.fullName(), a.path[len(a.path)-1].ArgsUsage, a.operands)
}

func (a *arrangement) read(args []string) error {
	for i := 0; i < len(args); i++ {
		switch arg := args[i]; {
		case arg == "--":
			a.operands = append(a.operands, args[i+1:]...)
			return nil
		case len(arg) > 1 && arg[0] == '-':
			used, err := a.flag(arg, args[i+1:])
			if err != nil {
				return err
			}
			i += used
		default:
			if err := a.name(arg); err != nil {
				return err
			}
		}
	}
	return nil
}

// commands are those that may be named next.
func (a *arrangement) commands() []*cli.Command {
	if len(a.path) == 0 {
		return a.app.Commands
	}
	return a.path[len(a.path)-1].Subcommands
}

// name takes a word as the name of a command while one is due, else as an operand.
func (a *arrangement) name(arg string) error {
	next := a.commands()
	if len(next) == 0 {
		a.operands = append(a.operands, arg)
		return nil
	}
	for _, c := range next {
		if c.HasName(arg) {
			a.path = append(a.path, c)
			return nil
		}
	}
	f := usage("unknown command %q", strings.TrimSpace(strings.Join(append(a.names(), arg), " ")))
	if near := spelling.Meant(arg, commandNames(next)); near != "" {
		return f.Advise("did you mean %s? See %s --help", strings.Join(append(a.names(), near), " "), a.fullName())
	}
	return f.Advise("see %s --help", a.fullName())
}

// flag reads a flag and, where it takes one, its value; it gives the number of words beyond its own that it used.
func (a *arrangement) flag(arg string, rest []string) (int, error) {
	w := word{}
	w.name, w.value, w.has = strings.Cut(strings.TrimPrefix(strings.TrimPrefix(arg, "-"), "-"), "=")
	if w.name == "help" || w.name == "h" {
		a.help = true
		return 0, nil
	}
	if w.name == "version" && len(a.path) == 0 {
		return 0, a.name("version")
	}
	def := a.find(w.name)
	if def == nil {
		return 0, a.unknown(arg)
	}
	used := 0
	if takesValue(def) && !w.has {
		if len(rest) == 0 {
			return 0, usage("--%s needs a value", w.name).Advise("see %s --help", a.fullName())
		}
		if a.looksLikeFlag(rest[0]) {
			return 0, usage("--%s needs a value, and %s is a flag", w.name, rest[0]).Advise("if it is meant as the value, write --%s=%s", w.name, rest[0])
		}
		w.value, w.has, used = rest[0], true, 1
	}
	a.given = append(a.given, w)
	return used, nil
}

// looksLikeFlag says whether a word that stands where a value is due is a flag of this command.
func (a *arrangement) looksLikeFlag(s string) bool {
	name, _, _ := strings.Cut(strings.TrimLeft(s, "-"), "=")
	return strings.HasPrefix(s, "--") && (len(name) == 0 || name == "help" || a.find(name) != nil)
}

// find looks a flag up: in the command named so far and its parents, or, while none is, in all commands.
func (a *arrangement) find(name string) cli.Flag {
	for i := len(a.path); i >= 0; i-- {
		if f := pick(a.level(i), name); f != nil {
			return f
		}
	}
	return below(a.commands(), name)
}

// level is the flags of the command at a depth; zero is the program itself.
func (a *arrangement) level(depth int) []cli.Flag {
	if depth == 0 {
		return a.app.Flags
	}
	return a.path[depth-1].Flags
}

func below(commands []*cli.Command, name string) cli.Flag {
	for _, c := range commands {
		if f := pick(c.Flags, name); f != nil {
			return f
		}
		if f := below(c.Subcommands, name); f != nil {
			return f
		}
	}
	return nil
}

func pick(flags []cli.Flag, name string) cli.Flag {
	for _, f := range flags {
		if slices.Contains(f.Names(), name) {
			return f
		}
	}
	return nil
}

func takesValue(f cli.Flag) bool {
	d, ok := f.(cli.DocGenerationFlag)
	return ok && d.TakesValue()
}

// argv writes the line out, each flag under its first name at the innermost command that has it.
func (a *arrangement) argv() ([]string, error) {
	levels := make([][]string, len(a.path)+1)
	for _, w := range a.given {
		depth := a.depth(w.name)
		if depth < 0 {
			return nil, a.unknown("--" + w.name)
		}
		s := "--" + pick(a.level(depth), w.name).Names()[0]
		if w.has {
			s += "=" + w.value
		}
		levels[depth] = append(levels[depth], s)
	}
	argv := append([]string{a.app.Name}, levels[0]...)
	for i, c := range a.path {
		argv = append(append(argv, c.Name), levels[i+1]...)
	}
	return append(append(argv, "--"), a.operands...), nil
}

// depth is that of the innermost command that has the flag, or -1.
func (a *arrangement) depth(name string) int {
	for i := len(a.path); i >= 0; i-- {
		if pick(a.level(i), name) != nil {
			return i
		}
	}
	return -1
}

// unknown names the flag without a value that may be a secret, and the flag that may be meant.
func (a *arrangement) unknown(arg string) *failure.Failure {
	flag, _, _ := strings.Cut(arg, "=")
	f := usage("unknown flag %s of %s", flag, a.fullName())
	var names []string
	for i := range len(a.path) + 1 {
		names = append(names, flagNames(a.level(i))...)
	}
	if near := spelling.Meant(strings.TrimLeft(flag, "-"), names); near != "" {
		return f.Advise("did you mean --%s? See %s --help", near, a.fullName())
	}
	return f.Advise("see %s --help; what begins with a dash and is no flag stands after --", a.fullName())
}

func (a *arrangement) names() []string {
	var names []string
	for _, c := range a.path {
		names = append(names, c.Name)
	}
	return names
}

func (a *arrangement) fullName() string {
	return strings.Join(append([]string{a.app.Name}, a.names()...), " ")
}

func commandNames(commands []*cli.Command) []string {
	var names []string
	for _, c := range commands {
		if !c.Hidden {
			names = append(names, c.Names()...)
		}
	}
	return names
}

// flagNames are the names of more than one letter, since a letter is near to everything.
func flagNames(flags []cli.Flag) []string {
	var names []string
	for _, f := range flags {
		for _, n := range f.Names() {
			if len(n) > 1 {
				names = append(names, n)
			}
		}
	}
	return names
}
