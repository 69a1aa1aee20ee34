package door

import "testing"

func TestWhatTheLogSaysOfARequest(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ method, uri, shown, want string }{
		{"GET", "/v1/items?token=secret", "", "GET /v1/items"},
		{"DELETE", "/v1/items/7", "", "DELETE /v1/items/7"},
		{"", "", "", ""},
		{"GET", "/a\x1b[2J\nb\u202ec", "", "GET /a_[2J_b_c"},
		{"GET", "/key/abcdefgh/x?y", "/key/[hotcell:billing]/x", "GET /key/[hotcell:billing]/x"},
		{"GET", "/key/abcdefgh/x", "/other/[hotcell:billing]/x", "GET a path with a value in it"},
		{"GET", "/key/abcdefgh/x", "key/[hotcell:billing]/x", "GET a path with a value in it"},
		{"GET", "/key/abcdefgh", "/key/[hotcell:billing]", "GET /key/[hotcell:billing]"},
	} {
		if got := (Target{Method: c.method, URI: c.uri, Shown: c.shown}).asked(); got != c.want {
			t.Errorf("%s %q: %q, want %q", c.method, c.uri, got, c.want)
		}
	}
}
