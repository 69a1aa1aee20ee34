package otp

import (
	"bytes"
	"image"
	_ "image/jpeg" // what people's pictures are
	_ "image/png"  // what people's pictures are
	"slices"

	"github.com/makiuchi-d/gozxing"
	multi "github.com/makiuchi-d/gozxing/multi/qrcode"
	"github.com/makiuchi-d/gozxing/qrcode"
)

// The bounds of a picture: bytes, and pixels, which a small file can claim many of.
const (
	maxPicture = 20 << 20
	maxPixels  = 40_000_000
)

// FromPicture reads the QR codes of a picture, PNG or JPEG: at least one. The caller
// wipes what it returns.
func FromPicture(picture []byte) (texts [][]byte, err error) {
	// The reader of codes is not ours, and what it reads is anybody's.
	defer func() {
		if recover() != nil {
			texts, err = nil, errUnread
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
	// Light on dark as well: what a screen shows at night.
	source := gozxing.NewLuminanceSourceFromImage(decoded)
	for _, source := range []gozxing.LuminanceSource{source, source.Invert()} {
		if texts := textsIn(source); texts != nil {
			return texts, nil
		}
	}
	return nil, errUnread
}

// textsIn are the texts of all codes that are found.
func textsIn(source gozxing.LuminanceSource) [][]byte {
	bitmap, err := gozxing.NewBinaryBitmap(gozxing.NewHybridBinarizer(source))
	if err != nil {
		return nil
	}
	for _, hints := range []map[gozxing.DecodeHintType]any{nil, {gozxing.DecodeHintType_TRY_HARDER: true}} {
		if found, err := multi.NewQRCodeMultiReader().DecodeMultiple(bitmap, hints); err == nil && len(found) > 0 {
			return told(found)
		}
	}
	for _, hints := range []map[gozxing.DecodeHintType]any{nil, {gozxing.DecodeHintType_TRY_HARDER: true}, {gozxing.DecodeHintType_PURE_BARCODE: true}} {
		if found, err := qrcode.NewQRCodeReader().Decode(bitmap, hints); err == nil {
			return [][]byte{[]byte(found.GetText())}
		}
	}
	return nil
}

// told are the texts of codes, each once.
func told(found []*gozxing.Result) (out [][]byte) {
	for _, one := range found {
		text := []byte(one.GetText())
		if !slices.ContainsFunc(out, func(b []byte) bool { return bytes.Equal(b, text) }) {
			out = append(out, text)
		}
	}
	return out
}

var errUnread = invalid("no QR code is found in the picture: crop it to the code, or paste its text")
