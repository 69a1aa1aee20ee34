package standin_test

import (
	"encoding/json"
	"encoding/xml"
	"strings"
	"testing"

	"hotcell/internal/wire/standin"
)

const word, code = "Hc7_standinstandin01", "918273"

func TestAValueIsPutOnceAndEscaped(t *testing.T) {
	t.Parallel()
	value := `p"a\ss<&+%>ö`
	pairs := []standin.Pair{{StandIn: []byte(word), Value: []byte(value)}, {StandIn: []byte(code), Value: []byte("314159")}}
	for name, c := range map[string]struct{ kind, body, want string }{
		"form":                {"application/x-www-form-urlencoded", "u=a&p=" + word + "&again=" + word, "u=a&p=p%22a%5Css%3C%26%2B%25%3E%C3%B6&again=" + word},
		"JSON":                {"application/json", `{"p":"` + word + `","again":"` + word + `"}`, ""},
		"JSON as text":        {"text/plain;charset=UTF-8", `{"p":"` + word + `"}`, ""},
		"JSON without a kind": {"", ` {"p":"` + word + `"}`, ""},
		"XML":                 {"text/xml", `<p>` + word + `</p>`, ""},
		"XML as text":         {"text/plain", `<?xml version="1.0"?><p>` + word + `</p>`, ""},
		"text":                {"text/plain", "p=" + word, "p=" + value},
		"parts": {"multipart/form-data; boundary=xx", "--xx\r\nContent-Disposition: form-data; name=\"" + word + "\"\r\n\r\n" + word + "\r\n--xx\r\nContent-Disposition: form-data; name=b\r\n\r\n" + word + "\r\n--xx--\r\n",
			"--xx\r\nContent-Disposition: form-data; name=\"" + word + "\"\r\n\r\n" + value + "\r\n--xx\r\nContent-Disposition: form-data; name=b\r\n\r\n" + word + "\r\n--xx--\r\n"},
		"a code":                   {"application/x-www-form-urlencoded", "n=1918273&code=918273", "n=1918273&code=314159"},
		"digits in a form":         {"application/x-www-form-urlencoded", "r=1&d1=9&d2=1&d3=8&d4=2&d5=7&d6=3&x=9", "r=1&d1=3&d2=1&d3=4&d4=1&d5=5&d6=9&x=9"},
		"digits in a list":         {"application/json", `{"a1":5,"code":["9","1","8","2","7","3"]}`, `{"a1":5,"code":["3","1","4","1","5","9"]}`},
		"digits as numbers":        {"application/json", `{"code":[9, 1, 8, 2, 7, 3]}`, `{"code":[3, 1, 4, 1, 5, 9]}`},
		"digits by name":           {"application/json", `{"1":"9","2":"1","3":"8","4":"2","5":"7","6":"3"}`, `{"1":"3","2":"1","3":"4","4":"1","5":"5","6":"9"}`},
		"digits in another order":  {"application/json", `{"code":["1","9","8","2","7","3"]}`, `{"code":["1","9","8","2","7","3"]}`},
		"nothing of it is in here": {"application/json", `{"a":1918273}`, `{"a":1918273}`},
	} {
		got := string(standin.Put([]byte(c.body), c.kind, pairs))
		if c.want == "" {
			var in struct {
				XMLName xml.Name `json:"-"`
				P       string   `json:"p" xml:",chardata"`
				Again   string   `json:"again"`
			}
			err := json.Unmarshal([]byte(got), &in)
			if strings.Contains(name, "XML") {
				err = xml.Unmarshal([]byte(got), &in)
			}
			if err != nil || in.P != value || in.Again != "" && in.Again != word {
				t.Errorf("%s: %s, %v", name, got, err)
			}
		} else if got != c.want {
			t.Errorf("%s:\n%s\nwant\n%s", name, got, c.want)
		}
		holds := standin.Holds([]byte(c.body), c.kind, []byte(word)) || standin.Holds([]byte(c.body), c.kind, []byte(code))
		if holds != (got != c.body) {
			t.Errorf("%s: it holds a stand-in: %v", name, holds)
		}
	}
}

func FuzzPut(f *testing.F) {
	f.Add([]byte("u=a&p="+word), "application/x-www-form-urlencoded")
	f.Add([]byte(`{"code":["9","1","8","2","7","3"]}`), "application/json")
	f.Add([]byte("--x\r\n\r\n9\r\n--x\r\n\r\n1\r\n--x--"), "multipart/form-data; boundary=x")
	f.Fuzz(func(t *testing.T, body []byte, kind string) {
		before := string(body)
		for _, w := range []string{word, code} {
			got := standin.Put(body, kind, []standin.Pair{{StandIn: []byte(w), Value: []byte("314159")}})
			if string(body) != before {
				t.Fatal("what was given is changed")
			}
			if (string(got) != before) != standin.Holds(body, kind, []byte(w)) {
				t.Fatalf("%q of kind %q", body, kind)
			}
		}
	})
}
