// Package border keeps a fault of the program's own within the one stream that
// met it: a panic becomes an error where a stream, a request or a goroutine
// ends, and the process and everybody else's streams go on.
//
// It guards that what is told of a panic holds no value: its type and the place,
// never its text, which can quote what was being read. It does not decide what
// is refused: whoever gets the [Fault] closes its stream. It cannot catch what Go
// lets nobody catch: a stack that overflows, memory that runs out, a map that two
// write at once. What strangers write is parsed in a process of its own for that.
// One way to use it:
//
//	border.Go("the watch on grants", border.Log(log), func() { … })
//	err := border.Run("a tool's call", func() error { … })
package border

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"time"
)

// Fault is a panic that was caught. Its text is fit for anybody.
type Fault struct {
	// At is the border that caught it, in words.
	At string
	// Type is the Go type of what was thrown, Place the function and line that
	// threw, Stack the functions and lines that led there, innermost first.
	Type, Place string
	Stack       []string
}

// Error implements error.
func (f *Fault) Error() string { return "a fault in the program ended this: it is in the server's log" }

// Caught is told of a fault. It must not be nil.
type Caught func(*Fault)

// Run calls fn and returns what it returns, or the [*Fault] that it threw.
func Run(at string, fn func() error) (err error) {
	defer func() {
		if thrown := recover(); thrown != nil {
			err = Of(at, thrown)
		}
	}()
	return fn()
}

// Func is fn for whoever calls it in a goroutine of their own: a timer, a group,
// the end of a context.
func Func(at string, caught Caught, fn func()) func() {
	return func() {
		if f, ok := errors.AsType[*Fault](Run(at, func() error { fn(); return nil })); ok {
			caught(f)
		}
	}
}

// Err is [Run] for whoever calls it in a goroutine of their own, such as a group.
func Err(at string, fn func() error) func() error {
	return func() error { return Run(at, fn) }
}

// Go calls fn in a goroutine. What it threw is told to caught, there.
func Go(at string, caught Caught, fn func()) { go Func(at, caught, fn)() }

// After calls fn in a goroutine after d, as [time.AfterFunc] does.
func After(d time.Duration, at string, caught Caught, fn func()) *time.Timer {
	return time.AfterFunc(d, Func(at, caught, fn))
}

// WithEnd calls fn in a goroutine when ctx ends, as [context.AfterFunc] does.
func WithEnd(ctx context.Context, at string, caught Caught, fn func()) (stop func() bool) {
	return context.AfterFunc(ctx, Func(at, caught, fn))
}

// Send calls fn in a goroutine and sends what it returns, or the fault that it
// threw, to the channel, which must have room for it.
func Send(to chan<- error, at string, fn func() error) {
	go func() { to <- Run(at, fn) }()
}

// Log writes faults into a log.
func Log(log *slog.Logger) Caught {
	return func(f *Fault) { Tell(log, f) }
}

// Tell writes err into a log where it is a [*Fault], and says whether it was.
func Tell(log *slog.Logger, err error) bool {
	f, ok := errors.AsType[*Fault](err)
	if ok {
		log.Error("a fault in the program was caught", "border", f.At, "type", f.Type, "place", f.Place, "stack", strings.Join(f.Stack, " < "))
	}
	return ok
}

// Silent is for goroutines that only wait and close, and where nobody listens.
func Silent(*Fault) {}

// maxStack is how many calls of a stack are kept.
const maxStack = 24

// Of describes what was thrown. It is for a deferred function that has recovered it
// itself, and called by that function: the stack still stands.
func Of(at string, thrown any) *Fault {
	f := &Fault{At: at, Type: fmt.Sprintf("%T", thrown)}
	calls := make([]uintptr, 64)
	frames := runtime.CallersFrames(calls[:runtime.Callers(3, calls)])
	for more := true; more && len(f.Stack) < maxStack; {
		var frame runtime.Frame
		frame, more = frames.Next()
		if strings.HasPrefix(frame.Function, "runtime.") {
			continue // how it was thrown
		}
		f.Stack = append(f.Stack, fmt.Sprintf("%s:%d", frame.Function, frame.Line))
	}
	if len(f.Stack) > 0 {
		f.Place = f.Stack[0]
	}
	return f
}
