package otp

import (
	"bytes"
	"image"
	_ "image/jpeg" // what people's pictures are
	_ "image/png"  // what people's pictures are

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"
)

// The bounds of a picture: bytes, and pixels, which a small file can claim many of.
const (
	maxPicture = 20 << 20
	maxPixels  = 40_000_000
)

// FromPicture reads the QR code of a picture, PNG or JPEG. The caller wipes what it
// returns.
func FromPicture(picture []byte) (text []byte, err error) {
	// The reader of codes is not ours, and what it reads is anybody's.
	defer func() {
		if recover() != nil {
			text, err = nil, errUnread
		}
	}()
	if len(picture) > maxPicture {
		return nil, invalid("a picture has at most %d MiB", maxPicture>>20)
	}
	about, _, err := image.DecodeConfig(bytes.NewReader(picture))
	if err != nil {
		return nil, invalid("this is no picture: a PNG or a JPEG is read")
	}
	if about.Width <= 0 || about.Height <= 0 || about.Width > maxPixels/about.Height {
		return nil, invalid("the picture is too large")
	}
	decoded, _, err := image.Decode(bytes.NewReader(picture))
	if err != nil {
		return nil, invalid("the picture is damaged")
	}
	bitmap, err := gozxing.NewBinaryBitmapFromImage(decoded)
	if err != nil {
		return nil, errUnread
	}
	for _, hints := range []map[gozxing.DecodeHintType]any{nil, {gozxing.DecodeHintType_TRY_HARDER: true}, {gozxing.DecodeHintType_PURE_BARCODE: true}} {
		if found, err := qrcode.NewQRCodeReader().Decode(bitmap, hints); err == nil {
			return []byte(found.GetText()), nil
		}
	}
	return nil, errUnread
}

var errUnread = invalid("no QR code is found in the picture: crop it to the code, or paste its text")
