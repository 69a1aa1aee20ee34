package guard

import "strings"

// runs finds stretches of an alphabet that are long enough to hold a value, without
// a look at each character: ordinary text has few.
type runs struct {
	// table says of each character what it is; 0 ends a run.
	table *[256]byte
	// begins are the characters that a piece of a run begins with, least is how many
	// pieces there are at least: with what is between them, eleven characters or more.
	begins string
	least  int
}

// classed is a table of characters: 1 for the first ones, 2 for the others.
func classed(first, second string) (out [256]byte) {
	for _, c := range []byte(first) {
		out[c] = 1
	}
	for _, c := range []byte(second) {
		out[c] = 2
	}
	return out
}

// next finds where the next run in b begins, from i on, that has enough pieces, or
// that b ends within; the end of b where there is none.
func (r *runs) next(b []byte, i int) int {
	const look = 4 // characters in a row, at every eighth place
	t := r.table
	least := i
	for ; i+look <= len(b); i += 8 {
		if t[b[i]] == 0 || t[b[i+1]] == 0 || t[b[i+2]] == 0 || t[b[i+3]] == 0 {
			continue
		}
		from, to := i, i+look
		for from > least && t[b[from-1]] != 0 {
			from--
		}
		for to < len(b) && t[b[to]] != 0 {
			to++
		}
		if to == len(b) || r.enough(b[from:to]) {
			return from
		}
		least = to
		i = to - 7 // the next look is at to+1
	}
	from := len(b)
	for from > least && t[b[from-1]] != 0 {
		from--
	}
	return from
}

// enough says whether a run has pieces for a value.
func (r *runs) enough(b []byte) bool {
	n := 0
	for i, c := range b {
		if r.table[c] == 1 && (i == 0 || r.table[b[i-1]] != 1) && strings.IndexByte(r.begins, c) >= 0 {
			if n++; n >= r.least {
				return true
			}
		}
	}
	return false
}
