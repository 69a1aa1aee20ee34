package rule

import (
	"slices"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
)

// Mentions are the fields of a variable that the expression names: of args, in
// `args.x + args['y']`, x and y.
func (p *Program) Mentions(variable string) (out []string) {
	ast.PreOrderVisit(p.checked.NativeRep().Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if name, ok := mention(e, variable); ok && !slices.Contains(out, name) {
			out = append(out, name)
		}
	}))
	return out
}

func mention(e ast.Expr, variable string) (name string, ok bool) {
	of := func(e ast.Expr) bool { return e.Kind() == ast.IdentKind && e.AsIdent() == variable }
	switch e.Kind() {
	case ast.SelectKind:
		s := e.AsSelect()
		return s.FieldName(), of(s.Operand())
	case ast.CallKind:
		call := e.AsCall()
		if len(call.Args()) != 2 {
			return "", false
		}
		from, key := call.Args()[0], call.Args()[1]
		switch call.FunctionName() {
		case operators.Index, operators.OptIndex, operators.OptSelect:
		case operators.In:
			from, key = key, from
		default:
			return "", false
		}
		value, literal := literalOf(key)
		name, isText := value.(string)
		return name, of(from) && literal && isText
	}
	return "", false
}

// Paths are the fields below a variable that the expression names, each with those on
// the way to it: of args, in `args.x.y == args['z']`, x, x y, and z.
func (p *Program) Paths(variable string) (out [][]string) {
	ast.PreOrderVisit(p.checked.NativeRep().Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if path, ok := pathOf(e, variable); ok && len(path) > 0 && !slices.ContainsFunc(out, func(o []string) bool { return slices.Equal(o, path) }) {
			out = append(out, path)
		}
	}))
	return out
}

// pathOf reads a chain of fields and literal keys below a variable.
func pathOf(e ast.Expr, variable string) (path []string, ok bool) {
	switch e.Kind() {
	case ast.IdentKind:
		return nil, e.AsIdent() == variable
	case ast.SelectKind:
		s := e.AsSelect()
		path, ok = pathOf(s.Operand(), variable)
		return append(path, s.FieldName()), ok
	case ast.CallKind:
		call := e.AsCall()
		if len(call.Args()) != 2 {
			return nil, false
		}
		from, key := call.Args()[0], call.Args()[1]
		switch call.FunctionName() {
		case operators.Index, operators.OptIndex, operators.OptSelect:
		case operators.In:
			from, key = key, from
		default:
			return nil, false
		}
		value, literal := literalOf(key)
		name, isText := value.(string)
		if !literal || !isText {
			return nil, false
		}
		path, ok = pathOf(from, variable)
		return append(path, name), ok
	}
	return nil, false
}

// Uses says whether the expression speaks of a variable at all.
func (p *Program) Uses(variable string) (uses bool) {
	ast.PreOrderVisit(p.checked.NativeRep().Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		uses = uses || e.Kind() == ast.IdentKind && e.AsIdent() == variable
	}))
	return uses
}
