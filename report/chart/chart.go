package chart

import (
	"bytes"
	"errors"
	"fmt"
	"html"
	"math"
	"regexp"
	"strings"
	"time"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"
)

// Chart is what a picture shows.
type Chart struct {
	Title string
	// Unit goes with the values: "%" (a hundred is everything), "ms", "s" and
	// "B" (bytes) change to larger ones by themselves, "req/s" and any other
	// stand above the axis. Empty: plain numbers.
	Unit  string
	Lines []Line
	// From and To bound the picture; zero: the first and the last point.
	From, To time.Time
	Marks    []Mark
	// Threshold is drawn across; nil: none.
	Threshold *float64
	// Zone is for the labels of the time; nil: UTC.
	Zone *time.Location
	// Dark gives light lines on a dark ground.
	Dark bool
}

// Line is one series, its points in the order of time.
type Line struct {
	Name   string // for the legend; empty: the line has no entry
	Points []Point
}

// Point is one value. NaN and infinities are gaps.
type Point struct {
	At time.Time
	V  float64
}

// Mark is a moment with a word to it, such as "declared".
type Mark struct {
	At    time.Time
	Label string
}

// The sizes that a picture may have, in pixels.
const (
	MinSide = 160
	MaxSide = 4096
)

// svgWidth and svgHeight are an SVG's own measures; a page scales it.
const (
	svgWidth  = 1000
	svgHeight = 500
)

// How many ordinary letters go side by side: a PNG is mostly seen on a phone, as
// wide as its screen, an SVG in a page.
const (
	pngLetters = 26
	svgLetters = 30
)

// PNG draws the chart width by height pixels large. The error says that the
// size is out of bounds.
func PNG(c Chart, width, height int) ([]byte, error) {
	if width < MinSide || height < MinSide || width > MaxSide || height > MaxSide {
		return nil, fmt.Errorf("a picture of %d by %d pixels: each side must be from %d to %d", width, height, MinSide, MaxSide)
	}
	face, err := fonts()
	if err != nil {
		return nil, err
	}
	canvas := vgimg.PngCanvas{Canvas: vgimg.NewWith(
		vgimg.UseWH(vg.Length(width), vg.Length(height)), vgimg.UseDPI(72), vgimg.UseBackgroundColor(themeOf(c).ground))}
	draw(canvas, c, face, float64(width), float64(height), pngLetters)
	var out bytes.Buffer
	if _, err := canvas.WriteTo(&out); err != nil {
		return nil, fmt.Errorf("write a picture: %w", err)
	}
	return out.Bytes(), nil
}

// SVG draws the chart as one svg element that can stand alone or in a page.
func SVG(c Chart) ([]byte, error) {
	face, err := fonts()
	if err != nil {
		return nil, err
	}
	canvas := vgsvg.New(svgWidth, svgHeight)
	draw(canvas, c, face, svgWidth, svgHeight, svgLetters)
	var out bytes.Buffer
	if _, err := canvas.WriteTo(&out); err != nil {
		return nil, fmt.Errorf("write a picture: %w", err)
	}
	return finish(out.Bytes(), c)
}

var head = regexp.MustCompile(`(?s)^.*?<svg[^>]*>`)

// finish replaces the file's head by one for a page of any width, gives readers
// of screens a name, and the text fonts that exist and are as wide as the ones
// it was measured with.
func finish(svg []byte, c Chart) ([]byte, error) {
	at := head.FindIndex(svg)
	if at == nil {
		return nil, errors.New("write a picture: no svg element")
	}
	first := fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" role="img" aria-label="%s" style="width:100%%;max-width:%dpx;height:auto;background:%s">`,
		svgWidth, svgHeight, html.EscapeString(clean(strings.TrimSpace(c.Title+" "+c.Unit))), svgWidth, hex(themeOf(c).ground))
	body := strings.ReplaceAll(string(svg[at[1]:]), "font-family:Liberation Sans;", "font-family:'Liberation Sans',Arial,Helvetica,sans-serif;")
	return []byte(first + body), nil
}

// finite says that a value can be drawn.
func finite(v float64) bool { return !math.IsNaN(v) && math.Abs(v) < 1e100 }
