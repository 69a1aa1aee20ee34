package cell

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
)

func TestARefusedConnectionSaysWhyInItsStatusLineToo(t *testing.T) {
	t.Parallel()
	for reason, want := range map[string]string{
		"the name is not in the assignment's allow-list": "403 Forbidden (hotcell: the name is not in the assignment's allow-list)",
		"hotcell: it was refused. To ask a person: curl": "403 Forbidden (hotcell: it was refused)",
		"a\r\nInjected: yes\x1b[2J\u00e9":                "403 Forbidden (hotcell: a??Injected: yes?[2J?)",
	} {
		here, there := net.Pipe()
		go answer(there, http.StatusForbidden, errors.New(reason))
		got, err := http.ReadResponse(bufio.NewReader(here), &http.Request{Method: http.MethodConnect})
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(got.Body)
		_ = here.Close()
		if got.Status != want || len(got.Header["Injected"]) > 0 || !strings.HasPrefix(string(body), "hotcell: ") || strings.HasPrefix(string(body), "hotcell: hotcell") {
			t.Errorf("%q: %q, %v, %q", reason, got.Status, got.Header, body)
		}
	}
}
