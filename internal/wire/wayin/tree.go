package wayin

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
)

// maxDepth is how deep JSON and XML may be.
const maxDepth = 64

// kindJSON and kindXML are how values are escaped in them.
const (
	kindJSON = "application/json"
	kindXML  = "application/xml"
)

// jsonFields are the scalars of a JSON text, by their pointers (RFC 6901). An object
// with two members of one name, in whatever case, is read in two ways by servers.
func jsonFields(text []byte) (out []field, ok bool) {
	if !json.Valid(text) {
		return nil, false
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	t := &tree{text: text, decoder: d}
	if !t.value("", 0) {
		return nil, false
	}
	_, err := d.Token()
	return t.out, errors.Is(err, io.EOF)
}

// tree is a JSON text while it is read.
type tree struct {
	text    []byte
	decoder *json.Decoder
	out     []field
}

// value reads one value, and what is in it.
func (t *tree) value(at string, depth int) bool {
	before := int(t.decoder.InputOffset())
	token, err := t.decoder.Token()
	if err != nil || depth > maxDepth || len(t.out) > maxFields {
		return false
	}
	end := int(t.decoder.InputOffset())
	switch one := token.(type) {
	case json.Delim:
		if one == '{' {
			return t.object(at, depth)
		}
		return t.array(at, depth)
	case string:
		// What is before a value is space, a comma or a colon.
		begin := before + bytes.IndexByte(t.text[before:end], '"')
		t.out = append(t.out, field{pointer(at), []byte(one), place{begin + 1, end - 1, kindJSON}})
	default:
		// A number is where a code may go, as digits: they need no quotes.
		begin := before + len(t.text[before:end]) - len(bytes.TrimLeft(t.text[before:end], " \t\r\n,:"))
		t.out = append(t.out, field{pointer(at), t.text[begin:end], place{begin, end, ""}})
	}
	return true
}

// pointer is a field's name; that of the text as a whole is the empty pointer.
func pointer(at string) string {
	if at == "" {
		return wholeBody
	}
	return at
}

func (t *tree) object(at string, depth int) bool {
	names := map[string]bool{}
	empty := true
	for t.decoder.More() {
		token, err := t.decoder.Token()
		name, named := token.(string)
		if folded := strings.ToLower(name); err != nil || !named || names[folded] {
			return false
		} else {
			names[folded] = true
		}
		empty = false
		if !t.value(at+"/"+strings.NewReplacer("~", "~0", "/", "~1").Replace(name), depth+1) {
			return false
		}
	}
	return t.close(at, "{}", empty)
}

func (t *tree) array(at string, depth int) bool {
	n := 0
	for ; t.decoder.More(); n++ {
		if !t.value(fmt.Sprintf("%s/%d", at, n), depth+1) {
			return false
		}
	}
	return t.close(at, "[]", n == 0)
}

// close reads the end of an object or array; one that is empty is a field as well.
func (t *tree) close(at, text string, empty bool) bool {
	if empty {
		t.out = append(t.out, field{name: pointer(at), value: []byte(text)})
	}
	_, err := t.decoder.Token()
	return err == nil
}

// xmlFields are the texts of an XML document's elements that have nothing else in
// them, by their paths, and its attributes.
func xmlFields(text []byte) (out []field, ok bool) {
	d := xml.NewDecoder(bytes.NewReader(text))
	var path []string
	begin, leaf := 0, false
	for {
		before := int(d.InputOffset())
		token, err := d.RawToken()
		if errors.Is(err, io.EOF) {
			return out, len(path) == 0 && len(out) > 0
		}
		if err != nil || len(path) > maxDepth || len(out) > maxFields {
			return nil, false
		}
		switch one := token.(type) {
		case xml.Directive: // entities would make of a value what they like
			return nil, false
		case xml.StartElement:
			path = append(path, qualified(one.Name))
			begin, leaf = int(d.InputOffset()), true
			for _, a := range one.Attr {
				out = append(out, field{name: "<" + strings.Join(path, "/") + "@" + qualified(a.Name), value: []byte(a.Value)})
			}
		case xml.EndElement:
			if len(path) == 0 || path[len(path)-1] != qualified(one.Name) {
				return nil, false
			}
			if leaf {
				value, plain := unescaped(text[begin:before])
				if !plain {
					return nil, false
				}
				out = append(out, field{"<" + strings.Join(path, "/"), value, place{begin, before, kindXML}})
			}
			path, leaf = path[:len(path)-1], false
		case xml.Comment, xml.ProcInst:
			leaf = false
		}
	}
}

func qualified(n xml.Name) string {
	if n.Space == "" {
		return n.Local
	}
	return n.Space + ":" + n.Local
}

// unescaped is the text of an element; plain is false where it has more than text.
func unescaped(raw []byte) (value []byte, plain bool) {
	d := xml.NewDecoder(bytes.NewReader(raw))
	for {
		token, err := d.RawToken()
		if errors.Is(err, io.EOF) {
			return value, true
		}
		text, is := token.(xml.CharData)
		if err != nil || !is {
			return nil, false
		}
		value = append(value, text...)
	}
}
