package client_test

import (
	"crypto/x509"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"hotcell"
	"hotcell/client"
	"hotcell/internal/control/api/apitest"
)

// cutting leads to a server by connections that are cut after some bytes of its answers, a
// number that is drawn anew for each.
func cutting(t *testing.T, random *rand.Rand, listener net.Listener, network, to string, least, most int64) {
	t.Helper()
	go func() {
		for {
			from, err := listener.Accept()
			if err != nil {
				return
			}
			n := least + random.Int64N(most-least)
			server, err := net.Dial(network, to)
			if err != nil {
				_ = from.Close()
				return
			}
			go func() { _, _ = io.Copy(server, from); _ = server.Close() }()
			go func() { _, _ = io.CopyN(from, server, n); _ = from.Close(); _ = server.Close() }()
		}
	}()
}

// A log that is followed over connections that are cut anywhere is the one that was
// written: no line is lost, and none comes twice.
func TestALogIsWholeOverConnectionsThatAreCut(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	for name, open := range map[string]func(*testing.T, *apitest.World, *rand.Rand) client.Options{
		"socket": func(t *testing.T, w *apitest.World, random *rand.Rand) client.Options {
			t.Helper()
			listener, path := listen(t)
			cutting(t, random, listener, "unix", w.Serve(t), 1, 6000)
			return client.Options{Socket: path}
		},
		"TLS": func(t *testing.T, w *apitest.World, random *rand.Rand) client.Options {
			t.Helper()
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = listener.Close() })
			address, authority := w.ServeTLS(t, bearer)
			roots := x509.NewCertPool()
			roots.AppendCertsFromPEM(authority)
			cutting(t, random, listener, "tcp", strings.TrimPrefix(address, "https://"), 4500, 14000)
			return client.Options{URL: "https://" + listener.Addr().String(), Bearer: bearer, Roots: roots}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			world := apitest.New(t)
			whole := client.New(client.Options{Socket: world.Serve(t)})
			var written []string
			for i := range 60 {
				written = append(written, fmt.Sprintf("out line %d %s", i, strings.Repeat("x", i%40)))
			}
			a, err := whole.CreateAssignment(t.Context(), "report", hotcell.Work{Command: strings.Join(written, "\n")})
			if err != nil {
				t.Fatal(err)
			}
			j, err := whole.Run(t.Context(), a.ID, nil)
			if err != nil {
				t.Fatal(err)
			}
			var got strings.Builder
			told := 0
			o := open(t, world, rand.New(rand.NewPCG(seed, 1)))
			j, err = client.New(o).Follow(t.Context(), j.ID, func(c hotcell.LogChunk) error { got.Write(c.Data); return nil }, func(error) { told++ })
			if want := strings.ReplaceAll("\n"+strings.Join(written, "\n"), "\nout ", "\n")[1:] + "\n"; err != nil || j.State != hotcell.JobSucceeded || got.String() != want {
				t.Errorf("seed %d: %v, %v: %d bytes of %d", seed, j.State, err, got.Len(), len(want))
			}
			if told != 1 {
				t.Errorf("seed %d: it was said %d times that the connection was cut", seed, told)
			}
		})
	}
}

// What a cut line leaves of an event is none, and what comes again is not handed over again.
func TestHalfAnEventIsNone(t *testing.T) {
	t.Parallel()
	const one, two, end = "id: 1\nevent: log\ndata: {\"sequence\":1}\n\n", "id: 2\nevent: log\ndata: {\"sequence\":2}\n\n", "event: end\ndata: {\"state\":\"succeeded\"}\n\n"
	for name, first := range map[string]string{
		"half a chunk": one + two[:len(two)-6], "a chunk without its end": one + two[:len(two)-1], "half an end": one + end[:len(end)-8],
		"an end without its end": one + two + end[:len(end)-1], "a name alone": one + "event: end\n", "half a name": "event: lo", "nothing": "", "comments": ":\n\n: still here\n\n" + one,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			asked := 0
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "text/event-stream")
				if asked++; asked > 1 {
					_, _ = io.WriteString(w, one+two+one+end) // more than was asked for
					return
				}
				_, _ = io.WriteString(w, first)
				_ = http.NewResponseController(w).Flush()
				panic(http.ErrAbortHandler)
			}))
			t.Cleanup(server.Close)
			var got []int64
			j, err := client.New(client.Options{URL: server.URL}).Follow(t.Context(), "job_x", func(c hotcell.LogChunk) error { got = append(got, c.Sequence); return nil })
			if err != nil || j.State != hotcell.JobSucceeded || fmt.Sprint(got) != "[1 2]" || asked != 2 {
				t.Errorf("%v, %v: %v, asked %d times", j.State, err, got, asked)
			}
		})
	}
}

// A stranger who takes the server's place meanwhile ends it, and gets no bearer again.
func TestAStrangerEndsWhatIsFollowed(t *testing.T) {
	t.Parallel()
	s := serve(t, nil, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>Pay for the wifi") })
	_, err := client.New(client.Options{URL: s.url, Roots: s.roots, Bearer: bearer, Pin: client.PinFile(filepath.Join(t.TempDir(), "p"))}).Follow(t.Context(), "job_x", func(hotcell.LogChunk) error { return nil })
	if err == nil || len(s.heard()) != 1 {
		t.Errorf("%v, asked %d times", err, len(s.heard()))
	}
}
