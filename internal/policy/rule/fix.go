package rule

import (
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
)

// Fix is an argument that a rule lets have these values and no others.
type Fix struct {
	Argument string
	Values   []any
}

// Fixes are the arguments that the rule fixes, of which an agent may be told: those
// of `args.X == literal` and `args.X in [literals]`, by themselves or joined by &&.
func (p *Program) Fixes() []Fix { return fixes(p.checked.NativeRep().Expr(), nil) }

func fixes(e ast.Expr, found []Fix) []Fix {
	if e.Kind() != ast.CallKind {
		return found
	}
	sides := e.AsCall().Args()
	switch e.AsCall().FunctionName() {
	case operators.LogicalAnd:
		for _, side := range sides {
			found = fixes(side, found)
		}
	case operators.Equals:
		for i := range sides {
			name, is := argumentOf(sides[i])
			value, literal := literalOf(sides[1-i])
			if is && literal {
				return append(found, Fix{name, []any{value}})
			}
		}
	case operators.In:
		name, is := argumentOf(sides[0])
		if values := literalsOf(sides[1]); is && len(values) > 0 {
			found = append(found, Fix{name, values})
		}
	}
	return found
}

// literalsOf are the elements of a list of literals; none where it is another thing.
func literalsOf(e ast.Expr) (values []any) {
	if e.Kind() != ast.ListKind {
		return nil
	}
	for _, element := range e.AsList().Elements() {
		value, literal := literalOf(element)
		if !literal {
			return nil
		}
		values = append(values, value)
	}
	return values
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
