package portal

import (
	"bytes"
	"image"
	"image/color"
	_ "image/jpeg" // pictures of pages
	_ "image/png"  // likewise
)

// The pattern that a hostile page paints what it knows in: squares of bits, a row of
// eight bytes, of which the first three say that it is one and how long.
const (
	square = 6
	row    = 8
)

// Painted is what a hostile page has painted into a picture, or "".
func Painted(picture []byte) string {
	shown, _, err := image.Decode(bytes.NewReader(picture))
	if err != nil {
		return ""
	}
	at := func(i int) (v byte) {
		for bit := range 8 {
			x, y := (i%row*8+bit)*square+square/2, i/row*square+square/2
			v <<= 1
			if g, ok := color.GrayModel.Convert(shown.At(x, y)).(color.Gray); ok && g.Y > 127 {
				v |= 1
			}
		}
		return v
	}
	if at(0) != 0xa5 || at(1) != 0xc3 {
		return ""
	}
	var out []byte
	for i := range int(at(2)) {
		out = append(out, at(3+i))
	}
	return string(out)
}
