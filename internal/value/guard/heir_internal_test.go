package guard

import (
	"fmt"
	"testing"

	"hotcell/test/prove"
)

// TestProveTornTextIsTheModels has values that are torn in many places: what begins on one
// reading goes on over a joint of the next, begins there, or ends before it.
func TestProveTornTextIsTheModels(t *testing.T) {
	t.Parallel()
	holds(t, prove.Trials(400, 2_000_000), compiled, dice.torn)
}

// TestProvePartsOfTornTextAreTheModels is the same, with parts of values.
func TestProvePartsOfTornTextAreTheModels(t *testing.T) {
	t.Parallel()
	holds(t, prove.Trials(100, 500_000), compiledWithParts, dice.torn)
}

// torn is pieces of values one after the other, each with joints in it: few or many,
// near each other or far apart.
func (d dice) torn(values [][]byte) (out []byte) {
	for range 1 + d.IntN(4) {
		piece := pick(d, values...)
		switch d.IntN(4) {
		case 0:
			piece = piece[:d.IntN(len(piece)+1)]
		case 1:
			piece = piece[d.IntN(len(piece)):]
		}
		apart := pick(d, 1, 2, 7, 13, 30, 200)
		for _, c := range piece {
			if d.IntN(apart) > 0 {
				out = append(out, c)
				continue
			}
			switch d.IntN(4) {
			case 0:
				out = fmt.Appendf(out, pick(d, "%%%02x", `\x%02x`, "=%02X", "%%25%02x", "&#%d;"), c)
			case 1:
				out = append(append(out, c), pick(d, "\n", "\r\n ", " |\n> ", "=\n", "\n10:00 web | ")...)
			case 2:
				out = append(append(out, pick(d, "\x1b[1m", "\u200b", "\x00", "\x1b]0;x\x07", "\x1b[> ")...), c)
			default:
				out = append(append(out, pick(d, " ", ", ", "-", `","`)...), c)
			}
		}
		out = append(out, pick(d, "", "", "\n", " ", "ab", "\\")...)
	}
	return out
}
