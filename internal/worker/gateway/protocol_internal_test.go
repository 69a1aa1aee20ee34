package gateway

import "testing"

func FuzzOpening(f *testing.F) {
	f.Add([]byte{22, 3, 1, 0, 5, 1, 0, 0, 1, 0})
	f.Add([]byte("GET / HTTP/1.1\r\n\r\n"))
	f.Add([]byte{0, 0, 0, 8, 4, 210, 22, 47})
	f.Fuzz(func(t *testing.T, b []byte) {
		for name, check := range map[string]func([]byte, string) verdict{"TLS": checkTLS, "PostgreSQL": checkPostgres} {
			// What was decided on the first bytes stays so, whatever follows.
			for n := range b {
				first, whole := check(b[:n], "api.acme.test"), check(b, "api.acme.test")
				if !first.more && first != whole {
					t.Fatalf("%s: %+v after %d bytes, %+v after %d", name, first, n, whole, len(b))
				}
			}
		}
	})
}
