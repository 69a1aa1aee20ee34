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
