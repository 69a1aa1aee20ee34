package guard

import (
	"encoding/base64"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
)

// unmarked is a reading without all that is neither letter nor digit.
func (m *modelLane) unmarked() *modelLane {
	out := &modelLane{bare: true}
	for i, b := range m.text {
		if isBared(b) {
			out.add(b, m.start[i], m.end[i])
		}
	}
	return out
}

func isBared(b byte) bool {
	return b >= 0x80 || strings.IndexByte("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", b) >= 0
}

// steered is a sequence for a terminal (ECMA-48), or a title or a link.
var steered = regexp.MustCompile(`^(?:\x1b\[[ -?]{0,31}[@-~]|\x1b\][^\x00-\x1f]{0,253}(?:\x07|\x1b\\))`)

// byLine is what stands last on each line, joined.
func (m *modelLane) byLine() (out []*modelLane) {
	row, gaps := &modelLane{bare: true}, 0
	end := func() { out, row, gaps = append(out, row), &modelLane{bare: true}, 0 }
	for at := 0; at < len(m.text); {
		line, _, _ := strings.Cut(string(m.text[at:]), "\n")
		from, start := -1, at
		at += len(line) + 1
		if len(line) > maxWrapped {
			end()
			continue
		}
		line = strings.TrimRight(line, " \t\r")
		for i := len(line) - 1; i >= max(0, len(line)-maxPayload); i-- {
			if !slices.ContainsFunc([]byte(line[i:]), isBared) && line[i] == ' ' && i > 0 && line[i-1] == ':' {
				from = len(line)
				break
			}
			if !slices.ContainsFunc([]byte(line[i+1:]), isBared) {
				continue
			}
			if line[i] == '\t' || line[i] == ' ' && i > 0 && strings.IndexByte("|>]: ", line[i-1]) >= 0 {
				from = i + 1
				break
			}
		}
		if from < 0 {
			tail := line[max(0, len(line)-maxPayload):]
			for i := len(tail) - 1; i >= 0; i-- {
				if tail[i] == ' ' && slices.ContainsFunc([]byte(tail[i:]), isBared) {
					from = len(line) - len(tail) + i + 1
					break
				}
			}
			if from < 0 && len(line) <= maxPayload {
				from = 0
			}
		}
		if from < 0 {
			end()
			continue
		}
		had := len(row.text)
		for i := from; i < len(line); i++ {
			if n := steered.FindStringIndex(line[i:]); n != nil {
				i += n[1] - 1
			} else if isBared(line[i]) {
				row.add(line[i], m.start[start+i], m.end[start+i])
			}
		}
		if len(row.text) > had {
			gaps = 0
		} else if gaps++; gaps > maxGaps {
			end()
		}
	}
	return append(out, row)
}

var jsonStrings = regexp.MustCompile(`"((?:[^"\\\n]|\\[^\n])*)"(?:[ \t\r\n]*(:)(?:[ \t\r\n]*"((?:[^"\\\n]|\\[^\n])*)")?)?`)

// inPieces is what the fields of each name have, joined, and that without marks.
func (m *modelLane) inPieces() (out []*modelLane) {
	type joined struct {
		name string
		text *modelLane
		last int
	}
	var names []joined
	end := func(i int) {
		out = append(out, names[i].text, names[i].text.unmarked())
		names = slices.Delete(names, i, i+1)
	}
	for _, at := range jsonStrings.FindAllSubmatchIndex(m.text, -1) {
		if at[4] < 0 || at[6] < 0 || at[3]-at[2] > maxPiece {
			continue
		}
		name, from, to := string(m.text[at[2]:at[3]]), at[6], at[7]
		long := to-from > maxPiece
		if long {
			to = from + maxPiece
		}
		i := slices.IndexFunc(names, func(j joined) bool { return j.name == name })
		if i >= 0 && (long || from-names[i].last > maxApart) {
			end(i)
			i = -1
		}
		if i < 0 {
			if len(names) == maxSlots {
				end(0)
			}
			names, i = append(names, joined{name: name, text: &modelLane{}}), len(names)
		}
		one := names[i]
		names = append(slices.Delete(names, i, i+1), one) // the newest is the last
		names[len(names)-1].last = to
		if long {
			continue
		}
		content := m.text[from:to]
		for n := 0; n < len(content); {
			took, meaning := 1, content[n:n+1]
			if content[n] == '\\' {
				if k, means, _ := backslash(content[n:], true); k > 0 {
					took, meaning = k, means
				}
			}
			for _, b := range meaning {
				one.text.add(b, m.start[from+n], m.end[from+n+took-1])
			}
			n += took
		}
	}
	for len(names) > 0 {
		end(0)
	}
	return out
}

// wrapped is a value, or an encoding of it, over lines with something before each
// piece, over fields of JSON, or with marks in it.
func (d dice) wrapped(value []byte) []byte {
	if d.IntN(3) == 0 {
		value = base64.StdEncoding.AppendEncode(nil, value)
	}
	before, after := "", pick(d, " ", "-", ", ", `","`, "\t", "\" \\\n", ".")
	lined := d.IntN(3)
	switch lined {
	case 0:
		before = pick(d, "10:00 web | ", "> ", "+", "  12  ", "7\t", "[a] \x1b[1mINFO: ", "  - \"", "data: ", "| x | ", "\x1b[> ", "\x1b]0; ", "a b ", strings.Repeat("p ", 125))
		after = pick(d, "", " |", "\" +", "\r", "  ", "\\n") + "\n" + pick(d, "", "", "\n", "\n\n\n", "\n\n\n\n\n", "::\n")
	case 1:
		name := pick(d, "delta", "text", "b")
		before, after = pick(d, "", `data: {"type":"x",`, `{"b":"c", `)+`"`+name+pick(d, `":"`, `" : "`, "\":\n\""), `"`+pick(d, "", `,"n":1`, `,"t":"e"`, `,"u\"":"e","v":"","w":"","x":""`)+"}\n\n"
	}
	most := pick(d, 1, 3, 8, 16, 70)
	var out []byte
	for len(value) > 0 {
		n := min(len(value), 1+d.IntN(most))
		piece := value[:n]
		if lined == 1 {
			text, _ := json.Marshal(string(piece))
			piece = text[1 : len(text)-1]
		}
		out = append(append(append(out, before...), piece...), after...)
		value = value[n:]
	}
	return out
}
