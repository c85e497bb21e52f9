package chart

import (
	"image/color"
	"math"
	"slices"
	"strings"
	"time"

	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
)

// page is a canvas with the measures and colours of one picture. Lengths are
// pixels; the origin is the lower left corner.
type page struct {
	theme
	c             vg.Canvas
	face          faces
	width, height float64
	base          float64 // the size of an ordinary letter
}

// Where a text stands relative to its point.
const (
	left = iota
	middle
	right
)

// draw fills a canvas that is so many ordinary letters wide.
func draw(c vg.Canvas, chart Chart, face faces, width, height, letters float64) {
	p := &page{theme: themeOf(chart), c: c, face: face, width: width, height: height, base: min(width/letters, height/14)}
	if chart.Zone == nil {
		chart.Zone = time.UTC
	}
	chart.Unit = drawable(face.regular, chart.Unit)
	p.chart(withSpan(chart))
}

// withSpan leaves the points out that are outside, and finds the bounds where none are given.
func withSpan(c Chart) Chart {
	lines := make([]Line, len(c.Lines))
	open := c.From.IsZero() || c.To.IsZero()
	for i, l := range c.Lines {
		lines[i].Name = l.Name
		for _, pt := range l.Points {
			if open && (c.From.IsZero() || pt.At.Before(c.From)) {
				c.From = pt.At
			}
			if open && pt.At.After(c.To) {
				c.To = pt.At
			}
		}
	}
	for i, l := range c.Lines {
		for _, pt := range l.Points {
			if !pt.At.Before(c.From) && !pt.At.After(c.To) {
				lines[i].Points = append(lines[i].Points, pt)
			}
		}
	}
	c.Lines = lines
	return c
}

// box is where the lines are.
type box struct{ x0, y0, x1, y1 float64 }

func (p *page) chart(c Chart) {
	pad := 0.7 * p.base
	lo, hi, any := bounds(c)
	m := measureOf(c.Unit, max(math.Abs(lo), math.Abs(hi)))
	a := axisOf(lo*m.factor, hi*m.factor, c.Unit == "%")
	top := p.heading(c, m, pad)

	labels, widest := []string{}, 0.0
	for _, v := range a.ticks() {
		labels = append(labels, m.write(v, a.step))
		widest = max(widest, p.textWidth(p.face.regular, 0.85*p.base, labels[len(labels)-1]))
	}
	b := box{x0: pad + widest + 0.5*p.base, y0: pad + 1.5*p.base, x1: p.width - 1.2*pad, y1: top - 0.5*p.base}
	if !any {
		b.x0 = pad
	}
	x := func(at time.Time) float64 {
		span := c.To.Sub(c.From)
		if span <= 0 {
			return (b.x0 + b.x1) / 2
		}
		return b.x0 + (b.x1-b.x0)*float64(at.Sub(c.From))/float64(span)
	}
	named := p.named(c, b, x)
	rows := 0
	for _, m := range named {
		rows = max(rows, m.row+1)
	}
	b.y1 -= markRow * p.base * float64(rows)
	y := func(v float64) float64 { return b.y0 + (b.y1-b.y0)*(v*m.factor-a.lo)/(a.hi-a.lo) }

	p.times(c, b, x)
	if !any {
		p.fill(box{b.x0, b.y0, b.x1, b.y1}, faded(p.grid, 90))
		p.text(p.face.bold, 1.3*p.base, p.faint, (b.x0+b.x1)/2, (b.y0+b.y1)/2-0.4*p.base, middle, "No data for this time")
		return
	}
	for i, v := range a.ticks() {
		at := y(v / m.factor)
		p.line(p.grid, 0.05*p.base, nil, b.x0, at, b.x1, at)
		p.text(p.face.regular, 0.85*p.base, p.faint, b.x0-0.4*p.base, at-0.3*p.base, right, labels[i])
	}
	p.lines(c, b, x, y)
	p.marks(named, b)
	if c.Threshold != nil && finite(*c.Threshold) {
		at := y(*c.Threshold)
		p.line(p.limit, 0.1*p.base, []vg.Length{vg.Length(0.45 * p.base), vg.Length(0.3 * p.base)}, b.x0, at, b.x1, at)
		below := at+1.1*p.base > b.y1
		label := at + 0.25*p.base
		if below {
			label = at - 0.9*p.base
		}
		// At the oldest end: the newest values are what people look for.
		p.halo(p.face.bold, 0.8*p.base, p.limit, b.x0+0.3*p.base, label, left, "limit "+m.short(*c.Threshold))
	}
}

// bounds are those of everything that has a value, the threshold included.
func bounds(c Chart) (lo, hi float64, any bool) {
	lo, hi = math.Inf(1), math.Inf(-1)
	for _, l := range c.Lines {
		for _, pt := range l.Points {
			if finite(pt.V) {
				lo, hi, any = min(lo, pt.V), max(hi, pt.V), true
			}
		}
	}
	if !any {
		return 0, 1, false
	}
	if c.Threshold != nil && finite(*c.Threshold) {
		lo, hi = min(lo, *c.Threshold), max(hi, *c.Threshold)
	}
	return lo, hi, true
}

// heading draws the title, the day and the legend, and gives the height that is left.
func (p *page) heading(c Chart, m measure, pad float64) float64 {
	y := p.height - pad - 1.0*p.base
	day := p.day(c)
	p.text(p.face.regular, 0.8*p.base, p.faint, p.width-pad, y+0.05*p.base, right, day)
	room := p.width - 2*pad - p.textWidth(p.face.regular, 0.8*p.base, day) - p.base
	p.text(p.face.bold, 1.15*p.base, p.ink, pad, y, left, p.cut(p.face.bold, 1.15*p.base, c.Title, room))

	y -= 1.45 * p.base
	x, size := pad, 0.85*p.base
	used := false
	if m.above != "" {
		p.text(p.face.regular, size, p.faint, x, y, left, m.above)
		x += p.textWidth(p.face.regular, size, m.above) + 1.2*p.base
		used = true
	}
	hidden, rows := 0, 1
	for i, l := range c.Lines {
		if l.Name == "" {
			continue
		}
		word := l.Name
		if v, ok := latest(c, l); ok {
			word += "  " + strings.TrimSuffix(m.short(v), " "+m.above)
		}
		word = p.cut(p.face.regular, size, word, p.width-2*pad-p.base)
		w := 0.9*p.base + p.textWidth(p.face.regular, size, word)
		if x+w > p.width-pad && x > pad && rows < 2 {
			x, rows = pad, rows+1
			y -= 1.3 * p.base
		}
		if i >= len(p.theme.lines) || hidden > 0 || x+w > p.width-pad-4*p.base && x > pad && i < len(c.Lines)-1 && rows == 2 {
			hidden++
			continue
		}
		p.fill(box{x, y - 0.02*p.base, x + 0.6*p.base, y + 0.58*p.base}, p.colour(i))
		p.text(p.face.regular, size, p.ink, x+0.9*p.base, y, left, word)
		x += w + 1.1*p.base
		used = true
	}
	if hidden > 0 {
		p.text(p.face.regular, size, p.faint, x, y, left, "+ "+measure{}.write(float64(hidden), 1)+" more")
	}
	if !used {
		y += 1.1 * p.base
	}
	return y - 0.3*p.base
}

// colour is that of the nth line; those after the palette's end share one.
func (p *page) colour(i int) color.NRGBA {
	if i < len(p.theme.lines) {
		return p.theme.lines[i]
	}
	return faded(p.faint, 120)
}

// latest is a line's value at the newest moment of all lines; ok is false when
// the line has none there.
func latest(c Chart, l Line) (v float64, ok bool) {
	if len(l.Points) == 0 {
		return 0, false
	}
	own := l.Points[len(l.Points)-1]
	for _, other := range c.Lines {
		if n := len(other.Points); n > 0 && other.Points[n-1].At.After(own.At) {
			return 0, false
		}
	}
	return own.V, finite(own.V)
}

// day says which day, or days, and in which zone.
func (p *page) day(c Chart) string {
	from, to := c.From.In(c.Zone), c.To.In(c.Zone)
	if from.IsZero() {
		return ""
	}
	out := from.Format("2 Jan 2006")
	if to.Format("2 Jan 2006") != out {
		first := "2 Jan"
		if from.Year() != to.Year() {
			first = "2 Jan 2006"
		}
		out = from.Format(first) + " – " + to.Format("2 Jan 2006")
	}
	return out + ", " + to.Format("MST")
}

func (p *page) times(c Chart, b box, x func(time.Time) float64) {
	p.line(p.grid, 0.08*p.base, nil, b.x0, b.y0, b.x1, b.y0)
	if c.From.IsZero() {
		return
	}
	size := 0.85 * p.base
	most := int((b.x1 - b.x0) / (p.textWidth(p.face.regular, size, "00:00:00") * 1.25))
	end := math.Inf(-1)
	for _, t := range moments(c.From, c.To, min(max(most, 2), 7), c.Zone) {
		w := p.textWidth(p.face.regular, size, t.label)
		at := x(t.at)
		p.line(p.grid, 0.08*p.base, nil, at, b.y0, at, b.y0-0.3*p.base)
		start := min(max(at-w/2, 0.3*p.base), p.width-0.3*p.base-w)
		if start < end {
			continue
		}
		p.text(p.face.regular, size, p.faint, start, b.y0-1.2*p.base, left, t.label)
		end = start + w + 0.4*p.base
	}
}

// markRow is the height of a row of moments' names above the lines, in letters.
const markRow = 1.1

// moment is one mark with the place of its name; row -1: it finds no room.
type moment struct {
	at, from, width float64
	word            string
	row             int
}

// named gives each moment's name a row above the lines: those that would run
// into each other stand in different ones, the earlier above the later, whose
// line then ends below it.
func (p *page) named(c Chart, b box, x func(time.Time) float64) []moment {
	const mostRows = 3
	var out []moment
	for _, mark := range slices.Backward(slices.SortedStableFunc(slices.Values(c.Marks), func(a, b Mark) int { return a.At.Compare(b.At) })) {
		if mark.At.Before(c.From) || mark.At.After(c.To) {
			continue
		}
		m := moment{at: x(mark.At), word: p.cut(p.face.regular, markSize*p.base, mark.Label, (b.x1-b.x0)*0.45), row: -1}
		m.width = p.textWidth(p.face.regular, markSize*p.base, m.word)
		if m.from = m.at + 0.3*p.base; m.from+m.width > b.x1 {
			m.from = m.at - 0.3*p.base - m.width
		}
		for row := 0; row < mostRows && m.row < 0; row++ {
			if !slices.ContainsFunc(out, func(o moment) bool {
				return o.row == row && m.from < o.from+o.width+0.6*p.base && o.from < m.from+m.width+0.6*p.base
			}) {
				m.row = row
			}
		}
		out = append(out, m)
	}
	return out
}

// markSize is the size of a moment's name, in letters.
const markSize = 0.8

// marks draws the moments, each up to its name above b.
func (p *page) marks(list []moment, b box) {
	for _, m := range list {
		top := b.y1 + markRow*p.base*float64(m.row+1)
		p.line(p.mark, 0.08*p.base, []vg.Length{vg.Length(0.2 * p.base), vg.Length(0.2 * p.base)}, m.at, b.y0, m.at, top)
		if m.row >= 0 {
			p.halo(p.face.regular, markSize*p.base, p.ink, m.from, top-0.75*p.base, left, m.word)
		}
	}
}

// lines draws every series, the first one on top.
func (p *page) lines(c Chart, b box, x func(time.Time) float64, y func(float64) float64) {
	ground := min(max(y(0), b.y0), b.y1)
	for i, l := range slices.Backward(c.Lines) {
		for _, run := range runs(l.Points) {
			points := make([]vg.Point, len(run))
			for j, pt := range run {
				points[j] = vg.Point{X: vg.Length(x(pt.At)), Y: vg.Length(y(pt.V))}
			}
			if len(points) == 1 {
				var dot vg.Path
				r := vg.Length(0.16 * p.base)
				dot.Move(vg.Point{X: points[0].X + r, Y: points[0].Y})
				dot.Arc(points[0], r, 0, 2*math.Pi)
				dot.Close()
				p.c.SetColor(p.colour(i))
				p.c.Fill(dot)
				continue
			}
			if len(c.Lines) == 1 {
				var area vg.Path
				area.Move(vg.Point{X: points[0].X, Y: vg.Length(ground)})
				for _, pt := range points {
					area.Line(pt)
				}
				area.Line(vg.Point{X: points[len(points)-1].X, Y: vg.Length(ground)})
				area.Close()
				p.c.SetColor(faded(p.colour(i), 38))
				p.c.Fill(area)
			}
			var path vg.Path
			path.Move(points[0])
			for _, pt := range points[1:] {
				path.Line(pt)
			}
			p.stroke(p.colour(i), 0.13*p.base, nil, path)
		}
	}
}

// runs cuts a series where values are missing: at NaN, and where the time to
// the next point is more than one and a half times the usual.
func runs(points []Point) [][]Point {
	var between []time.Duration
	for i := 1; i < len(points); i++ {
		between = append(between, points[i].At.Sub(points[i-1].At))
	}
	slices.Sort(between)
	usual := time.Duration(math.MaxInt64 / 2)
	if len(between) > 1 {
		usual = between[len(between)/2]
	}
	var out [][]Point
	open := false
	for i, pt := range points {
		if !finite(pt.V) {
			open = false
			continue
		}
		if !open || i > 0 && pt.At.Sub(points[i-1].At) > usual+usual/2 {
			out = append(out, nil)
		}
		out[len(out)-1] = append(out[len(out)-1], pt)
		open = true
	}
	return out
}

func (p *page) stroke(c color.Color, width float64, dash []vg.Length, path vg.Path) {
	p.c.SetColor(c)
	p.c.SetLineWidth(vg.Length(width))
	p.c.SetLineDash(dash, 0)
	p.c.Stroke(path)
}

func (p *page) line(c color.Color, width float64, dash []vg.Length, x0, y0, x1, y1 float64) {
	var path vg.Path
	path.Move(vg.Point{X: vg.Length(x0), Y: vg.Length(y0)})
	path.Line(vg.Point{X: vg.Length(x1), Y: vg.Length(y1)})
	p.stroke(c, width, dash, path)
}

func (p *page) fill(b box, c color.Color) {
	var path vg.Path
	path.Move(vg.Point{X: vg.Length(b.x0), Y: vg.Length(b.y0)})
	path.Line(vg.Point{X: vg.Length(b.x1), Y: vg.Length(b.y0)})
	path.Line(vg.Point{X: vg.Length(b.x1), Y: vg.Length(b.y1)})
	path.Line(vg.Point{X: vg.Length(b.x0), Y: vg.Length(b.y1)})
	path.Close()
	p.c.SetColor(c)
	p.c.Fill(path)
}

func sized(f font.Face, size float64) font.Face {
	f.Font.Size = vg.Length(size)
	return f
}

func (p *page) textWidth(f font.Face, size float64, s string) float64 {
	f = sized(f, size)
	return f.Width(s).Points()
}

// text writes on the line through y. The text must be drawable.
func (p *page) text(f font.Face, size float64, c color.Color, x, y float64, align int, s string) {
	if s == "" {
		return
	}
	switch align {
	case middle:
		x -= p.textWidth(f, size, s) / 2
	case right:
		x -= p.textWidth(f, size, s)
	}
	p.c.SetColor(c)
	p.c.FillString(sized(f, size), vg.Point{X: vg.Length(x), Y: vg.Length(y)}, s)
}

// halo writes on a ground of its own, so that lines behind do not cross the letters.
func (p *page) halo(f font.Face, size float64, c color.Color, x, y float64, align int, s string) {
	w := p.textWidth(f, size, s)
	from := x
	if align == right {
		from = x - w
	}
	p.fill(box{from - 0.15*p.base, y - 0.25*size, from + w + 0.15*p.base, y + 0.9*size}, faded(p.ground, 215))
	p.text(f, size, c, x, y, align, s)
}

// cut makes a text drawable and as short as the room.
func (p *page) cut(f font.Face, size float64, s string, room float64) string {
	s = drawable(f, s)
	if p.textWidth(f, size, s) <= room {
		return s
	}
	letters := []rune(s)
	for n := min(len(letters), 300) - 1; n > 0; n-- {
		if short := strings.TrimSpace(string(letters[:n])) + "…"; p.textWidth(f, size, short) <= room {
			return short
		}
	}
	return ""
}
