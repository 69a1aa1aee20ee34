package test

import (
	"bytes"
	"context"
	"errors"
	"image"
	_ "image/jpeg" // live frames
	_ "image/png"  // pictures
	"maps"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	api "hotcell/client"
	"hotcell/test/acme/portal"
)

// red counts the red of a picture.
func red(t *testing.T, picture []byte) (n int) {
	t.Helper()
	shown, _, err := image.Decode(bytes.NewReader(picture))
	if err != nil {
		t.Fatal(err)
	}
	b := shown.Bounds()
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			if r, g, b, _ := shown.At(x, y).RGBA(); r > g+0x5000 && r > b+0x5000 {
				n++
			}
		}
	}
	return n
}

// picture is a screenshot's bytes.
func (d *desk) picture(pairs map[string]any) []byte {
	d.t.Helper()
	ctx, cancel := context.WithTimeout(d.t.Context(), time.Minute)
	defer cancel()
	r, err := d.session.CallTool(ctx, &mcp.CallToolParams{Name: "browser_take_screenshot", Arguments: pairs})
	if err != nil || r.IsError {
		d.t.Fatalf("%v: %s", err, told(r))
	}
	for _, c := range r.Content {
		if one, ok := c.(*mcp.ImageContent); ok {
			return one.Data
		}
	}
	d.t.Fatal("there is no picture")
	return nil
}

// frame is the live view's.
func (d *desk) frame() (picture []byte) {
	d.t.Helper()
	enough := errors.New("enough")
	err := d.Client.Browser(d.t.Context(), d.job, func(f api.Frame) error {
		if len(f.Picture) == 0 { // the page was about to be another one
			return nil
		}
		picture = f.Picture
		return enough
	})
	if !errors.Is(err, enough) {
		d.t.Fatal(err)
	}
	return picture
}

// TestNoPictureShowsWhatIsSecret looks at pixels: whatever way a page shows what the site
// is known to the browser by, in red, no red is in a picture; and a harmless text that is
// shown the same way is.
func TestNoPictureShowsWhatIsSecret(t *testing.T) {
	t.Parallel()
	d := openDesk(t)
	d.call("browser_navigate", "url", d.Base("portal")+"/login-path")
	if text, ok := d.call("browser_sign_in"); !ok {
		t.Fatal(text)
	}
	for _, way := range slices.Sorted(maps.Keys(portal.Shown)) {
		at := d.Base("portal") + "/app/shown/" + url.PathEscape(way)
		pictures := func() map[string]int {
			out := map[string]int{"a picture": red(t, d.picture(nil)), "a JPEG": red(t, d.picture(map[string]any{"type": "jpeg"})), "a live frame": red(t, d.frame())}
			out["a full one"] = red(t, d.picture(map[string]any{"fullPage": true})) // it may scroll
			return out
		}
		d.call("browser_navigate", "url", at+"?v=harmless-words-that-are-long")
		for kind, n := range pictures() {
			if n == 0 {
				t.Errorf("%s: nothing is seen in %s: this shows little", way, kind)
			}
		}
		d.call("browser_navigate", "url", at)
		for kind, n := range pictures() {
			if n > 0 {
				t.Errorf("%s: %s shows it: %d pixels", way, kind, n)
			}
		}
	}
	d.call("browser_sign_in", "url", d.Base("portal")+"/hostile/red")
	if n := red(t, d.picture(nil)); n > 0 {
		t.Errorf("a field for a password: a picture shows it: %d pixels", n)
	}
	if n := red(t, d.frame()); n > 0 {
		t.Errorf("a field for a password: a live frame shows it: %d pixels", n)
	}
}
