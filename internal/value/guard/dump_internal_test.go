package guard

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

var (
	offsets = regexp.MustCompile(`^[ \t]{0,16}(0x)?([0-9a-fA-F]{4,16})(:|[ \t])`)
	field   = regexp.MustCompile(`^(?:   ([^ \t])|    | ([0-7]{3})|  \\([0abfnrtv]))$`)
)

// dumps is each row of lines with an offset, as the model reads them.
func (m *modelLane) dumps() (out []*modelLane) {
	rows := [3]*modelLane{{}, {}, {}}
	at := 0
	for line := range bytes.SplitSeq(m.text, []byte("\n")) {
		var took [3]bool
		if head := offsets.FindSubmatchIndex(line); head != nil {
			colon := line[head[6]] == ':'
			from := head[6]
			if colon {
				from++
			}
			body := line[from:min(len(line), from+maxBody)]
			body = bytes.TrimSuffix(body, []byte("\r"))
			traced := colon && head[2] < 0 && head[5]-head[4] == 4
			for order := range 2 {
				took[order] = m.groups(rows[order], order, body, at+from, colon, traced)
			}
			switch {
			case traced && len(body) > 1:
				for i := range body[1:] {
					rows[2].add(body[i+1], m.start[at+from+i+1], m.end[at+from+i+1])
					took[2] = true
				}
			case !colon:
				took[2] = m.fields(rows[2], body, at+from)
			}
		}
		for i := range rows {
			if !took[i] {
				out, rows[i] = append(out, rows[i]), &modelLane{}
			}
		}
		at += len(line) + 1
	}
	return append(out, rows[:]...)
}

// groups reads a line's groups of digits.
func (m *modelLane) groups(row *modelLane, order int, body []byte, at int, colon, traced bool) bool {
	count, last := 0, 0
	for _, word := range regexp.MustCompile(`[^ \t]+`).FindAllIndex(body, -1) {
		text := string(body[word[0]:word[1]])
		meaning := modelGroup(text, order)
		gap := word[0] - last
		last = word[1]
		switch wide := order == 1 && len(text) < 5 && len(meaning) == 1; {
		case meaning == nil, traced && count+len(meaning) > 16:
			return count > 0
		case count == 0, gap == 1, gap == 2 && count == 8 && !colon, wide && gap <= 4:
		default:
			return count > 0
		}
		for _, c := range meaning {
			row.add(c, m.start[at+word[0]], m.end[at+len(body)-1])
		}
		count += len(meaning)
	}
	return count > 0
}

var groups = [2][]*regexp.Regexp{
	{regexp.MustCompile(`^()[0-7]{3}$`), regexp.MustCompile(`^(0x|)(?:[0-9a-fA-F]{2}){1,8}$`)},
	{regexp.MustCompile(`^()-?[0-9]{1,3}$`), regexp.MustCompile(`^(0x|)[0-7]{6}$`), regexp.MustCompile(`^(0x|)(?:[0-9a-fA-F]{4}|[0-9a-fA-F]{8}|[0-9a-fA-F]{16})$`)},
}

func modelGroup(text string, order int) []byte {
	for i, pattern := range groups[order] {
		prefix := pattern.FindStringSubmatch(text)
		if prefix == nil {
			continue
		}
		rest := strings.TrimPrefix(text, prefix[1])
		switch {
		case i == len(groups[order])-1:
			out, _ := hex.DecodeString(rest)
			if order == 1 {
				slices.Reverse(out)
			}
			return out
		case order == 0:
			if v, err := strconv.ParseUint(rest, 8, 8); err == nil {
				return []byte{byte(v)}
			}
		case i == 0:
			v, _ := strconv.Atoi(rest)
			if v >= 0 && v < 256 && rest[0] != '-' || v < 0 && v >= -128 {
				return []byte{byte(v)}
			}
		default:
			if v, err := strconv.ParseUint(rest, 8, 16); err == nil {
				return []byte{byte(v), byte(v >> 8)}
			}
		}
		return nil
	}
	return nil
}

// fields reads od's fields of four.
func (m *modelLane) fields(row *modelLane, body []byte, at int) bool {
	took := false
	for i := 0; i+4 <= len(body); i += 4 {
		read := field.FindSubmatch(body[i : i+4])
		if read == nil {
			break
		}
		c := byte(' ')
		if len(read[1]) > 0 {
			c = read[1][0]
		}
		if len(read[2]) > 0 {
			v, err := strconv.ParseUint(string(read[2]), 8, 8)
			if err != nil {
				break
			}
			c = byte(v)
		}
		if len(read[3]) > 0 {
			c = "\x00\a\b\f\n\r\t\v"[strings.IndexByte("0abfnrtv", read[3][0])]
		}
		row.add(c, m.start[at+i], m.end[at+i+3])
		took = true
	}
	return took
}

// dumped is a value in a dump, at times with a fault in it.
func (d dice) dumped(value []byte) []byte {
	width := pick(d, 4, 8, 16, 16, 32)
	offset := pick(d, "%08x  ", "%08x: ", "%07o ", "%04x: ", "\t0x%04x:  ", "0x7f%010x:\t", "%04x ", "%07x ", "%03x ", "%017x ")
	group := pick(d, "%02x ", "%02x", "%03o ", "%3d ", " %3d", "0x%02x\t", "%02x%02x ", "le", "le8", "   %c", "%c", "%06o")
	end := pick(d, "\n", "\n", "\r\n", "  |xx|\n", " zz\n", "\n*\n")
	var out []byte
	value = slices.Concat(d.of("ab", d.IntN(20)), value)
	for at := 0; at < len(value); at += width {
		piece := value[at:min(at+width, len(value))]
		out = fmt.Appendf(out, offset, at)
		for i := 0; i < len(piece); i++ {
			if i == 8 && d.IntN(2) == 0 {
				out = append(out, ' ')
			}
			switch {
			case d.IntN(100) == 0:
				out = append(out, pick(d, "-5 ", "377 ", "400 ", "0x ", "  ", "x", "\t", "\t  Q", "   \t", " 123", strings.Repeat(" ", 600))...)
			case group == "%02x%02x " && i+1 < len(piece):
				out = fmt.Appendf(out, group, piece[i], piece[i+1])
				i++
			case group == "le" && i+1 < len(piece):
				out = fmt.Appendf(out, "%02x%02x ", piece[i+1], piece[i])
				i++
			case group == "le8" && i+3 < len(piece):
				out = fmt.Appendf(out, "%02x%02x%02x%02x ", piece[i+3], piece[i+2], piece[i+1], piece[i])
				i += 3
			case group == "%06o" && i+1 < len(piece):
				out = fmt.Appendf(out, "%06o ", int(piece[i])|int(piece[i+1])<<8)
				i++
			case group[0] == 'l' || strings.Count(group, "%") > 1 || group == "%06o":
				out = fmt.Appendf(out, "%02x ", piece[i])
			default:
				out = fmt.Appendf(out, group, piece[i])
			}
		}
		out = append(out, end...)
	}
	if d.IntN(4) == 0 {
		return bytes.ReplaceAll(out, []byte("\n"), []byte(`\n`))
	}
	return slices.Concat([]byte(pick(d, "\n", "")), out)
}
