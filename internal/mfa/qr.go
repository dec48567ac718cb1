package mfa

import (
	"fmt"
	"image/color"
	"strings"

	"github.com/boombuler/barcode/qr"
)

// QR is a QR code as an SVG draws it: a square of Size modules, of which Path paints the dark ones.
type QR struct {
	Size int
	Path string
}

// Draw makes the QR code of a text.
func Draw(text string) (QR, error) {
	code, err := qr.Encode(text, qr.M, qr.Auto)
	if err != nil {
		return QR{}, fmt.Errorf("drawing a QR code: %w", err)
	}
	var path strings.Builder
	size := code.Bounds().Dx()
	dark := func(x, y int) bool {
		return x < size && color.GrayModel.Convert(code.At(x, y)).(color.Gray).Y < 128
	}
	for y := range size {
		for x := 0; x < size; x++ {
			if !dark(x, y) {
				continue
			}
			from := x
			for dark(x+1, y) {
				x++
			}
			fmt.Fprintf(&path, "M%d %dh%dv1h-%dz", from, y, x+1-from, x+1-from)
		}
	}
	return QR{size, path.String()}, nil
}
