package sensitive_test

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"hotcell/internal/value/sensitive"
)

const canary = "hc-canary-5Jq2vW"

func TestNoPrintedFormHoldsTheValue(t *testing.T) {
	t.Parallel()
	v := sensitive.New([]byte(canary))
	holder := struct {
		V sensitive.Bytes
		P *sensitive.Bytes
	}{v, &v}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%10s", "%T"} {
		fmt.Fprintf(&out, verb+"\n", v)
		fmt.Fprintf(&out, verb+"\n", holder)
	}
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "v", v, "h", holder)
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "v", v, "h", holder)
	js, err := json.Marshal(map[string]any{"v": v, "h": holder})
	if err != nil {
		t.Fatal(err)
	}
	out.Write(js)
	if err := gob.NewEncoder(&out).Encode(holder); err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(&out, fmt.Errorf("opening: %w", errors.New(fmt.Sprint(v))))
	hex := fmt.Sprintf("%x", canary)
	if s := out.String(); strings.Contains(s, canary) || strings.Contains(strings.ToLower(s), hex) {
		t.Errorf("the value was printed:\n%s", s)
	}
	if !strings.Contains(out.String(), sensitive.Redacted) {
		t.Error("nothing says [redacted]: the test printed nothing")
	}
}

func TestClearReachesEveryCopy(t *testing.T) {
	t.Parallel()
	raw := []byte(canary)
	v := sensitive.New(raw)
	other := v
	other.Clear()
	if !bytes.Equal(raw, make([]byte, len(raw))) {
		t.Error("the memory was not overwritten")
	}
	if v.Len() != 0 {
		t.Errorf("Len after Clear = %d", v.Len())
	}
	if v.Equal([]byte(canary)) {
		t.Error("a cleared value still equals the old one")
	}
}

func TestUseLendsTheValueAndReturnsTheError(t *testing.T) {
	t.Parallel()
	v := sensitive.Copy([]byte(canary))
	want := errors.New("stop")
	err := v.Use(func(b []byte) error {
		if string(b) != canary {
			t.Errorf("lent %d other bytes", len(b))
		}
		return want
	})
	if !errors.Is(err, want) {
		t.Errorf("Use = %v, want the callback's error", err)
	}
	var zero sensitive.Bytes
	if err := zero.Use(func(b []byte) error {
		if b != nil {
			t.Error("the zero Bytes lent something")
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
}
