package browser

import (
	"context"
	"iter"
)

// capture is a page as it is drawn: what is in its fields now, the texts that
// styles put there, and the styles that draw something twice.
type capture struct {
	Documents []*captured
	Strings   []string
}

type captured struct {
	Nodes struct {
		ParentIndex           []int
		BackendNodeID         []int64
		NodeType              []int
		InputValue, TextValue rare
	}
	Layout struct {
		NodeIndex, Text []int
		Styles          [][]int
	}
}

// rare are values of some of the nodes.
type rare struct{ Index, Value []int }

// doubling are the styles by which something is drawn a second time elsewhere.
var doubling = []string{"-webkit-box-reflect", "text-shadow", "filter"}

// capture takes one of a session's page, with all frames of its process.
func (s *session) capture(ctx context.Context) (*capture, error) {
	out := new(capture)
	return out, s.do(ctx, "DOMSnapshot.captureSnapshot", args{"computedStyles": doubling}, out)
}

// text is one of the capture's texts; empty where there is none.
func (c *capture) text(index int) string {
	if index < 0 || index >= len(c.Strings) {
		return ""
	}
	return c.Strings[index]
}

// node is an element's number of DevTools'; 0 where there is none.
func (d *captured) node(index int) int64 {
	if index < 0 || index >= len(d.Nodes.BackendNodeID) {
		return 0
	}
	return d.Nodes.BackendNodeID[index]
}

// parent is the place of the element that a node is in; -1 where it is in none.
func (d *captured) parent(index int) int {
	if index < 0 || index >= len(d.Nodes.ParentIndex) {
		return -1
	}
	return d.Nodes.ParentIndex[index]
}

// fields are what is in fields, by their numbers.
func (c *capture) fields() iter.Seq2[int64, string] {
	return func(yield func(int64, string) bool) {
		for _, d := range c.Documents {
			for _, list := range []rare{d.Nodes.InputValue, d.Nodes.TextValue} {
				for at, index := range list.Index {
					if at < len(list.Value) && !yield(d.node(index), c.text(list.Value[at])) {
						return
					}
				}
			}
		}
	}
}
