package schema_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"hotcell/internal/catalog/connector/schema"
)

func TestNamesThatAnotherReaderTakesForOthers(t *testing.T) {
	t.Parallel()
	s, err := schema.Read([]byte(`{"properties":{
		"subject":{"type":"string"}, "kind":{}, "channel_id":{}, "channelid":{},
		"message":{"properties":{"to":{}},"additionalProperties":true},
		"list":{"items":{"properties":{"to":{}}}},
		"either":{"anyOf":[{"properties":{"a":{}}},{"properties":{"b":{}}}]},
		"map":{"additionalProperties":{"properties":{"to":{}}}}, "free":{},
		"typed":{"properties":{"a":{}},"patternProperties":{"^x-":{}}}
	},"additionalProperties":true}`), schema.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for arguments, want := range map[string]string{
		`{"subject":"#ops","kind":"x","channel_id":1,"channelid":2}`: "",
		`{"subject":"#ops","\u017fubject":"#general"}`:               "/ unnamed",
		`{"subject":"#ops","Subject":"#general"}`:                    "/ unnamed",
		`{"kind":1,"\u212aind":2}`:                                   "/ unnamed",
		`{"else":1}`:                                                 "/ unnamed",
		`{"message":{"to":"a"}}`:                                     "",
		`{"message":{"to":"a","cc":"b"}}`:                            "/message unnamed",
		`{"message":{"to":"a","To":"b"}}`:                            "/message unnamed",
		`{"list":[{"to":1},{"to":1,"TO":2}]}`:                        "/list/1 unnamed",
		`{"either":{"a":1,"b":2}}`:                                   "",
		`{"either":{"a":1,"c":2}}`:                                   "/either unnamed",
		`{"map":{"x":{"to":1},"y":{"to":2}}}`:                        "",
		`{"map":{"x":{},"X":{}}}`:                                    "/map alike",
		`{"map":{"x":{"cc":1}}}`:                                     "/map unnamed",
		`{"free":{"a":{"b":[{"stra\u00dfe":1,"STRASSE":2}]}}}`:       "/free/0 alike",
		`{"free":{"\uff53ubject":1,"subject":2}}`:                    "/free alike",
		`{"free":{"i":1,"\u0131":2}}`:                                "/free alike",
		`{"free":{"i":1,"\u0130":2}}`:                                "/free alike",
		`{"free":{"caf\u00e9":1,"cafe\u0301":2}}`:                    "/free alike",
		`{"free":{"to":1,"t\u200bo":2}}`:                             "/free alike",
		`{"free":{"to":1,"to ":2}}`:                                  "/free alike",
		`{"free":{"to":1,"to\u0000":2}}`:                             "/free alike",
		`{"free":{"\ufb01x":1,"fix":2}}`:                             "/free alike",
		`{"free":{"a_b":1,"ab":2}}`:                                  "",
		`{"typed":{"a":1,"x-y":2}}`:                                  "",
		`{"typed":{"a":1,"X-y":2}}`:                                  "/typed unnamed",
	} {
		var v any
		if err := json.Unmarshal([]byte(arguments), &v); err != nil {
			t.Fatal(err)
		}
		got := ""
		if fault, ok := errors.AsType[*schema.Fault](s.Exact(t.Context(), v)); ok {
			got = "/" + strings.Join(fault.Path, "/") + " " + fault.Keyword
		}
		if got != want {
			t.Errorf("%s: %q, want %q", arguments, got, want)
		}
	}
	if names, closed := s.Names(); len(names) != 10 || closed {
		t.Errorf("it names %v, %v", names, closed)
	}
	if names, _ := s.Names("either"); strings.Join(names, " ") != "a b" {
		t.Errorf("of either, it names %v", names)
	}
}

func TestMuchIsNotLookedThroughForNames(t *testing.T) {
	t.Parallel()
	s, err := schema.Read([]byte(`{"properties":{"a":{"items":{"anyOf":[`+strings.Repeat(`{"type":"string"},`, 900)+`{}]}}}}`), schema.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Exact(t.Context(), map[string]any{"a": make([]any, 100_000)}); !errors.Is(err, schema.ErrMuch) {
		t.Errorf("got %v", err)
	}
}
