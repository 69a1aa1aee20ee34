package otp_test

import (
	"bytes"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"image/png"
	"slices"
	"strings"
	"testing"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"

	"hotcell/internal/value/otp"
)

// code is a picture of a QR code.
func code(t testing.TB, text string) image.Image {
	t.Helper()
	m, err := qrcode.NewQRCodeWriter().Encode(text, gozxing.BarcodeFormat_QR_CODE, 400, 400, nil)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestPicturesOfCodes(t *testing.T) {
	t.Parallel()
	const want = "otpauth://totp/ACME:ada?secret=JBSWY3DPEHPK3PXP&issuer=ACME"
	var asPNG, asJPEG bytes.Buffer
	if err := png.Encode(&asPNG, code(t, want)); err != nil {
		t.Fatal(err)
	}
	if err := jpeg.Encode(&asJPEG, code(t, want), nil); err != nil {
		t.Fatal(err)
	}
	for name, picture := range map[string][]byte{"png": asPNG.Bytes(), "jpeg": asJPEG.Bytes()} {
		got, err := otp.FromPicture(picture)
		if err != nil || len(got) != 1 || string(got[0]) != want {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	var blank, bomb bytes.Buffer
	_ = png.Encode(&blank, image.NewGray(image.Rect(0, 0, 200, 200)))
	_ = png.Encode(&bomb, image.NewGray(image.Rect(0, 0, 10, 10)))
	huge := bytes.Replace(bomb.Bytes(), []byte{0, 0, 0, 10, 0, 0, 0, 10}, []byte{0, 0, 0xff, 0xff, 0, 0, 0xff, 0xff}, 1)
	for name, picture := range map[string][]byte{"blank": blank.Bytes(), "text": []byte("hello"), "cut": asPNG.Bytes()[:200], "huge": huge} {
		if got, err := otp.FromPicture(picture); err == nil || len(got) > 0 || strings.Contains(err.Error(), "JBSW") {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

// screen is a picture of a screen with codes on it, between other things.
func screen(t *testing.T, dark bool, texts ...string) []byte {
	t.Helper()
	all := image.NewGray(image.Rect(0, 0, 1600, 1000))
	draw.Draw(all, all.Bounds(), image.NewUniform(color.Gray{0xe8}), image.Point{}, draw.Src)
	for x := range 1600 { // what looks like a window's title and lines of text
		for y := range 40 {
			all.SetGray(x, y, color.Gray{uint8(x * 7 % 256)})
		}
		for line := range 10 {
			all.SetGray(x, 900+line*9, color.Gray{uint8(x * 31 % 256)})
		}
	}
	for i, text := range texts {
		one := code(t, text)
		at := image.Pt(120+i*700, 200+i*60)
		draw.Draw(all, one.Bounds().Add(at), one, image.Point{}, draw.Src)
	}
	if dark {
		for i := range all.Pix {
			all.Pix[i] = 255 - all.Pix[i]
		}
	}
	var out bytes.Buffer
	if err := png.Encode(&out, all); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestPicturesOfScreens(t *testing.T) {
	t.Parallel()
	// As long as an export of ten entries is.
	one, two := "otpauth-migration://offline?data="+strings.Repeat("QUJDREVGR0hJ", 60), "otpauth://totp/ACME:ada?secret=JBSWY3DPEHPK3PXP&issuer=ACME"
	for name, c := range map[string]struct {
		picture []byte
		want    []string
	}{
		"a long one": {screen(t, false, one), []string{one}}, "at night": {screen(t, true, one), []string{one}}, "two": {screen(t, false, one, two), []string{one, two}},
		"twice the same": {screen(t, false, two, two), []string{two}},
	} {
		got, err := otp.FromPicture(c.picture)
		var texts []string
		for _, b := range got {
			texts = append(texts, string(b))
		}
		slices.Sort(texts)
		slices.Sort(c.want)
		if err != nil || !slices.Equal(texts, c.want) {
			t.Errorf("%s: %d codes, %v", name, len(got), err)
		}
	}
}

func FuzzFromPicture(f *testing.F) {
	var one bytes.Buffer
	_ = png.Encode(&one, code(f, "otpauth://totp/a?secret=JBSWY3DPEHPK3PXP"))
	f.Add(one.Bytes())
	f.Fuzz(func(_ *testing.T, picture []byte) { _, _ = otp.FromPicture(picture) })
}
