package parser

import (
	"os"
	"runtime/debug"
)

// maxStack bounds how deep a text may lead, in bytes.
const maxStack = 64 << 20

// exitOpen is the exit code of a process that could not confine itself.
const exitOpen = 3

// Main is a process that reads one text: its line is the standard input. It returns
// the exit code.
func Main(kinds Kinds) int {
	debug.SetMaxStack(maxStack)
	if confine() != nil {
		return exitOpen
	}
	if kinds.once(os.Stdin) != nil {
		return 1
	}
	return 0
}
