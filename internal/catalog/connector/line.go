package connector

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"hotcell"
)

// lines finds where in a document something is.
type lines struct {
	root    ast.Node
	anchors map[string]ast.Node
}

func newLines(text []byte) *lines {
	l := &lines{anchors: map[string]ast.Node{}}
	file, err := parser.ParseBytes(text, 0)
	if err != nil || len(file.Docs) == 0 || file.Docs[0].Body == nil {
		return l
	}
	l.root = file.Docs[0].Body
	ast.Walk(l, l.root)
	return l
}

// Visit implements [ast.Visitor]: it remembers what has an anchor.
func (l *lines) Visit(n ast.Node) ast.Visitor {
	if a, ok := n.(*ast.AnchorNode); ok && a.Name != nil {
		l.anchors[a.Name.String()] = a.Value
	}
	return l
}

// problems are faults with their lines, in order.
func (l *lines) problems(all []*hotcell.FieldError) []Problem {
	out := make([]Problem, len(all))
	for i, one := range all {
		out[i] = Problem{Line: l.line(one.Pointer), Path: one.Pointer, Detail: one.Reason}
	}
	slices.SortStableFunc(out, func(a, b Problem) int { return cmp.Compare(a.Line, b.Line) })
	return out
}

// line is where a pointer leads, or as far towards it as there is something.
func (l *lines) line(pointer string) int {
	found, node := 1, l.root
	for segment := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		below, at := l.below(node, segment)
		if at == 0 {
			break
		}
		node, found = below, at
	}
	return found
}

// below is what a node has by a key or an index, and its line; 0 for nothing.
func (l *lines) below(node ast.Node, segment string) (ast.Node, int) {
	switch n := node.(type) {
	case *ast.AnchorNode:
		return l.below(n.Value, segment)
	case *ast.AliasNode:
		return l.below(l.anchors[n.Value.String()], segment)
	case *ast.TagNode:
		return l.below(n.Value, segment)
	case *ast.MappingValueNode:
		return l.entry(n, segment)
	case *ast.MappingNode:
		for _, one := range n.Values {
			if value, line := l.entry(one, segment); line > 0 {
				return value, line
			}
		}
	case *ast.SequenceNode:
		if i, err := strconv.Atoi(segment); err == nil && i >= 0 && i < len(n.Values) {
			return n.Values[i], lineOfNode(n.Values[i])
		}
	}
	return nil, 0
}

func (l *lines) entry(n *ast.MappingValueNode, key string) (ast.Node, int) {
	if n.Key.GetToken() == nil || n.Key.GetToken().Value != key {
		return nil, 0
	}
	return n.Value, n.Key.GetToken().Position.Line
}

// lineOfNode is the first line of a node: that of a map is its first key's.
func lineOfNode(n ast.Node) int {
	if m, ok := n.(*ast.MappingNode); ok && len(m.Values) > 0 {
		n = m.Values[0].Key
	}
	if m, ok := n.(*ast.MappingValueNode); ok {
		n = m.Key
	}
	if t := n.GetToken(); t != nil {
		return t.Position.Line
	}
	return 0
}
