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

// picture is the page as it looks, with fields for secrets painted over, and
// whatever text holds what the guard looks for: in the picture itself, since a page
// can undo whatever is done to the page.
func (t *tab) picture(ctx context.Context, kind string, clip *box, full bool) ([]byte, error) {
	before, err := t.hidden(ctx)
	if err != nil {
		return nil, err
	}
	in := args{"format": "png", "captureBeyondViewport": full}
	var metrics struct {
		CSSVisualViewport struct{ PageX, PageY float64 }
		CSSContentSize    struct{ Width, Height float64 }
	}
	if err := t.do(ctx, "Page.getLayoutMetrics", nil, &metrics); err != nil {
		return nil, err
	}
	from := box{x: metrics.CSSVisualViewport.PageX, y: metrics.CSSVisualViewport.PageY}
	origin := box{}
	switch {
	case full:
		origin = box{-from.x, -from.y, 0, 0}
		in["clip"] = args{"x": 0, "y": 0, "width": metrics.CSSContentSize.Width, "height": min(metrics.CSSContentSize.Height, 8000), "scale": 1}
	case clip != nil:
		origin = *clip
		in["clip"] = args{"x": clip.x + from.x, "y": clip.y + from.y, "width": clip.width, "height": clip.height, "scale": 1}
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

// hidden are the boxes of what no picture may show.
func (t *tab) hidden(ctx context.Context) (out []box, err error) {
	documents, err := t.documents(ctx)
	if err != nil {
		return nil, err
	}
	sieve := t.driver.sieve.Load()
	for _, d := range documents {
		d.walk(func(n *node) bool {
			hide := n.NodeType == elementNode && t.isSecret(n.session, n.BackendNodeID)
			if n.NodeType == textNode && n.NodeValue != "" && sieve.holds([]byte(n.NodeValue)) && n.parent != nil {
				n, hide = n.parent, true
			}
			if n.is("input", "textarea") && sieve.holds([]byte(n.attribute("value"))) {
				hide = true
			}
			if hide {
				if b, err := t.boxOf(ctx, n.session, n.BackendNodeID); err == nil {
					out = append(out, b)
				}
			}
			return true
		})
	}
	return out, nil
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
