package guard

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"unicode/utf16"
	"unicode/utf8"
)

// nested are the forms of a value that was written in one way and then in base64, as
// configurations, payloads of JWTs and encoded commands have it: base64 of base64 at
// each offset of either, of UTF-16, of hex, and of a string of JSON where that is not
// the value itself. Values longer than most are left out.
func nested(value []byte) (out []form) {
	if len(value) > wholeSpelling {
		return nil
	}
	inner := [][]byte{wide(value), []byte(hex.EncodeToString(value))}
	if !ascii(value) && utf8.Valid(value) {
		inner[0] = inUTF16(value, binary.LittleEndian) // as commands for PowerShell have it
	}
	for _, f := range inBase64(nil, value) {
		inner = append(inner, f.text)
	}
	for _, text := range distinct(append(inner, inJSON(value)...)) {
		out = inBase64(out, text)
		clear(text)
	}
	return slices.DeleteFunc(out, func(f form) bool { return len(f.text) < minLength })
}

// distinct leaves out what is there already.
func distinct(texts [][]byte) [][]byte {
	slices.SortFunc(texts, bytes.Compare)
	return slices.CompactFunc(texts, bytes.Equal)
}

// inJSON are the ways in which a string of JSON has a value, where it has escapes:
// as Go writes it, as most others do, and in ASCII alone as Python does.
func inJSON(value []byte) (out [][]byte) {
	if !utf8.Valid(value) {
		return nil
	}
	escaped, err := json.Marshal(string(value))
	if err != nil {
		return nil
	}
	var plain bytes.Buffer
	w := json.NewEncoder(&plain)
	w.SetEscapeHTML(false)
	if err := w.Encode(string(value)); err != nil {
		return nil
	}
	most := bytes.TrimSuffix(plain.Bytes(), []byte("\n"))
	for _, text := range [][]byte{escaped, most, inASCII(most)} {
		if text = text[1 : len(text)-1]; !bytes.Equal(text, value) {
			out = append(out, text)
		}
	}
	return distinct(out)
}

// inASCII writes all that is not ASCII as \uXXXX.
func inASCII(text []byte) (out []byte) {
	for _, r := range string(text) {
		if r < utf8.RuneSelf {
			out = append(out, byte(r))
			continue
		}
		for _, unit := range utf16.AppendRune(nil, r) {
			out = fmt.Appendf(out, `\u%04x`, unit)
		}
	}
	return out
}
