package server_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
)

// Who comes when there are too many is told so at once, and who came before goes on.
func TestNewWorkIsRefusedBeforeItHurtsOld(t *testing.T) {
	t.Parallel()
	c := config(t)
	socket := door(t, &c)
	c.Requests = 3
	begun, end := make(chan struct{}), make(chan struct{})
	run(t, c, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/long" {
			begun <- struct{}{}
			<-end
		}
		_, _ = io.WriteString(w, "done")
	}))
	client := local(socket)
	get := func(path string) (int, string) {
		answer, err := client.Get("http://localhost" + path)
		if err != nil {
			return 0, err.Error()
		}
		defer func() { _ = answer.Body.Close() }()
		text, _ := io.ReadAll(answer.Body)
		return answer.StatusCode, string(text) + answer.Header.Get("Retry-After")
	}
	old := make(chan int)
	for range 3 {
		go func() { status, _ := get("/long"); old <- status }()
		<-begun
	}
	if status, text := get("/more"); status != 503 || !strings.Contains(text, `"busy"`) || !strings.HasSuffix(text, "1") {
		t.Errorf("one more: %d %s", status, text)
	}
	for _, path := range []string{"/healthz", "/readyz"} {
		if status, text := get(path); status != 200 {
			t.Errorf("%s: %d %s", path, status, text)
		}
	}
	close(end)
	for range 3 {
		if status := <-old; status != 200 {
			t.Errorf("one that was under way: %d", status)
		}
	}
	if status, text := get("/more"); status != 200 {
		t.Errorf("after them: %d %s", status, text)
	}
}

// Connections that are held for nothing go for those that come; one with a request stays.
func TestConnectionsThatRestMakeRoom(t *testing.T) {
	t.Parallel()
	c := config(t)
	socket := door(t, &c)
	c.Connections = 8
	begun, end := make(chan struct{}), make(chan struct{})
	run(t, c, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/long" {
			close(begun)
			<-end
		}
		_, _ = io.WriteString(w, "done")
	}))
	dial := func() net.Conn {
		conn, err := net.Dial("unix", socket)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		return conn
	}
	long := dial()
	_, _ = io.WriteString(long, "GET /long HTTP/1.1\r\nHost: a\r\n\r\n")
	<-begun
	for range 100 {
		dial()
	}
	for range 20 {
		conn := dial()
		_, _ = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil || answer.StatusCode != http.StatusOK {
			t.Fatalf("a new one: %v", err)
		}
	}
	close(end)
	answer, err := http.ReadResponse(bufio.NewReader(long), nil)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Errorf("the one with a request: %v", err)
	}
}
