// Package sandbox runs a program that is not trusted so that it writes only where it was told, reads only what a program needs, and leaves no
// process behind. It needs no root: Linux's Landlock confines the files, a seccomp filter the sockets of other programs.
//
// Every such program is run by a helper process, which is this same binary under the command [Command]: main must call [Main] for it.
package sandbox

// Command is the hidden command of the binary that runs a program in the sandbox.
const Command = "sandbox-exec"

// Options say how strict the sandbox is.
type Options struct {
	// Exe is the binary that knows the command [Command]; empty means the running one.
	Exe string
	// Require makes it an error when the kernel can't confine the program.
	Require bool
}
