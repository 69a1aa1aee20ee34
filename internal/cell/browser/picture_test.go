package browser_test

import (
	"bytes"
	"fmt"
	"image"
	_ "image/jpeg" // the live view's
	_ "image/png"  // the agent's
	"net/http"
	"strings"
	"testing"

	"hotcell/internal/line/cellrpc"
)

// colours counts the pixels of a picture that are red, which a test has a secret be,
// and those that are green, which is none.
func colours(t *testing.T, picture []byte) (red, green int) {
	t.Helper()
	decoded, _, err := image.Decode(bytes.NewReader(picture))
	must(t, err)
	b := decoded.Bounds()
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			r, g, blue, _ := decoded.At(x, y).RGBA()
			if r > 0xb000 && g < 0x9000 && blue < 0x9000 {
				red++
			}
			if g > 0x9000 && r < 0x6000 && blue < 0x6000 {
				green++
			}
		}
	}
	return red, green
}

// TestAPictureHasNothingOfAValue looks at pixels: what is red is of the value.
func TestAPictureHasNothingOfAValue(t *testing.T) {
	t.Parallel()
	style := `<style>body { margin: 40px; font: 20px monospace } .s { color: #f00; background: #fff } .r::after { color: #f00; content: attr(data-x) }</style>`
	half := len(truePassword) / 2
	for name, c := range map[string]string{
		"in a text":           `<p class=s>` + truePassword + `</p>`,
		"over several lines":  `<p style="width: 70px; word-break: break-all"><span class=s>` + truePassword + `</span></p>`,
		"in pieces":           `<p><b class=s>` + truePassword[:half] + `</b><i class=s>` + truePassword[half:] + `</i></p>`,
		"of an attribute":     `<p class=r data-x="` + truePassword + `">x </p>`,
		"of a style":          `<style>.z::before { color: #f00; content: "` + truePassword + `" }</style><p class=z>x</p>`,
		"in a live field":     `<input id=i class=s style="color:#f00;font:20px monospace;border:0"><script>i.value = '` + truePassword + `'</script>`,
		"in a text area":      `<textarea id=i class=s style="color:#f00;font:20px monospace;border:0;width:80px;height:200px"></textarea><script>i.value = '` + truePassword + `'</script>`,
		"reflected":           `<p class=s style="-webkit-box-reflect: below 30px">` + truePassword + `</p>`,
		"reflected around":    `<div style="-webkit-box-reflect: right 10px; width: 500px"><p class=s>` + truePassword + `</p></div>`,
		"with a shadow":       `<p style="color: #fff0; text-shadow: 0 60px #f00">` + truePassword + `</p>`,
		"turned":              `<p class=s style="transform: rotate(30deg); transform-origin: left; width: 400px">` + truePassword + `</p>`,
		"in a frame":          `<iframe src="FRAME" style="border: 20px solid #00f; padding: 15px"></iframe>`,
		"in a turned frame":   `<iframe src="FRAME" style="transform: rotate(20deg) scale(1.3); margin: 100px"></iframe>`,
		"of another site":     `<iframe src="OTHER" style="border: 20px solid #00f; padding: 15px"></iframe>`,
		"of another, turned":  `<iframe src="OTHER" style="transform: rotate(20deg) scale(1.3); margin: 100px"></iframe>`,
		"far down":            `<div style="height: 150vh"></div><p class=s>` + truePassword + `</p><div style="height: 90vh"></div><p class=s>` + truePassword + `</p>`,
		"in a closed shadow":  `<div id=d></div><script>d.attachShadow({mode: 'closed'}).innerHTML = '<p style="color:#f00">` + truePassword + `</p>'</script>`,
		"a field for secrets": `<input type=password value="abc" style="color:#f00; border: 20px solid #f00; padding: 10px; outline: 0">`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := open(t, nil)
			w.logins[0].Fill = true
			w.accept("/session", "/account")
			w.page("/frame", style+`<p class=s>`+truePassword+`</p>`)
			html := strings.NewReplacer("FRAME", "/frame", "OTHER", w.elsewhere("/frame")).Replace(c)
			at := w.page("/account", style+`<p style="color: #0c0; font: bold 60px sans-serif; margin-bottom: 150px">not of it</p>`+html)
			if name == "a field for secrets" {
				w.ok("browser_navigate", "url", at)
			} else {
				w.ok("browser_sign_in", "url", w.page("/login", plainForm))
			}
			w.ok("browser_wait_for", "time", 0.3)
			w.hand(cellrpc.Hand{Kind: "take"})
			live := w.frame()
			w.hand(cellrpc.Hand{Kind: "give"})
			for kind, picture := range map[string][]byte{
				"what is to be seen": w.call("browser_take_screenshot").Picture, "all": w.call("browser_take_screenshot", "fullPage", true).Picture, "live": live.Picture,
			} {
				red, green := colours(t, picture)
				if red > 0 {
					t.Errorf("%s: %d pixels are of the value", kind, red)
				}
				if green < 500 && !strings.Contains(name, "around") {
					t.Errorf("%s: what is no secret is painted over: %d", kind, green)
				}
			}
		})
	}
}

// TestMasksEndWithTheirPage: elements of another site may have the same numbers.
func TestMasksEndWithTheirPage(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	var fields, texts strings.Builder
	for i := range 200 {
		_, _ = fmt.Fprintf(&fields, "<input type=password aria-label=p%d>", i)
		_, _ = fmt.Fprintf(&texts, "<input aria-label=t%d value=v%d>", i, i)
	}
	w.mux.HandleFunc("GET /other", func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "text/html")
		_, _ = fmt.Fprint(rw, texts.String())
	})
	w.ok("browser_navigate", "url", w.page("/", fields.String()))
	w.ok("browser_snapshot")
	for range 2 {
		s := w.ok("browser_navigate", "url", w.elsewhere("/other"))
		if strings.Contains(s, "a field for a secret") {
			t.Errorf("%s", s)
		}
		if s = w.ok("browser_navigate", "url", w.server.URL+"/"); strings.Count(s, "a field for a secret") != 200 {
			t.Errorf("%s", s)
		}
	}
}
