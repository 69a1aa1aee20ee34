package api

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestJSONIsReadInOneWayOnly(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]error{
		`{"name":"x","work":{"command":"y"}}`:                  nil,
		`{"values":{"a":"1","A":"2"},"name":"x"}`:              nil, // variables differ by case
		`{"rename":{"a":"b","A":"B"}}`:                         nil,
		`{"work":{"environment":{"path":"1","Path":"2"}}}`:     nil,
		`{"a":"\ud83d\ude00","b":"\\ud800","c":"\u00e9\\"}`:    nil,
		`{"name":"x","name":"y"}`:                              errTwice,
		`{"name":"x","na\u006de":"y"}`:                         errTwice,
		`{"name":"x","Name":"y"}`:                              errTwice,
		`{"work":{"command":"x","COMMAND":"y"}}`:               errTwice,
		`{"variables":[{"sealed":"x","\u017fealed":"y"}]}`:     errTwice, // a long s
		`{"work":{"disk":1,"dis\u212a":2}}`:                    errTwice, // the sign of kelvin
		`{"values":{"A":"1","A":"2"}}`:                         errTwice,
		`{"VALUES":{"a":"1","A":"2"},"name":"x"}`:              nil,
		`{"a":"\ud800"}`:                                       errUnicode,
		`{"a":"\ude00\ud83d"}`:                                 errUnicode,
		`{"a":"\ud83dx"}`:                                      errUnicode,
		`{"a":"\ud83d\n"}`:                                     errUnicode,
		"{\"a\":\"\xff\"}":                                     errUnicode,
		`{"a":1}{"a":1}`:                                       errJSON,
		`{"a":1} x`:                                            errJSON,
		`{"a":}`:                                               errJSON,
		`{1:2}`:                                                errJSON,
		`{"a":1`:                                               errJSON,
		``:                                                     errJSON,
		strings.Repeat("[", 32) + strings.Repeat("]", 32):      nil,
		strings.Repeat("[", 33) + strings.Repeat("]", 33):      errDeep,
		strings.Repeat(`{"a":`, 9999) + strings.Repeat("}", 9): errDeep,
	} {
		if err := checkJSON([]byte(text)); !errors.Is(err, want) {
			t.Errorf("%.60s: %v, want %v", text, err, want)
		}
	}
}

// What is let through means the same to a reader who keeps the names as they
// are and to one who folds them, and no text of it is changed on its way.
func FuzzStrictJSON(f *testing.F) {
	for _, seed := range []string{`{"name":"x","values":{"K":"\ud83d\ude00","k":"\\u"}}`, `{"ſ":1,"S":2}`, `[{"a":[]},1e9,null]`, `"\ud800"`, "\"\xff\""} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var exact any
		if strictJSON.Unmarshal(data, &exact) != nil {
			return
		}
		var work struct {
			Name    string            `json:"name"`
			Sealed  string            `json:"sealed"`
			Disk    string            `json:"disk"`
			Values  map[string]string `json:"values"`
			Command string            `json:"command"`
		}
		members, isObject := exact.(map[string]any)
		if !isObject || json.Unmarshal(data, &work) != nil {
			return
		}
		for name, bound := range map[string]string{"name": work.Name, "sealed": work.Sealed, "disk": work.Disk, "command": work.Command} {
			found := 0
			for member, value := range members {
				if fold(member) != fold(name) {
					continue
				}
				if found++; value != nil && value != bound {
					t.Errorf("%q is %q to one reader and %q to the other", name, value, bound)
				}
			}
			if found > 1 || found == 0 && bound != "" {
				t.Errorf("%q is there %d times", name, found)
			}
		}
		for _, value := range work.Values {
			if strings.ContainsRune(value, utf8.RuneError) && !strings.Contains(string(data), "\ufffd") && !strings.Contains(strings.ToLower(string(data)), `\ufffd`) {
				t.Errorf("%q was changed on its way", data)
			}
		}
	})
}
