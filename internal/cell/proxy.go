package cell

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"hotcell/internal/line/border"
)

// proxyPort is where clients that resolve by a proxy find one.
const proxyPort = 3128

// proxy serves CONNECT for clients that resolve by a proxy, and the door. Nothing
// else of what the gateway understands can be said here.
func (i *initial) proxy(ctx context.Context) error {
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(proxyPort)))
	if err != nil {
		return fmt.Errorf("listening in the cell: %w", err)
	}
	d := i.openDoor(ctx)
	border.Go("the proxy of a cell", caught, func() { accept(l, func(c net.Conn) { i.proxied(ctx, c, d) }) })
	return nil
}

func (i *initial) proxied(ctx context.Context, c net.Conn, d *door) {
	_ = c.SetReadDeadline(time.Now().Add(30 * time.Second))
	reader := bufio.NewReaderSize(c, 8192)
	if head, _ := reader.Peek(len("DELETE /")); bytes.Contains(head, []byte(" /")) {
		_ = c.SetReadDeadline(time.Time{})
		d.take(c, reader)
		return
	}
	target, err := readConnect(reader)
	_ = c.SetReadDeadline(time.Time{})
	if err != nil {
		answer(c, http.StatusForbidden, err)
		return
	}
	if guard := i.guard.Load(); guard != nil && guard.Contains([]byte(target)) {
		i.refused(target)
		answer(c, http.StatusForbidden, errors.New("the target holds one of the job's own values"))
		return
	}
	out, err := i.gateway.connect(ctx, target)
	if err != nil {
		status := http.StatusBadGateway
		if r, ok := errors.AsType[*refusal](err); ok {
			status = r.status
		}
		answer(c, status, err)
		return
	}
	_, _ = c.Write([]byte("HTTP/1.1 200 Connection established\r\n\r\n"))
	if n := reader.Buffered(); n > 0 {
		head, _ := reader.Peek(n)
		_, _ = out.Write(head)
	}
	join(c, out)
}

// answer answers what is not handed over, and ends the connection. The reason is in the
// status line too: many clients show nothing else of a proxy's answer.
func answer(c net.Conn, status int, err error) {
	reason := "hotcell: " + strings.TrimPrefix(err.Error(), "hotcell: ")
	_, _ = fmt.Fprintf(c, "HTTP/1.1 %d %s\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n%s\n", status, phrase(status, reason), reason)
	_ = closeWrite(c)
	// What is still unread would make the closing a reset, and the answer lost.
	_ = c.SetReadDeadline(time.Now().Add(time.Second))
	_, _ = io.Copy(io.Discard, io.LimitReader(c, 1<<20))
	_ = c.Close()
}

// phrase is a status line's words (RFC 9112, section 4): the status's own, and the first
// sentence of a reason, in printable ASCII.
func phrase(status int, reason string) string {
	reason, _, _ = strings.Cut(reason, ". ")
	return http.StatusText(status) + " (" + strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, reason[:min(len(reason), 200)]) + ")"
}

// maxHead is how long the head of a proxy's request may be.
const maxHead = 8192

// readConnect reads a CONNECT request and returns its target, host and port.
func readConnect(r *bufio.Reader) (string, error) {
	var target string
	for size := 0; ; {
		line, err := r.ReadSlice('\n')
		if size += len(line); err != nil || size > maxHead {
			return "", errors.New("this is no request to a proxy")
		}
		text := strings.TrimRight(string(line), "\r\n")
		switch {
		case text == "" && target != "":
			return target, nil
		case target == "":
			fields := strings.Fields(text)
			if len(fields) != 3 || fields[0] != "CONNECT" || !plainTarget(fields[1]) {
				return "", errors.New("the cell's proxy takes CONNECT for HTTPS only")
			}
			target = fields[1]
		}
	}
}

// plainTarget lets through what can be nothing but a host and a port: the
// gateway decides on it.
func plainTarget(s string) bool {
	for _, c := range []byte(s) {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && !strings.ContainsRune(".-_:[]", rune(c)) {
			return false
		}
	}
	return s != ""
}
