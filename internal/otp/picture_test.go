package otp_test

import (
	"bytes"
	"image"
	"image/jpeg"
	"image/png"
	"strings"
	"testing"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"

	"hotcell/internal/otp"
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
		if err != nil || string(got) != want {
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

func FuzzFromPicture(f *testing.F) {
	var one bytes.Buffer
	_ = png.Encode(&one, code(f, "otpauth://totp/a?secret=JBSWY3DPEHPK3PXP"))
	f.Add(one.Bytes())
	f.Fuzz(func(_ *testing.T, picture []byte) { _, _ = otp.FromPicture(picture) })
}
