package rule

import "github.com/google/cel-go/cel"

// Boolean says whether the expression can be true or false at all: it is of that
// type, or of one that only its evaluation tells.
func (p *Program) Boolean() bool {
	kind := p.checked.OutputType()
	return kind.IsExactType(cel.BoolType) || kind.IsExactType(cel.DynType)
}
