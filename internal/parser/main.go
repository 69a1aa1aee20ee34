package parser

import "runtime/debug"

// maxStack bounds how deep a text may lead, in bytes.
const maxStack = 64 << 20

// exitOpen is the exit code of a process that could not confine itself.
const exitOpen = 3

// Main is a process that answers one line, which comes over its standard input. It
// returns the exit code.
func Main(kinds Kinds) int {
	debug.SetMaxStack(maxStack)
	if closeOff() != nil {
		return exitOpen
	}
	own, err := line()
	switch {
	case err != nil:
		return exitOpen
	case own == nil:
		return 0
	}
	if kinds.answer(own) != nil {
		return 1
	}
	return 0
}
