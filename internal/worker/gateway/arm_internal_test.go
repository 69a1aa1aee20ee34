package gateway

import (
	"net/http"
	"testing"
)

// Only a page of the site itself has values put onto what it sends.
func TestWhoseRequestItIs(t *testing.T) {
	t.Parallel()
	to := &target{host: "shop.example", port: 8443}
	for _, c := range []struct {
		headers []string
		own     bool
	}{
		{nil, false},
		{[]string{"Sec-Fetch-Site", "same-origin"}, true},
		{[]string{"Sec-Fetch-Site", "same-origin", "Origin", "null"}, true}, // without a referrer
		{[]string{"Origin", "https://shop.example:8443"}, true},
		{[]string{"Sec-Fetch-Site", "same-site"}, false},
		{[]string{"Sec-Fetch-Site", "cross-site", "Origin", "https://shop.example:8443"}, false}, // sent on by another
		{[]string{"Sec-Fetch-Site", "none"}, false},
		{[]string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Site", "same-origin"}, false},
		{[]string{"Origin", "null"}, false},
		{[]string{"Origin", "https://shop.example"}, false},
		{[]string{"Origin", "http://shop.example:8443"}, false},
		{[]string{"Origin", "https://evil.example:8443"}, false},
		{[]string{"Origin", "https://shop.example:8443", "Origin", "https://evil.example"}, false},
	} {
		h := http.Header{}
		for i := 0; i < len(c.headers); i += 2 {
			h.Add(c.headers[i], c.headers[i+1])
		}
		if own := ownRequest(h, to); own != c.own {
			t.Errorf("%v: %v", c.headers, own)
		}
	}
}
