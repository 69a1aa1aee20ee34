// Package rule decides by expressions in CEL (the Common Expression Language):
// the rules that people put on calls of tools, and what connector documents
// compute.
//
// It guards that an expression ends: its length, its cost and its time are
// bounded, and it has no side effects. No error holds what an expression was
// evaluated on. What a rule means, its writer must know. One way to use it:
//
//	p, err := rule.Calls().Compile(`args.channel == "#ops"`)
//	allowed, err := p.True(ctx, map[string]any{"args": args, "tool": "post", "account": ""})
package rule

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"
	"github.com/google/cel-go/ext"

	"hotcell"
)

// The bounds of an expression: its length in bytes, its cost in CEL's units, and
// its time.
const (
	MaxLength = 4 << 10
	maxCost   = 2_000_000
	maxTime   = time.Second
)

// Env is what expressions may speak of. It may be used at once from anywhere.
type Env struct{ inner *cel.Env }

// New makes an environment with CEL's own functions, its extensions for strings,
// lists, math, encoders and optionals, and what options add.
func New(options ...cel.EnvOption) (*Env, error) {
	house := []cel.EnvOption{
		ext.Strings(), ext.Lists(), ext.Math(), ext.Encoders(), ext.Sets(), ext.TwoVarComprehensions(), cel.OptionalTypes(),
		cel.CrossTypeNumericComparisons(true), cel.ParserExpressionSizeLimit(MaxLength), cel.ParserRecursionLimit(64),
	}
	inner, err := cel.NewEnv(append(house, options...)...)
	if err != nil {
		return nil, fmt.Errorf("making an environment of expressions: %w", err)
	}
	return &Env{inner}, nil
}

var calls = sync.OnceValue(func() *Env {
	e, err := New(cel.Variable("args", cel.MapType(cel.StringType, cel.DynType)), cel.Variable("tool", cel.StringType), cel.Variable("account", cel.StringType),
		each("startsWith", strings.HasPrefix), each("endsWith", strings.HasSuffix))
	if err != nil {
		return &Env{}
	}
	return e
})

// Calls is the environment of rules on calls of tools: args, a map of the
// arguments; tool, the tool's name; account, who is connected.
func Calls() *Env { return calls() }

// Program is an expression, compiled. It may be used at once from anywhere.
type Program struct {
	program cel.Program
	checked *cel.Ast
}

// Compile compiles an expression. Its error is an [hotcell.ErrInvalid] with the
// place and what is wrong there.
func (e *Env) Compile(expression string) (*Program, error) {
	if e.inner == nil {
		return nil, fmt.Errorf("%w: expressions cannot be evaluated", hotcell.ErrUnavailable)
	}
	if len(expression) > MaxLength {
		return nil, hotcell.Invalid("", "an expression has at most %d bytes", MaxLength)
	}
	checked, issues := e.inner.Compile(expression)
	if issues.Err() != nil {
		for _, one := range issues.Errors() {
			return nil, hotcell.Invalid("", "this is no expression in CEL: at character %d: %s", one.Location.Column()+1, one.Message)
		}
		return nil, hotcell.Invalid("", "this is no expression in CEL")
	}
	program, err := e.inner.Program(checked, cel.EvalOptions(cel.OptOptimize), cel.CostLimit(maxCost), cel.InterruptCheckFrequency(100))
	if err != nil {
		return nil, hotcell.Invalid("", "this expression cannot be evaluated")
	}
	return &Program{program, checked}, nil
}

// errEvaluate is all that is told of an evaluation that failed: CEL's own errors
// hold values.
var errEvaluate = errors.New("the expression cannot be decided on this")

// Eval evaluates the expression and returns plain Go values: nil, bool, string,
// int64, uint64, float64, []byte, []any, map[string]any.
func (p *Program) Eval(ctx context.Context, vars map[string]any) (any, error) {
	return p.EvalWithin(ctx, maxTime, vars)
}

// EvalWithin is Eval of an expression that may take longer than others: its functions
// wait for something.
func (p *Program) EvalWithin(ctx context.Context, d time.Duration, vars map[string]any) (any, error) {
	out, err := p.eval(ctx, d, vars)
	if err != nil {
		return nil, err
	}
	return Native(out)
}

// True says whether the expression is true; what is no boolean is an error.
func (p *Program) True(ctx context.Context, vars map[string]any) (bool, error) {
	out, err := p.eval(ctx, maxTime, vars)
	if err != nil {
		return false, err
	}
	if out.Type() != types.BoolType {
		return false, errEvaluate
	}
	return out == types.True, nil
}

func (p *Program) eval(ctx context.Context, d time.Duration, vars map[string]any) (ref.Val, error) {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	out, _, err := p.program.ContextEval(ctx, vars)
	if err != nil || out == nil {
		return nil, errEvaluate
	}
	return out, nil
}

// Native turns CEL's values into Go's plain ones, as [Program.Eval] returns them.
func Native(v ref.Val) (any, error) {
	switch v := v.(type) {
	case types.Null:
		return nil, nil //nolint:nilnil // null is a value
	case types.Bool:
		return bool(v), nil
	case types.String:
		return string(v), nil
	case types.Int:
		return int64(v), nil
	case types.Uint:
		return uint64(v), nil
	case types.Double:
		return float64(v), nil
	case types.Bytes:
		return []byte(v), nil
	case *types.Optional:
		if !v.HasValue() {
			return nil, nil //nolint:nilnil // as null
		}
		return Native(v.GetValue())
	}
	switch v := v.(type) {
	case traits.Mapper:
		return mapOf(v)
	case traits.Lister:
		return listOf(v)
	}
	return nil, errEvaluate
}

func mapOf(m traits.Mapper) (any, error) {
	out := map[string]any{}
	for it := m.Iterator(); it.HasNext() == types.True; {
		key := it.Next()
		name, ok := key.Value().(string)
		if !ok {
			return nil, errEvaluate
		}
		value, err := Native(m.Get(key))
		if err != nil {
			return nil, err
		}
		out[name] = value
	}
	return out, nil
}

func listOf(l traits.Lister) (any, error) {
	out := []any{}
	for it := l.Iterator(); it.HasNext() == types.True; {
		value, err := Native(it.Next())
		if err != nil {
			return nil, err
		}
		out = append(out, value)
	}
	return out, nil
}

// each lets a question about a text be asked of a list of texts, as recipients are: it
// is true where it is true of each, false where it is of none or where there are none,
// and undecided, so that nothing goes through, where it is of some.
func each(name string, holds func(text, part string) bool) cel.EnvOption {
	undecided := func() ref.Val { return types.NewErr("%s is true of some, and not of others", name) }
	return cel.Function(name, cel.MemberOverload("list_"+name, []*cel.Type{cel.ListType(cel.DynType), cel.StringType}, cel.BoolType,
		cel.BinaryBinding(func(list, part ref.Val) ref.Val {
			all, ok := list.(traits.Lister)
			suffix, is := part.(types.String)
			if !ok || !is {
				return types.MaybeNoSuchOverloadErr(list)
			}
			yes, no := 0, 0
			for it := all.Iterator(); it.HasNext() == types.True; {
				text, is := it.Next().(types.String)
				switch {
				case !is:
					return undecided()
				case holds(string(text), string(suffix)):
					yes++
				default:
					no++
				}
			}
			if yes > 0 && no > 0 {
				return undecided()
			}
			return types.Bool(yes > 0)
		})))
}
