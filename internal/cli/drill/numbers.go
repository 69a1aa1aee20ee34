package drill

import (
	"regexp"
	"strconv"
	"strings"
)

var (
	rows   = regexp.MustCompile(`(?:(?:0x)?[0-9a-fA-F]+[\s,;]+){12,}(?:0x)?[0-9a-fA-F]+`)
	octals = regexp.MustCompile(`(?m)^[0-7]{7}((?: [0-7]{6})+)`)
)

// numbers reads rows of numbers as bytes: decimals, 0x41 and bits.
func numbers(b []byte) (out []byte) {
	for _, row := range rows.FindAll(b, -1) {
		for _, base := range []int{10, 16, 2} {
			for _, word := range strings.FieldsFunc(string(row), func(r rune) bool { return strings.ContainsRune(" \t\r\n,;", r) }) {
				digits, hexed := strings.CutPrefix(word, "0x")
				if hexed != (base == 16) || base == 2 && len(digits) != 8 {
					continue
				}
				if v, err := strconv.ParseUint(digits, base, 8); err == nil {
					out = append(out, byte(v))
				}
			}
			out = append(out, '\n')
		}
	}
	return out
}

// words reads what od writes: two bytes in a number, the low one first.
func words(b []byte) (out []byte) {
	for _, line := range octals.FindAllSubmatch(b, -1) {
		for word := range strings.FieldsSeq(string(line[1])) {
			if v, err := strconv.ParseUint(word, 8, 16); err == nil {
				out = append(out, byte(v), byte(v>>8))
			}
		}
	}
	return out
}
