package spelling

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"strings"
)

func streams() []named {
	coded := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	each := func(lines []string, format string) string {
		var out strings.Builder
		for i, line := range lines {
			fmt.Fprintf(&out, strings.ReplaceAll(format, "#", fmt.Sprint(i+10)), line)
		}
		return out.String()
	}
	cut := func(s string, n int) []string { return strings.Split(wrap(s, n, "\x00\x00"), "\x00\x00") }
	lined := func(name, format string) named {
		return text(name, func(s string) string { return each(cut(coded(s), 16), format) })
	}
	return []named{
		lined("base64 in lines with a time", "2026-11-30T10:00:#.123Z %s\n"),
		lined("base64 in lines with a time and a level", "2026-11-30 10:00:# INFO app[12]: %s\r\n"),
		lined("base64 in lines quoted with >", "> %s\n"),
		lined("base64 in lines quoted with |", "| %s\n"),
		lined("base64 in lines with numbers", "  #  %s\n"),
		lined("base64 in lines of a diff", "+%s\n"),
		lined("base64 in a table", "| x | %s |\n"),
		lined("base64 in strings that are joined", "  \"%s\" +\n"),
		lined("base64 in a list of YAML", "  - %s\n"),
		lined("base64 in lines of a container's log", `{"log":"%s\n","stream":"stdout","time":"2026-11-30T10:00:#Z"}`+"\n"),
		text("characters in lines with a time", func(s string) string { return each(cut(hex.EncodeToString([]byte(s)), 16), "10:00:# web | %s\n") }),
		{"a value in lines with a prefix", func(v []byte, _ *rand.Rand) []byte {
			return []byte(each(pieces(string(v), 8), "app-1  | %s\n"))
		}},
		events("deltas of events", `data: {"delta":%s}`+"\n\n"),
		events("deltas of chat completions", `data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":17#,"model":"m","choices":[{"index":0,"delta":{"content":%s},"logprobs":null,"finish_reason":null}]}`+"\n\n"),
		events("deltas of messages", "event: content_block_delta\n"+`data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":%s}}`+"\n\n"),
		events("deltas of a tool's input", "event: content_block_delta\n"+`data: {"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":%s}}`+"\n\n"),
		events("deltas in lines of JSON", `{"model":"m","created_at":"2026-11-30T10:00:#Z","response":%s,"done":false}`+"\n"),
		{"deltas of plain events", func(v []byte, _ *rand.Rand) []byte { return []byte(each(pieces(string(v), 3), "data: %s\n\n")) }},
	}
}

// pieces cuts a text after each n characters.
func pieces(s string, n int) (out []string) {
	for all := []rune(s); len(all) > 0; {
		k := min(n, len(all))
		out, all = append(out, string(all[:k])), all[k:]
	}
	return out
}

// events writes a value over events, up to four characters in each.
func events(name, format string) named {
	return named{name, func(v []byte, r *rand.Rand) []byte {
		var out strings.Builder
		all := []rune(string(v))
		for i := 10; len(all) > 0; i++ {
			n := min(1+r.IntN(4), len(all))
			fmt.Fprintf(&out, strings.ReplaceAll(format, "#", fmt.Sprint(i)), quoted(string(all[:n])))
			all = all[n:]
		}
		return []byte(out.String())
	}}
}
