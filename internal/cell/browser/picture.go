package browser

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"image/png"
)

// paint is what hides a field for a secret in a picture.
var paint = image.NewUniform(color.RGBA{0x33, 0x33, 0x33, 0xff})

// margin is how far beyond its box a field is painted over, in pixels.
const margin = 3

// maxPicture is how high and wide a picture of a full page is, in pixels.
const maxPicture = 8000

// picture is the page as it looks, with fields for secrets painted over, and
// whatever text holds what the guard looks for: in the picture itself, since a page
// can undo whatever is done to the page.
func (t *tab) picture(ctx context.Context, kind string, clip *box, full bool) ([]byte, error) {
	if full {
		// The page is laid out anew for that, before it is measured.
		restore, err := t.unroll(ctx)
		if err != nil {
			return nil, err
		}
		defer restore()
	}
	before, err := t.hidden(ctx)
	if err != nil {
		return nil, err
	}
	in, origin := args{"format": "png"}, box{}
	if clip != nil {
		var metrics struct {
			CSSVisualViewport struct{ PageX, PageY float64 }
		}
		if err := t.do(ctx, "Page.getLayoutMetrics", nil, &metrics); err != nil {
			return nil, err
		}
		origin = *clip
		in["clip"] = args{"x": clip.x + metrics.CSSVisualViewport.PageX, "y": clip.y + metrics.CSSVisualViewport.PageY, "width": clip.width, "height": clip.height, "scale": 1}
	}
	var shot struct{ Data []byte }
	if err := t.do(ctx, "Page.captureScreenshot", in, &shot); err != nil {
		return nil, fmt.Errorf("the page cannot be shown: %w", err)
	}
	// What moved while the picture was taken is painted over where it is now, too.
	after, err := t.hidden(ctx)
	if err != nil {
		return nil, err
	}
	return paintOver(shot.Data, append(before, after...), origin, kind)
}

// size sets how large the page is.
func (t *tab) size(ctx context.Context, width, height int) error {
	return t.do(ctx, "Emulation.setDeviceMetricsOverride", args{"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false}, nil)
}

// unroll makes a page so large that all of it is to be seen.
func (t *tab) unroll(ctx context.Context) (restore func(), err error) {
	var metrics struct {
		CSSContentSize, CSSLayoutViewport struct{ Width, Height, ClientWidth, ClientHeight float64 }
	}
	if err := t.do(ctx, "Page.getLayoutMetrics", nil, &metrics); err != nil {
		return nil, err
	}
	width, height := max(metrics.CSSContentSize.Width, metrics.CSSLayoutViewport.ClientWidth), max(metrics.CSSContentSize.Height, metrics.CSSLayoutViewport.ClientHeight)
	restore = func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), enableTime)
		defer cancel()
		t.mu.Lock()
		width, height := t.width, t.height
		t.mu.Unlock()
		if width > 0 {
			_ = t.size(ctx, width, height)
			return
		}
		_ = t.do(ctx, "Emulation.clearDeviceMetricsOverride", nil, nil)
	}
	return restore, t.size(ctx, min(int(width), maxPicture), min(int(height), maxPicture))
}

// paintOver paints boxes over, which are where they are in the page; origin is
// where the picture begins.
func paintOver(shot []byte, boxes []box, origin box, kind string) ([]byte, error) {
	decoded, err := png.Decode(bytes.NewReader(shot))
	if err != nil {
		return nil, fmt.Errorf("reading a picture: %w", err)
	}
	canvas, ok := decoded.(draw.Image)
	if !ok {
		copied := image.NewRGBA(decoded.Bounds())
		draw.Draw(copied, copied.Bounds(), decoded, image.Point{}, draw.Src)
		canvas = copied
	}
	for _, b := range boxes {
		x, y := int(b.x-origin.x), int(b.y-origin.y)
		draw.Draw(canvas, image.Rect(x-margin, y-margin, x+int(b.width)+margin+1, y+int(b.height)+margin+1), paint, image.Point{}, draw.Src)
	}
	var out bytes.Buffer
	if kind == "jpeg" {
		err = jpeg.Encode(&out, canvas, &jpeg.Options{Quality: 75})
	} else {
		err = (&png.Encoder{CompressionLevel: png.BestSpeed}).Encode(&out, canvas)
	}
	return out.Bytes(), err
}
