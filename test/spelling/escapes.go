package spelling

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"math/rand/v2"
	"net/url"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
)

func numbers() []named {
	list := func(format, between, before, after string) func(string) string {
		return func(s string) string {
			parts := make([]string, len(s))
			for i := range len(s) {
				parts[i] = fmt.Sprintf(format, s[i])
			}
			return before + strings.Join(parts, between) + after
		}
	}
	return []named{
		text("hex", func(s string) string { return hex.EncodeToString([]byte(s)) }),
		text("hex in upper case", func(s string) string { return strings.ToUpper(hex.EncodeToString([]byte(s))) }),
		text("hex at half a byte", func(s string) string { return "f" + hex.EncodeToString([]byte(s)) + "0" }),
		text("hex with colons", list("%02x", ":", "", "")),
		text("hex with spaces", list("%02X", " ", "", "")),
		text("hex with colons after a line that ends in a digit", list("%02x", ":", "key of a\n", "")),
		text("hex with spaces after a line that ends in digits", list("%02x", " ", "round 3 of 123\n", "")),
		text("hex in lines of 7", func(s string) string { return wrap(hex.EncodeToString([]byte(s)), 7, "\n") }),
		text("hex in lines of 32, with a prefix each", func(s string) string {
			return "log: " + wrap(hex.EncodeToString([]byte(s)), 32, "\nlog: ")
		}),
		text("0x41, 0x42", list("0x%02x", ", ", "{", "}")),
		text("0x41,0x42 in upper case", list("0x%02X", ",", "", "")),
		text("0x41 0x42 in lines of 8", func(s string) string {
			var out strings.Builder
			for i := range len(s) {
				fmt.Fprintf(&out, "0x%02x,", s[i])
				if i%8 == 7 {
					out.WriteString("\n  ")
				}
			}
			return out.String()
		}),
		text("an array of decimals", list("%d", ",", "[", "]")),
		text("an array of decimals with spaces", list("%d", ", ", "[", "]")),
		text("Go's %v of bytes", list("%d", " ", "[", "]")),
		text("decimals in lines", list("%d", ",\n  ", "[\n  ", "\n]")),
		text("Node's Buffer", list("%02x", " ", "<Buffer ", ">")),
		text("Node's Buffer in JSON", list("%d", ",", `{"type":"Buffer","data":[`, "]}")),
		text("signed decimals", func(s string) string {
			parts := make([]string, len(s))
			for i := range len(s) {
				parts[i] = strconv.Itoa(int(int8(s[i])))
			}
			return "[" + strings.Join(parts, ", ") + "]"
		}),
		text("an array of octals", list("%03o", " ", "", "")),
		text("an array of octals with 0o", list("0o%o", ", ", "[", "]")),
		text("bits", list("%08b", " ", "", "")),
	}
}

func escapes() []named {
	some := func(every int, write func(rune) string, others func(string) string) func(string) string {
		return func(s string) string {
			var out strings.Builder
			n := 0
			for _, c := range s {
				if n%every == 0 {
					out.WriteString(write(c))
				} else {
					out.WriteString(others(string(c)))
				}
				n++
			}
			return out.String()
		}
	}
	json := func(c string) string { return strings.TrimSuffix(strings.TrimPrefix(quoted(c), `"`), `"`) }
	u4 := func(c rune) string {
		if c >= 0x10000 {
			high, low := utf16.EncodeRune(c)
			return fmt.Sprintf(`\u%04x\u%04X`, high, low)
		}
		return fmt.Sprintf(`\u%04x`, c)
	}
	u8 := func(c rune) string { return fmt.Sprintf(`\U%08x`, c) }
	brace := func(c rune) string { return fmt.Sprintf(`\u{%x}`, c) }
	return []named{
		text("percent, all", func(s string) string { return spell(s, "%%%02x") }),
		text("percent, a query", url.QueryEscape),
		text("percent, a path", url.PathEscape),
		text("percent, twice", func(s string) string { return spell(s, "%%25%02X") }),
		text("percent, three times", func(s string) string { return spell(s, "%%2525%02X") }),
		text("JSON", quoted),
		text("JSON, all by \\u", some(1, u4, json)),
		text("JSON, some by \\u", some(3, u4, json)),
		text("JSON in JSON", func(s string) string { return quoted(quoted(s)) }),
		text("JSON in JSON in JSON", func(s string) string { return quoted(quoted(quoted(s))) }),
		text("\\U0001f511, all", some(1, u8, json)),
		text("\\U0001f511, what is not ASCII", func(s string) string {
			q := strconv.QuoteToASCII(s)
			return q[1 : len(q)-1]
		}),
		text("\\u{41}, all", some(1, brace, json)),
		text("\\x41, all", func(s string) string { return spell(s, `\x%02x`) }),
		text("\\101, all", func(s string) string { return spell(s, `\%03o`) }),
		text("entities, decimal", func(s string) string { return runes(s, "&#%d;") }),
		text("entities, hex", func(s string) string { return runes(s, "&#x%X;") }),
		text("entities, decimal without a semicolon", func(s string) string { return runes(s, "&#%d") }),
		text("entities, hex without a semicolon", noSemicolon),
		text("entities, with zeros before", func(s string) string { return runes(s, "&#%07d;") }),
		text("entities, some", some(4, func(c rune) string { return fmt.Sprintf("&#%d;", c) }, html.EscapeString)),
		text("HTML", html.EscapeString),
		text("HTML in JSON", func(s string) string { return quoted(html.EscapeString(s)) }),
		text("XML", func(s string) string {
			return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&apos;").Replace(s)
		}),
		text("CSS", func(s string) string { return runes(s, `\%06x`) }),
	}
}

// noSemicolon ends hex entities by the next one's beginning.
func noSemicolon(s string) string {
	return runes(s, "&#x%x") + " "
}

func quotings() []named {
	replaced := func(pairs ...string) func(string) string { return strings.NewReplacer(pairs...).Replace }
	surround := func(around string, write func(string) string) func(string) string {
		return func(s string) string { return around + write(s) + around }
	}
	return []named{
		text("Go's %q", strconv.Quote),
		text("Go's %+q", strconv.QuoteToASCII),
		text("shell's printf %q", func(s string) string { return shellWord(s, false) }),
		text("a backslash before all that is no letter", func(s string) string { return shellWord(s, true) }),
		text("shell, '\\'' within quotes", surround("'", replaced("'", `'\''`))),
		text("shell, '\"'\"' within quotes", surround("'", replaced("'", `'"'"'`))),
		text("shell, double quotes", surround(`"`, replaced(`"`, `\"`, `\`, `\\`, "$", `\$`, "`", "\\`"))),
		text("shell, $'…'", func(s string) string { return "$'" + replaced(`\`, `\\`, "'", `\'`, "\n", `\n`)(s) + "'" }),
		text("CSV", surround(`"`, replaced(`"`, `""`))),
		text("CSV in CSV", surround(`"""`, replaced(`"`, `""""`))),
		text("SQL", surround("'", replaced("'", "''"))),
		text("SQL with backslashes", surround("'", replaced("'", `\'`, `\`, `\\`))),
		text("YAML, single quotes", surround("'", replaced("'", "''"))),
		text("Python's repr of bytes", pythonBytes),
		text("JavaScript, single quotes", surround("'", replaced("'", `\'`, `\`, `\\`, "\n", `\n`))),
		text("PowerShell", surround(`"`, replaced(`"`, "`\"", "$", "`$", "`", "``"))),
		text("cmd", func(s string) string {
			return replaced("^", "^^", "&", "^&", "|", "^|", "<", "^<", ">", "^>", "%", "%%")(s)
		}),
		text("TOML in JSON", func(s string) string { return quoted("key = " + quoted(s)) }),
		text("a regular expression", func(s string) string {
			return strings.NewReplacer(".", `\.`, "+", `\+`, "*", `\*`, "?", `\?`, "(", `\(`, ")", `\)`, "[", `\[`, "]", `\]`, "{", `\{`, "}", `\}`, "^", `\^`, "$", `\$`, "|", `\|`, `\`, `\\`).Replace(s)
		}),
	}
}

// shellWord puts a backslash before what a shell would read.
func shellWord(s string, all bool) string {
	if strings.Contains(s, "\n") && !all {
		return "$'" + strings.NewReplacer(`\`, `\\`, "'", `\'`, "\n", `\n`).Replace(s) + "'"
	}
	var out strings.Builder
	for _, c := range s {
		if c < 0x80 && c != '\n' && !unicode.IsLetter(c) && !unicode.IsDigit(c) && (all || !strings.ContainsRune("_-./:@+=", c)) {
			out.WriteByte('\\')
		}
		out.WriteRune(c)
	}
	return out.String()
}

func pythonBytes(s string) string {
	var out strings.Builder
	out.WriteString("b'")
	for i := range len(s) {
		switch c := s[i]; {
		case c == '\'' || c == '\\':
			out.WriteString(`\` + string(rune(c)))
		case c == '\n':
			out.WriteString(`\n`)
		case c < 0x20 || c >= 0x7f:
			fmt.Fprintf(&out, `\x%02x`, c)
		default:
			out.WriteByte(c)
		}
	}
	return out.String() + "'"
}

func broken() []named {
	at := func(what string) func([]byte, *rand.Rand) []byte {
		return func(v []byte, r *rand.Rand) []byte {
			all := []rune(string(v))
			n := 1 + r.IntN(len(all)-1)
			return []byte(string(all[:n]) + what + string(all[n:]))
		}
	}
	between := func(what string) func([]byte, *rand.Rand) []byte {
		return func(v []byte, _ *rand.Rand) []byte { return []byte(strings.Join(strings.Split(string(v), ""), what)) }
	}
	out := []named{
		{"one line break", at("\n")}, {"one line break and blanks", at("\r\n    ")}, {"one line break of JSON", at(`\n`)},
		{"a colour", at("\x1b[1;31m")}, {"a colour for each character", between("\x1b[32m")}, {"a title of a terminal", at("\x1b]0;t\a")}, {"a link of a terminal", at("\x1b]8;;x\x1b\\")},
		{"one space", at(" ")}, {"one NUL", at("\x00")}, {"one tab", at("\t")},
		{"a space between all", between(" ")}, {"a NUL between all", between("\x00")}, {"a hyphen between all", between("-")}, {"a comma between all", between(", ")}, {"a line each", between("\n")}, {"quotes and commas", between(`","`)},
	}
	for _, c := range []struct {
		name string
		what rune
	}{
		{"zero-width space", 0x200b}, {"zero-width joiner", 0x200d}, {"word joiner", 0x2060}, {"byte order mark", 0xfeff}, {"soft hyphen", 0xad}, {"variation selector 16", 0xfe0f}, {"variation selector 17", 0xe0100}, {"right-to-left mark", 0x200f}, {"an override of direction", 0x202e}, {"an isolate", 0x2066}, {"Arabic letter mark", 0x61c}, {"Mongolian vowel separator", 0x180e}, {"a tag", 0xe0041}, {"interlinear annotation", 0xfff9}, {"combining grapheme joiner", 0x34f}, {"Hangul filler", 0x3164}, {"a shorthand control", 0x1bca0}, {"a musical control", 0x1d173},
	} {
		out = append(out, named{c.name, at(string(c.what))}, named{c.name + " between all", between(string(c.what))})
	}
	return append(out, named{"escapes and a break", func(v []byte, r *rand.Rand) []byte {
		inner, _ := json.Marshal(string(v)) // strings are always written
		return at("\n")(inner, r)
	}})
}
