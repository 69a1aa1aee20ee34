package rule

import (
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
)

// Fixes says whether the rule is exactly `args.X == literal`: the argument then
// has one value, and an agent may be told so.
func (p *Program) Fixes() (argument string, value any, ok bool) {
	e := p.checked.NativeRep().Expr()
	if e.Kind() != ast.CallKind || e.AsCall().FunctionName() != operators.Equals {
		return "", nil, false
	}
	sides := e.AsCall().Args()
	for i := range sides {
		if name, is := argumentOf(sides[i]); is {
			value, ok = literalOf(sides[1-i])
			return name, value, ok
		}
	}
	return "", nil, false
}

// FixesAny says whether the rule is exactly `args.X in [literals]`.
func (p *Program) FixesAny() (argument string, values []any, ok bool) {
	e := p.checked.NativeRep().Expr()
	if e.Kind() != ast.CallKind || e.AsCall().FunctionName() != operators.In {
		return "", nil, false
	}
	sides := e.AsCall().Args()
	name, is := argumentOf(sides[0])
	if !is || sides[1].Kind() != ast.ListKind {
		return "", nil, false
	}
	for _, element := range sides[1].AsList().Elements() {
		value, literal := literalOf(element)
		if !literal {
			return "", nil, false
		}
		values = append(values, value)
	}
	return name, values, len(values) > 0
}

// argumentOf reads args.X.
func argumentOf(e ast.Expr) (string, bool) {
	if e.Kind() != ast.SelectKind {
		return "", false
	}
	s := e.AsSelect()
	if s.IsTestOnly() || s.Operand().Kind() != ast.IdentKind || s.Operand().AsIdent() != "args" {
		return "", false
	}
	return s.FieldName(), true
}

func literalOf(e ast.Expr) (any, bool) {
	if e.Kind() != ast.LiteralKind {
		return nil, false
	}
	value, err := Native(e.AsLiteral())
	return value, err == nil
}
