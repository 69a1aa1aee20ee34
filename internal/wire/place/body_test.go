package place_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"mime/multipart"
	"net/url"
	"slices"
	"strings"
	"testing"

	"hotcell/internal/wire/place"
	"hotcell/test/prove"
)

const (
	formKind, jsonKind = "application/x-www-form-urlencoded", "application/json"
	partsKind          = "multipart/form-data; boundary=xx"
)

func all(string) bool { return true }

// listed are the fields as "name=text", in order.
func listed(fields []place.Field) (out []string) {
	for _, f := range fields {
		out = append(out, f.Name+"="+f.Text)
	}
	slices.Sort(out)
	return out
}

// leaves walk a value of JSON as it was decoded: the naive model of what the fields are.
func leaves(path string, deep int, v any) (out []string) {
	switch v := v.(type) {
	case map[string]any:
		for name, inner := range v {
			name = strings.ReplaceAll(name, ".", `\.`)
			if deep >= 4 || path == "" && deep > 0 {
				name = ""
			} else if path != "" && name != "" {
				name = path + "." + name
			}
			out = append(out, leaves(name, deep+1, inner)...)
		}
	case []any:
		for _, inner := range v {
			out = append(out, leaves(path, deep+1, inner)...)
		}
	default:
		if path != "" {
			out = append(out, fmt.Sprintf("%s=%v", path, v))
		}
	}
	return out
}

// random makes a value of JSON, and writes it with spaces and escapes as it likes.
func random(r *rand.Rand, deep int) any {
	words := []string{"token", "a", "b.c", `q"uote`, "ключ", "\u2028", "new\nline", "x", "0"}
	switch n := r.IntN(6); {
	case n == 0 && deep < 6:
		out := map[string]any{}
		for range r.IntN(4) {
			out[words[r.IntN(len(words))]] = random(r, deep+1)
		}
		return out
	case n == 1 && deep < 6:
		out := []any{}
		for range r.IntN(4) {
			out = append(out, random(r, deep+1))
		}
		return out
	}
	return words[r.IntN(len(words))]
}

func written(r *rand.Rand, v any) string {
	space := strings.Repeat(" \n", r.IntN(2))
	switch v := v.(type) {
	case map[string]any:
		var parts []string
		for name, inner := range v {
			parts = append(parts, written(r, name)+space+":"+space+written(r, inner))
		}
		return space + "{" + space + strings.Join(parts, ","+space) + space + "}"
	case []any:
		var parts []string
		for _, inner := range v {
			parts = append(parts, written(r, inner))
		}
		return "[" + space + strings.Join(parts, space+",") + "]" + space
	}
	text, _ := json.Marshal(v)
	if r.IntN(2) == 0 {
		text = bytes.ReplaceAll(text, []byte("t"), []byte(`\u0074`))
		text = bytes.ReplaceAll(text, []byte(`\n`), []byte("\\n"))
		if i := bytes.Index(text, []byte(`\\u0074`)); i >= 0 {
			text, _ = json.Marshal(v)
		}
	}
	return string(text)
}

// TestProveFieldsAreWhatAReaderFinds holds the fields of JSON against those of a
// decoder of the whole, over texts with any depth, spaces and escapes; and has a value
// that is put into one arrive there, and change nothing else.
func TestProveFieldsAreWhatAReaderFinds(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(4, 2))
	for range prove.Trials(20_000, 1_000_000) {
		v := random(r, 0)
		text := []byte(written(r, v))
		_, fields, err := place.Fields(text, jsonKind, all)
		want := leaves("", 0, v)
		slices.Sort(want)
		if got := listed(fields); err != nil || !slices.Equal(got, want) {
			t.Fatalf("%s: %q, want %q, %v", text, got, want, err)
		}
		if len(fields) == 0 {
			continue
		}
		f := fields[r.IntN(len(fields))]
		value := `p"a\ss` + "\n<&>ö"
		changed := slices.Concat(text[:f.From], place.Escape(place.JSON, []byte(value)), text[f.To:])
		_, after, err := place.Fields(changed, jsonKind, all)
		if err != nil || len(after) != len(fields) {
			t.Fatalf("%s: %v", changed, err)
		}
		for i := range after {
			if after[i].Name != fields[i].Name || fields[i].From == f.From && after[i].Text != value || fields[i].From != f.From && after[i].Text != fields[i].Text {
				t.Fatalf("%s: %+v", changed, after[i])
			}
		}
	}
}

func TestBodiesThatCouldBeReadInTwoWaysAreNot(t *testing.T) {
	t.Parallel()
	part := func(head, text string) string {
		return "--xx\r\n" + head + "\r\n\r\n" + text + "\r\n--xx--\r\n"
	}
	named := func(name string) string { return `Content-Disposition: form-data; name="` + name + `"` }
	for name, c := range map[string]struct{ body, kind string }{
		"two values": {`{"token":"a"} {"token":"b"}`, jsonKind}, "no end": {`{"token":"a"`, jsonKind}, "no quotes": {`{token:"a"}`, jsonKind}, "other quotes": {`{'token':'a'}`, jsonKind}, "a comma more": {`{"token":"a",}`, jsonKind}, "rubbish behind": {`{"token":"a"}x`, jsonKind},
		"a name that is none": {`{"\ud8":"a"}`, jsonKind}, "a text that is none": {`{"token":"\x41"}`, jsonKind}, "too deep": {strings.Repeat("[", 600) + strings.Repeat("]", 600), jsonKind}, "UTF-16": {"{\x00\"\x00", jsonKind}, "another charset": {`{"token":"a"}`, jsonKind + "; charset=utf-16"}, "a form's charset": {"token=a", formKind + "; charset=utf-7"},
		"no boundary": {part(named("token"), "a"), "multipart/form-data"}, "another boundary": {part(named("token"), "a"), "multipart/form-data; boundary=yy"}, "an endless part": {"--xx\r\n" + named("token") + "\r\n\r\na", partsKind}, "two names": {part(named("token")+"\r\n"+named("text"), "a"), partsKind},
		"a folded head": {part("Content-Disposition: form-data;\r\n name=\"token\"", "a"), partsKind}, "a name by spaces": {part("Content-Disposition : form-data; name=token", "a"), partsKind}, "lines without returns": {strings.ReplaceAll(part(named("token"), "a"), "\r\n", "\n"), partsKind}, "a head without an end": {"--xx\r\n" + named("token") + "\r\n--xx--\r\n", partsKind},
		"something after the boundary": {strings.Replace(part(named("token"), "a"), "--xx\r\n", "--xx \r\n", 1), partsKind}, "a name twice in one": {part(`Content-Disposition: form-data; name="a"; name="token"`, "a"), partsKind}, "an empty body": {"", jsonKind},
	} {
		if _, fields, err := place.Fields([]byte(c.body), c.kind, all); !errors.Is(err, place.ErrUnread) {
			t.Errorf("%s: %q, %v", name, listed(fields), err)
		}
	}
}

func TestFieldsOfForms(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{
		"a=b&c=d": {"a=b", "c=d"}, "%61=%62": {"a=b"}, "a=b=c": {"a=b=c"}, "a&b=": {"a=", "b="}, "a=b&&a=c": {"a=b", "a=c"}, "a+b=c+d": {"a b=c d"}, "%zz=1": {"%zz=1"}, "": nil, "a=%00": {"a=\x00"},
	} {
		form, fields, err := place.Fields([]byte(text), formKind+"; charset=UTF-8", all)
		if got := listed(fields); form != place.URLForm || err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %q, %v", text, got, err)
		}
	}
	form, fields, err := place.Fields([]byte("preamble\r\n--xx\r\nContent-Disposition: form-data; name=\"a\"\r\nContent-Type: text/plain\r\n\r\none\r\n--xx\r\ncontent-disposition: form-data; name=b; filename=c\r\n\r\n\r\n--xx--\r\nepilogue"), partsKind, all)
	if got := listed(fields); form != place.Multipart || err != nil || !slices.Equal(got, []string{"a=one", "b="}) {
		t.Errorf("parts: %q, %v", got, err)
	}
	spaced := "\n" + `{"a":1}`
	for text, want := range map[string]place.Form{`{"a":1}`: place.JSON, spaced: place.JSON, "{a}": place.None, "a=b": place.None, "": place.None} {
		if form, _, _ := place.Fields([]byte(text), "text/plain", all); form != want {
			t.Errorf("%s as text: %q", text, form)
		}
	}
}

// TestProveHeadsAreThoseOfTheWhole has bodies come in any pieces: the names are those
// that are read in the whole, and what is not read there is not read in pieces.
func TestProveHeadsAreThoseOfTheWhole(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(8, 9))
	pieces := []string{"--xx", "\r\n", "\r\n", "\r\n--xx\r\n", `Content-Disposition: form-data; name="token"`, "Content-Disposition: form-data; name= text", "content-disposition: form-data; name=\"t\\oken\"", "\r\n\r\n", "content", "-", "--", "\r\n--xx--\r\n", "\n", "--xxx", "Content-Type: a/b", " folded", "\r\n--xx\r\nContent-Disposition: form-data; name=a\r\n\r\nb"}
	read := 0
	for range prove.Trials(100_000, 3_000_000) {
		body := []byte("--xx\r\n"[:r.IntN(7)])
		for range r.IntN(12) {
			body = append(body, pieces[r.IntN(len(pieces))]...)
		}
		_, fields, err := place.Fields(body, partsKind, all)
		var names []string
		h, failed := place.NewHeads(partsKind, func(name string) bool { names = append(names, name); return false })
		for at := 0; at < len(body) && failed == nil; {
			n := min(1+r.IntN(9), len(body)-at)
			_, failed = h.Read(body[at : at+n])
			at += n
		}
		if err == nil && failed != nil {
			t.Fatalf("%q is read as a whole, and not in pieces", body)
		}
		for i, f := range fields {
			if err == nil && (i >= len(names) || names[i] != f.Name) || err == nil && len(fields) != len(names) {
				t.Fatalf("%q: %q, and in pieces %q", body, listed(fields), names)
			}
		}
		if err == nil {
			read++
		}
	}
	if read < 100 {
		t.Errorf("only %d could be read", read)
	}
	for _, head := range []string{`name="token"`, `name=token`, `name= "token"`, `NAME="token"`, `name="t\oken"`, `filename=a; name=token`, `name*=utf-8\'\'%74oken`, `x="a;b"; name="token"`} {
		h, err := place.NewHeads(partsKind, func(name string) bool { return name == "token" })
		if err != nil {
			t.Fatal(err)
		}
		name, err := h.Read([]byte("--xx\r\nContent-Disposition: form-data; " + strings.ReplaceAll(head, `\'`, "'") + "\r\n\r\nvalue"))
		if name != "token" && err == nil {
			t.Errorf("%s passes", head)
		}
	}
}

// TestADotInANameIsNoPath has a name with a dot be another place than a name within.
func TestADotInANameIsNoPath(t *testing.T) {
	t.Parallel()
	_, fields, err := place.Fields([]byte(`{"auth.token":"a","auth":{"token":"b"},"auth\\":{"token":"c"}}`), jsonKind, func(name string) bool { return name == "auth.token" })
	if got := listed(fields); err != nil || !slices.Equal(got, []string{"auth.token=b"}) {
		t.Errorf("%q, %v", got, err)
	}
	for kind, want := range map[string]place.Form{"application/json-seq": place.JSON, "application/x-json": place.JSON, "application/jsonrequest": place.JSON, "application/octet-stream": place.None} {
		if form, _, _ := place.Fields([]byte(`{"a":1}`), kind, all); form != want {
			t.Errorf("%s: %q", kind, form)
		}
	}
	if form, _, _ := place.Fields([]byte("{\"a\":1}\n{\"b\":1}\n"), "application/x-ndjson", all); form != place.None {
		t.Errorf("lines of JSON: %q", form)
	}
}

// FuzzFields holds forms and parts against the readers of the standard library, and
// JSON against its decoder, where both take a body.
func FuzzFields(f *testing.F) {
	f.Add([]byte("a=b&%61=c;d&&=x"), formKind)
	f.Add([]byte(`{"a":{"b":[1,{"c":"\u0041"}]},"a.b":true}`), jsonKind)
	f.Add([]byte(`[{"a":[]},{"a":"x"}]`), "text/plain")
	f.Add([]byte("--xx\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\none\r\n--xx--\r\n"), partsKind)
	f.Fuzz(func(t *testing.T, body []byte, kind string) {
		form, fields, err := place.Fields(body, kind, all)
		at := 0
		for _, field := range fields {
			if field.From < at || field.To < field.From || field.To > len(body) {
				t.Fatalf("%+v of %q", field, body)
			}
			at = field.To
		}
		if err != nil {
			return
		}
		switch form {
		case place.URLForm:
			values, failed := url.ParseQuery(string(body))
			n := 0
			for _, v := range values {
				n += len(v)
			}
			if failed == nil && n != len(fields) {
				t.Fatalf("%q has %d fields, and not %d", body, n, len(fields))
			}
		case place.JSON:
			var v any
			decoder := json.NewDecoder(bytes.NewReader(body))
			decoder.UseNumber()
			if decoder.Decode(&v) != nil || !json.Valid(body) {
				return // whoever takes it reads it otherwise than the standard
			}
			for _, want := range leaves("", 0, v) {
				name, _, _ := strings.Cut(want, "=")
				if strings.Contains(name, "=") || strings.ContainsRune(name, '\ufffd') {
					continue
				}
				if !slices.ContainsFunc(fields, func(f place.Field) bool { return strings.HasPrefix(f.Name+"=", name) }) {
					t.Fatalf("%q: there is no %q in %q", body, want, listed(fields))
				}
			}
		case place.Multipart:
			_, boundary := place.FormOf(kind)
			reader := multipart.NewReader(bytes.NewReader(body), boundary)
			for _, field := range fields {
				part, failed := reader.NextRawPart()
				if failed != nil {
					return // it is stricter, or laxer, about what is around
				}
				text, _ := io.ReadAll(part)
				if part.FormName() != "" && part.FormName() != field.Name || part.FormName() != "" && string(text) != field.Text {
					t.Fatalf("%q: %q is %q to others", body, field.Name+"="+field.Text, part.FormName()+"="+string(text))
				}
			}
		case place.None:
		}
	})
}
