package image_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"hotcell/internal/worker/image"
)

// BenchmarkAdd unpacks an image of 256 MiB in 4,000 files from a layout, its layers in
// gzip, by the process that is confined.
func BenchmarkAdd(b *testing.B) {
	const files, size = 4000, 64 << 10
	r := rand.New(rand.NewPCG(1, 2))
	text := make([]byte, size)
	layers := make([]map[string]string, 4)
	for n := range files {
		if layers[n%len(layers)] == nil {
			layers[n%len(layers)] = map[string]string{}
		}
		for i := range text { // half of it is like other texts
			text[i] = byte('a' + r.IntN(16))
			if i%64 > 32 {
				text[i] = ' '
			}
		}
		layers[n%len(layers)][fmt.Sprintf("usr/lib/%d/%d", n%97, n)] = string(text)
	}
	dir := laidOut(b, made(b, layers...))
	store, by := storeIn(b)
	store.Budget = image.Budget{Bytes: 1 << 30, Files: files + 1000}
	b.SetBytes(files * size)
	for b.Loop() {
		content, err := image.Layout(b.Context(), dir, "")
		if err != nil {
			b.Fatal(err)
		}
		if _, err := store.Add(b.Context(), "large", content, by); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		if err := store.Remove("large"); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
}
