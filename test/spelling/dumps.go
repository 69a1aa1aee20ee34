package spelling

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
)

func dumps() []named {
	return []named{
		fixed("hexdump -C", func(v []byte) []byte { return []byte(hex.Dump(v)) }),
		text("hexdump", func(s string) string { return byLine(s, 16, "%07x ", words("%04x")) + fmt.Sprintf("%07x\n", len(s)) }),
		text("xxd", func(s string) string { return byLine(s, 16, "%08x: ", xxd) }),
		text("xxd -u -c 8", func(s string) string { return strings.ToUpper(byLine(s, 8, "%08x: ", pairs)) }),
		text("xxd -p", func(s string) string { return wrap(hex.EncodeToString([]byte(s)), 60, "\n") }),
		text("xxd -i", func(s string) string {
			return "unsigned char k[] = {\n  " + strings.Join(slices.Collect(chunked(s, 12, "0x%02x", ", ")), ",\n  ") + "\n};\n"
		}),
		text("od", func(s string) string { return byLine(s, 16, "%07o", words(" %06o")) + fmt.Sprintf("%07o\n", len(s)) }),
		text("od -x", func(s string) string { return byLine(s, 16, "%07o", words(" %04x")) + fmt.Sprintf("%07o\n", len(s)) }),
		text("od -c", func(s string) string { return byLine(s, 16, "%07o", odChars) + fmt.Sprintf("%07o\n", len(s)) }),
		text("od -t x1", func(s string) string { return byLine(s, 16, "%07o", all(" %02x")) + fmt.Sprintf("%07o\n", len(s)) }),
		text("od -An -t x1", func(s string) string { return byLine(s, 16, "", all(" %02x")) }),
		text("od -b", func(s string) string { return byLine(s, 16, "%07o", all(" %03o")) + fmt.Sprintf("%07o\n", len(s)) }),
		text("od -t d1", func(s string) string { return byLine(s, 16, "%07o", all(" %4d")) + fmt.Sprintf("%07o\n", len(s)) }),
		text("od -A x -t x1z", func(s string) string {
			return byLine(s, 16, "%06x", func(b string) string { return all(" %02x")(b) + "  >" + dots(b) + "<" }) + fmt.Sprintf("%06x\n", len(s))
		}),
		text("curl --trace", func(s string) string {
			return "=> Send data, " + fmt.Sprintf("%d bytes (0x%x)\n", len(s), len(s)) + byLine(s, 16, "%04x: ", func(b string) string { return fmt.Sprintf("%-48s", all("%02x ")(b)) + dots(b) })
		}),
		text("curl --trace-ascii", func(s string) string {
			return "=> Send data, " + fmt.Sprintf("%d bytes (0x%x)\n", len(s), len(s)) + byLine(s, 64, "%04x: ", dots)
		}),
		text("tcpdump -X", func(s string) string {
			return byLine(s, 16, "\t0x%04x:  ", func(b string) string { return fmt.Sprintf("%-39s  ", strings.TrimSpace(words2(b))) + dots(b) })
		}),
		text("gdb x/16xb", func(s string) string {
			return byLine(s, 8, "0x7ffe%08x:", all("\t0x%02x"))
		}),
	}
}

// byLine writes a text n bytes a line, each with its offset before it.
func byLine(s string, n int, offset string, line func(string) string) string {
	var out strings.Builder
	for at := 0; at < len(s); at += n {
		if offset != "" {
			fmt.Fprintf(&out, offset, at)
		}
		out.WriteString(line(s[at:min(at+n, len(s))]) + "\n")
	}
	return out.String()
}

func all(format string) func(string) string { return func(b string) string { return spell(b, format) } }

// words writes pairs of bytes as numbers, the low byte first.
func words(format string) func(string) string {
	return func(b string) string {
		var out []string
		for i := 0; i < len(b); i += 2 {
			w := int(b[i])
			if i+1 < len(b) {
				w |= int(b[i+1]) << 8
			}
			out = append(out, fmt.Sprintf(format, w))
		}
		if strings.HasPrefix(format, " ") {
			return strings.Join(out, "")
		}
		return strings.Join(out, " ")
	}
}

func words2(b string) string {
	var out strings.Builder
	for i := range len(b) {
		fmt.Fprintf(&out, "%02x", b[i])
		if i%2 == 1 {
			out.WriteByte(' ')
		}
	}
	return out.String()
}

func xxd(b string) string { return fmt.Sprintf("%-41s", words2(b)) + dots(b) }

func pairs(b string) string { return fmt.Sprintf("%-21s", words2(b)) + dots(b) }

func dots(b string) string {
	return strings.Map(func(c rune) rune {
		if c < ' ' || c > '~' {
			return '.'
		}
		return c
	}, string(latin(b)))
}

// latin has a character for each byte.
func latin(b string) []rune {
	out := make([]rune, len(b))
	for i := range len(b) {
		out[i] = rune(b[i])
	}
	return out
}

func odChars(b string) string {
	var out strings.Builder
	for i := range len(b) {
		switch c := b[i]; {
		case c == '\n':
			out.WriteString(`  \n`)
		case c == '\t':
			out.WriteString(`  \t`)
		case c < ' ' || c > '~':
			fmt.Fprintf(&out, " %03o", c)
		default:
			out.WriteString("   " + string(rune(c)))
		}
	}
	return out.String()
}

// chunked writes bytes n at a time.
func chunked(s string, n int, format, between string) func(func(string) bool) {
	return func(yield func(string) bool) {
		for at := 0; at < len(s); at += n {
			var parts []string
			for _, c := range []byte(s[at:min(at+n, len(s))]) {
				parts = append(parts, fmt.Sprintf(format, c))
			}
			if !yield(strings.Join(parts, between)) {
				return
			}
		}
	}
}
