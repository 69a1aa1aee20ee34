package audit_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"hotcell"
	"hotcell/internal/store/audit"
)

const ws = hotcell.WorkspaceID("wsp_01jd0000000000000000000000")

func full(i int) hotcell.Event {
	return hotcell.Event{
		Workspace: ws, At: time.Date(2026, 11, 1, 12, 0, i, 123456789, time.UTC),
		Kind: "secret.use", Decision: hotcell.Allowed, Reason: "because", Member: "mem_1", Via: "local",
		Job: "job_1", Assignment: "asg_1", Credential: "sec_1", Version: 3, Name: "billing",
		Host: "api.acme.test:443", Request: "req_1", Size: 10, Duration: 20,
	}
}

func chain(t testing.TB, n int) []hotcell.Event {
	t.Helper()
	head, out := audit.Start(ws), make([]hotcell.Event, n)
	for i := range out {
		var err error
		if out[i], head, err = head.Add(full(i)); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

func verify(events []hotcell.Event) (audit.Head, error) {
	v := audit.NewVerifier(ws)
	for _, e := range events {
		if err := v.Next(e); err != nil {
			return v.Head(), err
		}
	}
	return v.Head(), nil
}

func TestChainThatFits(t *testing.T) {
	t.Parallel()
	events := chain(t, 5)
	head, err := verify(events)
	if err != nil || head.Sequence != 5 {
		t.Fatalf("verify = %v, %v", head, err)
	}
	v := audit.NewVerifier(ws)
	if err := v.End(audit.Start(ws)); err != nil {
		t.Errorf("an empty log against an empty head: %v", err)
	}
}

// Every field is changed in turn; a field that is added to Event and forgotten
// in Encode fails here.
func TestEveryFieldIsCovered(t *testing.T) {
	t.Parallel()
	kind := reflect.TypeFor[hotcell.Event]()
	for i := range kind.NumField() {
		events := chain(t, 3)
		change(t, reflect.ValueOf(&events[1]).Elem().Field(i))
		var broken *audit.BrokenError
		if _, err := verify(events); !errors.As(err, &broken) || broken.Sequence != 2 {
			t.Errorf("changed %s: verify = %v, want a break at 2", kind.Field(i).Name, err)
		}
	}
}

func change(t *testing.T, field reflect.Value) {
	t.Helper()
	switch v := field.Addr().Interface().(type) {
	case *time.Time:
		*v = v.Add(time.Nanosecond)
	case *[]byte:
		(*v)[31] ^= 1
	default:
		switch field.Kind() {
		case reflect.String:
			field.SetString(field.String() + "x")
		case reflect.Int, reflect.Int64:
			field.SetInt(field.Int() + 1)
		default:
			t.Fatalf("a field of kind %v: say here how to change it", field.Kind())
		}
	}
}

// Text that moves over the border of two fields is another event.
func TestFieldsDoNotRunTogether(t *testing.T) {
	t.Parallel()
	one, two := full(0), full(0)
	one.Sequence, two.Sequence = 1, 1
	one.Name, one.Host = "ab", "c"
	two.Name, two.Host = "a", "bc"
	a, err := audit.Encode(one)
	if err != nil {
		t.Fatal(err)
	}
	b, err := audit.Encode(two)
	if err != nil {
		t.Fatal(err)
	}
	if string(a) == string(b) {
		t.Error("two events have the same bytes")
	}
	if audit.Link([32]byte{}, a) == audit.Link([32]byte{1}, a) {
		t.Error("the hash does not cover the event before")
	}
	if audit.Genesis("a") == audit.Genesis("b") {
		t.Error("two workspaces begin alike")
	}
}

func TestEncodeRefusesWhatJSONWouldChange(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(*hotcell.Event){
		"not UTF-8":      func(e *hotcell.Event) { e.Host = "a\xff" },
		"no workspace":   func(e *hotcell.Event) { e.Workspace = "" },
		"no kind":        func(e *hotcell.Event) { e.Kind = "" },
		"no sequence":    func(e *hotcell.Event) { e.Sequence = 0 },
		"year 10000":     func(e *hotcell.Event) { e.At = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) },
		"a text too big": func(e *hotcell.Event) { e.Reason = strings.Repeat("a", audit.MaxText+1) },
	} {
		e := full(0)
		e.Sequence = 1
		spoil(&e)
		if _, err := audit.Encode(e); !errors.Is(err, hotcell.ErrInvalid) {
			t.Errorf("%s: Encode = %v, want ErrInvalid", name, err)
		}
	}
}

func TestZoneIsNoPartOfTheEvent(t *testing.T) {
	t.Parallel()
	there := full(0)
	there.At = there.At.In(time.FixedZone("there", 3600))
	a, _, err := audit.Start(ws).Add(full(0))
	if err != nil {
		t.Fatal(err)
	}
	b, _, err := audit.Start(ws).Add(there)
	if err != nil || string(a.Hash) != string(b.Hash) {
		t.Errorf("the same instant in two zones has two hashes (%v)", err)
	}
}
