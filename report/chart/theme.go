package chart

import (
	"fmt"
	"image/color"
	"strings"
	"sync"
	"unicode"

	"codeberg.org/go-fonts/liberation/liberationsansbold"
	"codeberg.org/go-fonts/liberation/liberationsansregular"
	xfont "golang.org/x/image/font"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/font/sfnt"
	"gonum.org/v1/plot/font"
)

// theme is one set of colours.
type theme struct {
	ground, ink, faint, grid, limit, mark color.NRGBA
	lines                                 []color.NRGBA
}

func rgb(v uint32) color.NRGBA {
	return color.NRGBA{R: uint8(v >> 16), G: uint8(v >> 8), B: uint8(v), A: 255}
}

func shades(all ...uint32) []color.NRGBA {
	out := make([]color.NRGBA, len(all))
	for i, v := range all {
		out[i] = rgb(v)
	}
	return out
}

// The grounds are Slack's own, the lines can be told apart with colour blindness.
var (
	light = theme{
		ground: rgb(0xffffff), ink: rgb(0x1d1c1d), faint: rgb(0x5c5a5e), grid: rgb(0xe3e2e5), limit: rgb(0xc9184a), mark: rgb(0x5c5a5e),
		lines: shades(0x1467b3, 0xd9730d, 0x1b8a5a, 0x8e44ad, 0x0f8b9d, 0xb0478f),
	}
	dark = theme{
		ground: rgb(0x1a1d21), ink: rgb(0xf0f0f1), faint: rgb(0xababad), grid: rgb(0x36393f), limit: rgb(0xff6b8b), mark: rgb(0xababad),
		lines: shades(0x5cb3ff, 0xffb14e, 0x62d196, 0xcf9bff, 0x58d3e0, 0xff9bd2),
	}
)

func themeOf(c Chart) theme {
	if c.Dark {
		return dark
	}
	return light
}

func hex(c color.NRGBA) string { return fmt.Sprintf("#%02x%02x%02x", c.R, c.G, c.B) }

func faded(c color.NRGBA, alpha uint8) color.NRGBA {
	c.A = alpha
	return c
}

// faces are the two cuts that a picture uses.
type faces struct{ regular, bold font.Face }

// fonts reads the two cuts once, when the first picture needs them.
var fonts = sync.OnceValues(func() (faces, error) {
	regular, err := opentype.Parse(liberationsansregular.TTF)
	if err != nil {
		return faces{}, fmt.Errorf("read the font of pictures: %w", err)
	}
	bold, err := opentype.Parse(liberationsansbold.TTF)
	if err != nil {
		return faces{}, fmt.Errorf("read the font of pictures: %w", err)
	}
	of := func(f *opentype.Font, w xfont.Weight) font.Face {
		return font.Face{Font: font.Font{Typeface: "Liberation", Variant: "Sans", Weight: w}, Face: f}
	}
	return faces{regular: of(regular, xfont.WeightNormal), bold: of(bold, xfont.WeightBold)}, nil
})

// clean makes a text one line of what both formats can hold.
func clean(s string) string {
	return strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		if r == unicode.ReplacementChar || r >= 0xfffe && r <= 0xffff {
			return -1
		}
		return r
	}, s)), " ")
}

// drawable leaves out the signs that the font does not have, such as emoji; a
// letter it does not have becomes a question mark.
func drawable(f font.Face, s string) string {
	var buffer sfnt.Buffer
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if i, err := f.Face.GlyphIndex(&buffer, r); err == nil && i != 0 {
			return r
		}
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return '?'
		}
		return -1
	}, clean(s)))
}
