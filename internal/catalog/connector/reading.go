package connector

import (
	"context"
	"errors"
	"reflect"
	"regexp"
	"time"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"

	"hotcell"
	"hotcell/internal/policy/rule"
)

// Reader reads texts of strangers that take a library to read: by one of [Plain], in a
// process that holds nothing. It belongs to one goroutine.
type Reader interface {
	// Parse reads a text. Its error is a [*hotcell.FieldError] where the text is at fault,
	// with a pointer where its parser says so, and without one where it ended its reader.
	Parse(kind string, text []byte) ([]byte, error)
	Close()
}

// Opener begins to read: what is read until the reader is closed is of one call alone.
// It is [hotcell.ErrUnavailable] where nobody reads.
type Opener func(context.Context) (Reader, error)

// Reads has the run's texts read by what open opens. Without it a text in a charset that
// takes a decoder is taken for UTF-8.
func (r *Run) Reads(open Opener) { r.open = open }

// Here reads in the process that asks: for programs that hold no key, and tests.
func Here(context.Context) (Reader, error) { return here{}, nil }

type here struct{}

// Parse implements [Reader].
func (here) Parse(kind string, text []byte) ([]byte, error) { return Plain[kind](text) }

// Close implements [Reader].
func (here) Close() {}

// reading is what one step of a run reads: a reader is opened when there is need of one,
// and closed at the step's end, so that none waits while a service is waited for.
type reading struct {
	ctx  context.Context //nolint:containedctx // of the step that it is for
	open Opener
	with Reader
	// deaths are the readers that ended over a text of the run's.
	deaths *int
	// err is why nothing more is read, which the step fails by.
	err error
}

// variable is what expressions have the reading by, in a name that no document can say.
const variable = "@reading"

// step begins a step of a run. What it returns ends the step, and tells what became of it.
func (r *Run) step(ctx context.Context) (end func(*error)) {
	own := &reading{ctx: ctx, open: r.open, deaths: &r.deaths}
	r.reading = own
	r.vars[variable] = own
	return func(err *error) {
		if own.with != nil {
			own.with.Close()
		}
		if own.err != nil {
			*err = own.err
		}
	}
}

// errNobody is a charset that nobody is there to decode.
var errNobody = hotcell.Invalid("/charset", "it is not decoded here")

// maxDeaths is how many readers a run may end: who wrote its texts means it by then.
const maxDeaths = 2

var errDeadly = errors.New("texts of this service have ended their readers")

// decode has a text in a charset read.
func (r *reading) decode(text []byte) (out []byte, err error) {
	if r == nil || r.open == nil {
		return nil, errNobody
	}
	if r.err != nil {
		return nil, r.err
	}
	if *r.deaths >= maxDeaths {
		return nil, errDeadly
	}
	if r.with == nil {
		if r.with, r.err = r.open(r.ctx); r.err != nil {
			return nil, r.err
		}
	}
	out, err = r.with.Parse(kindCharset, text)
	if errors.Is(err, hotcell.ErrInvalid) {
		if field, ok := asField(err); !ok || field.Pointer == "" { // its process ended over it
			r.with.Close()
			r.with = nil
			*r.deaths++
		}
		return nil, err
	}
	r.err = err
	return out, err
}

// readers finds the functions that may wait for a reader, and readingTime is how long an
// expression with one of them has.
var readers = regexp.MustCompile(`\b(mail|mailtext|others)\(`)

const readingTime = 30 * time.Second

// reads declares a function that reads texts: a macro, by which it has the reading, over
// a function that no document can name.
func reads(name string, arguments int, fn func(r *reading, args []any) (any, error)) cel.EnvOption {
	inner := "@" + name
	of := []*cel.Type{cel.DynType}
	for range arguments {
		of = append(of, cel.DynType)
	}
	declared := cel.Function(inner, cel.Overload(inner+"_dyn", of, cel.DynType, cel.FunctionBinding(func(values ...ref.Val) ref.Val {
		own, _ := values[0].(*reading)
		args := make([]any, 0, arguments)
		for _, v := range values[1:] {
			arg, err := rule.Native(v)
			if err != nil {
				return types.NewErr("%s", name)
			}
			args = append(args, arg)
		}
		out, err := fn(own, args)
		if err != nil {
			return types.NewErr("%s", name)
		}
		return types.DefaultTypeAdapter.NativeToValue(out)
	})))
	macro := cel.Macros(cel.GlobalMacro(name, arguments, func(mef cel.MacroExprFactory, _ ast.Expr, args []ast.Expr) (ast.Expr, *cel.Error) {
		return mef.NewCall(inner, append([]ast.Expr{mef.NewIdent(variable)}, args...)...), nil
	}))
	return func(e *cel.Env) (*cel.Env, error) {
		e, err := declared(e)
		if err != nil {
			return nil, err
		}
		return macro(e)
	}
}

var errOpaque = errors.New("a reading is no value")

// A reading passes through an expression as a value that it can do nothing with.

// ConvertToNative implements [ref.Val].
func (r *reading) ConvertToNative(reflect.Type) (any, error) { return nil, errOpaque }

// ConvertToType implements [ref.Val].
func (r *reading) ConvertToType(ref.Type) ref.Val { return types.WrapErr(errOpaque) }

// Equal implements [ref.Val].
func (r *reading) Equal(other ref.Val) ref.Val { return types.Bool(other == ref.Val(r)) }

// Type implements [ref.Val].
func (r *reading) Type() ref.Type { return cel.OpaqueType("reading") }

// Value implements [ref.Val].
func (r *reading) Value() any { return r }
