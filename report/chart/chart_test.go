package chart_test

import (
	"bytes"
	"encoding/xml"
	"flag"
	"fmt"
	"image/png"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"muster/report/chart"
)

var update = flag.Bool("update", false, "write the pictures of testdata anew")

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// wave is n points, one every step, up to noon.
func wave(name string, n int, step time.Duration, f func(i int) float64) chart.Line {
	l := chart.Line{Name: name}
	for i := range n {
		l.Points = append(l.Points, chart.Point{At: noon.Add(time.Duration(i-n+1) * step), V: f(i)})
	}
	return l
}

func limit(v float64) *float64 { return &v }

// samples are charts as they occur.
func samples() map[string]chart.Chart {
	hour := noon.Add(-time.Hour)
	errors := wave("checkout", 121, 30*time.Second, func(i int) float64 {
		return 0.4 + 0.2*math.Sin(float64(i)/5) + 9/(1+math.Exp(-float64(i-80)/3))
	})
	gaps := wave("checkout-api-7f9c", 61, time.Minute, func(i int) float64 {
		switch {
		case i > 20 && i < 30:
			return math.NaN()
		case i == 40:
			return math.Inf(1)
		}
		return 180 + 60*math.Sin(float64(i)/6) + 900*math.Exp(-math.Pow(float64(i-50)/4, 2))
	})
	missing := wave("checkout-api-b2d1", 61, time.Minute, func(i int) float64 { return 140 + 30*math.Cos(float64(i)/9) })
	missing.Points = append(missing.Points[:34:34], missing.Points[45:]...)
	many := chart.Chart{Title: "Requests a second, by instance of the checkout service in both regions", Unit: "req/s", From: hour, To: noon}
	for k := range 14 {
		many.Lines = append(many.Lines, wave(fmt.Sprintf("10.0.3.%d:8080", 10+k), 61, time.Minute, func(i int) float64 {
			return 900*float64(k+1) + 100*math.Sin(float64(i+7*k)/8)
		}))
	}
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		panic(err)
	}
	return map[string]chart.Chart{
		"errors": {Title: "Error rate", Unit: "%", Lines: []chart.Line{errors}, From: hour, To: noon, Threshold: limit(5),
			Marks: []chart.Mark{{At: noon.Add(-18 * time.Minute), Label: "alert"}, {At: noon.Add(-15 * time.Minute), Label: "INC-12 declared"}}},
		"errors-dark": {Title: "Error rate", Unit: "%", Lines: []chart.Line{errors}, From: hour, To: noon, Threshold: limit(5), Dark: true,
			Marks: []chart.Mark{{At: noon.Add(-18 * time.Minute), Label: "alert"}, {At: noon.Add(-15 * time.Minute), Label: "INC-12 declared"}}},
		"gaps":   {Title: "Response time, p95", Unit: "ms", Lines: []chart.Line{gaps, missing}, From: hour, To: noon, Zone: berlin},
		"many":   many,
		"empty":  {Title: "🔥 up{job=\"checkout\"} — 状態", From: hour, To: noon},
		"up":     {Title: `up{job="checkout-api"}`, Lines: []chart.Line{wave("", 61, time.Minute, func(i int) float64 { return float64(1 - i/45) })}, From: hour, To: noon, Threshold: limit(0)},
		"memory": {Title: "Memory", Unit: "B", Lines: []chart.Line{wave("postgres-0", 97, 30*time.Minute, func(i int) float64 { return 3e9 + 2e7*float64(i) })}, Zone: berlin, Threshold: limit(5 << 30)},
		"flat":   {Title: "Queue", Unit: "jobs", Lines: []chart.Line{wave("mail", 20, 10*time.Second, func(int) float64 { return 1234567 })}},
		"minus":  {Title: "Balance", Lines: []chart.Line{wave("", 200, 24*time.Hour, func(i int) float64 { return -3 + 5*math.Sin(float64(i)/20) })}, Dark: true},
	}
}

func TestPictures(t *testing.T) {
	for name, c := range samples() {
		t.Run(name, func(t *testing.T) {
			got, err := chart.SVG(c)
			if err != nil {
				t.Fatal(err)
			}
			file := filepath.Join("testdata", name+".svg")
			if *update {
				if err := os.WriteFile(file, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("%s differs; look at it and run with -update", file)
			}
			picture, err := chart.PNG(c, 1000, 500)
			if err != nil {
				t.Fatal(err)
			}
			if dir := os.Getenv("CHART_PICTURES"); dir != "" {
				os.WriteFile(filepath.Join(dir, name+".png"), picture, 0o644)
			}
		})
	}
}

func TestSameBytes(t *testing.T) {
	for name, c := range samples() {
		for _, draw := range []func(chart.Chart) ([]byte, error){chart.SVG, func(c chart.Chart) ([]byte, error) { return chart.PNG(c, 800, 400) }} {
			one, err := draw(c)
			if err != nil {
				t.Fatal(err)
			}
			if two, _ := draw(samples()[name]); !bytes.Equal(one, two) {
				t.Errorf("%s: two pictures of the same chart differ", name)
			}
		}
	}
}

// texts gives what an SVG says, checking that it is well-formed.
func texts(t interface{ Fatalf(string, ...any) }, svg []byte) string {
	var all []string
	d := xml.NewDecoder(bytes.NewReader(svg))
	for {
		token, err := d.Token()
		if err == io.EOF {
			return strings.Join(all, "\n")
		}
		if err != nil {
			t.Fatalf("not well-formed: %v", err)
		}
		if text, ok := token.(xml.CharData); ok && strings.TrimSpace(string(text)) != "" {
			all = append(all, strings.TrimSpace(string(text)))
		}
	}
}

func TestWords(t *testing.T) {
	for name, want := range map[string][]string{
		"errors": {"Error rate", "limit 5%", "alert", "INC-12 declared", "11:00", "22 Nov 2026, UTC", "10.0%"},
		"gaps":   {"22 Nov 2026, CET", "12:15", "500 ms", "checkout-api-b2d1"},
		"many":   {"req/s", "more", "15k"},
		"empty":  {"No data for this time", `up{job="checkout"} — ??`, "11:15"},
		"memory": {"GiB", "limit 5 GiB", "20 Nov – 22 Nov 2026, CET"},
		"minus":  {"−", "Nov 2026"},
	} {
		svg, err := chart.SVG(samples()[name])
		if err != nil {
			t.Fatal(err)
		}
		said := texts(t, svg)
		for _, w := range want {
			if !strings.Contains(said, w) {
				t.Errorf("%s does not say %q:\n%s", name, w, said)
			}
		}
	}
}

// A gap parts the line; a lone value between gaps is a dot.
func TestGaps(t *testing.T) {
	count := func(values ...float64) (lines, dots int) {
		l := chart.Line{}
		for i, v := range values {
			if v == -1 { // no sample at all
				continue
			}
			l.Points = append(l.Points, chart.Point{At: noon.Add(time.Duration(i) * time.Minute), V: v})
		}
		svg, err := chart.SVG(chart.Chart{Lines: []chart.Line{l, {Points: nil}}, From: noon, To: noon.Add(time.Duration(len(values)) * time.Minute)})
		if err != nil {
			t.Fatal(err)
		}
		blue := "#1467B3"
		return strings.Count(string(svg), "stroke:"+blue), strings.Count(string(svg), "fill:"+blue)
	}
	nan := math.NaN()
	for _, c := range []struct {
		values      []float64
		lines, dots int
	}{
		{[]float64{1, 2, 3, 4}, 1, 0},
		{[]float64{1, 2, nan, 3, 4}, 2, 0},
		{[]float64{1, 2, 2, 2, -1, 3, 4}, 2, 0},
		{[]float64{1, 2, nan, 3, nan, 4, 5}, 2, 1},
		{[]float64{nan, math.Inf(-1), 1}, 0, 1},
		{[]float64{1}, 0, 1},
	} {
		if lines, dots := count(c.values...); lines != c.lines || dots != c.dots {
			t.Errorf("%v: %d lines and %d dots, want %d and %d", c.values, lines, dots, c.lines, c.dots)
		}
	}
}

func TestSize(t *testing.T) {
	for _, bad := range [][2]int{{0, 0}, {100, 400}, {400, 100}, {5000, 400}, {-1, 400}} {
		if _, err := chart.PNG(chart.Chart{}, bad[0], bad[1]); err == nil {
			t.Errorf("%v is drawn", bad)
		}
	}
	data, err := chart.PNG(samples()["errors"], 640, 320)
	if err != nil {
		t.Fatal(err)
	}
	picture, err := png.Decode(bytes.NewReader(data))
	if err != nil || picture.Bounds().Dx() != 640 || picture.Bounds().Dy() != 320 {
		t.Errorf("%v, %v", picture.Bounds(), err)
	}
}

// Whatever it is given, the picture is well-formed, holds no number that is
// none, has few ticks, and does not take long.
func TestAnyChart(t *testing.T) {
	value := rapid.OneOf(rapid.Float64(), rapid.SampledFrom([]float64{math.NaN(), math.Inf(1), math.Inf(-1), 0, 1e308, -1e308, 5e-324, 1, 100}))
	moment := rapid.Custom(func(t *rapid.T) time.Time {
		return noon.Add(time.Duration(rapid.Int64Range(-1e18, 1e18).Draw(t, "ns")) / time.Duration(rapid.SampledFrom([]int64{1, 1e3, 1e6, 1e12}).Draw(t, "div")))
	})
	rapid.Check(t, func(t *rapid.T) {
		c := chart.Chart{
			Title: rapid.String().Draw(t, "title"), Unit: rapid.SampledFrom([]string{"", "%", "ms", "s", "B", "req/s", "\x00<&"}).Draw(t, "unit"),
			Dark: rapid.Bool().Draw(t, "dark"),
		}
		for range rapid.IntRange(0, 9).Draw(t, "lines") {
			l := chart.Line{Name: rapid.String().Draw(t, "name")}
			at := moment.Draw(t, "start")
			for range rapid.IntRange(0, 20).Draw(t, "points") {
				l.Points = append(l.Points, chart.Point{At: at, V: value.Draw(t, "v")})
				at = at.Add(time.Duration(rapid.Int64Range(0, 1e12).Draw(t, "gap")))
			}
			c.Lines = append(c.Lines, l)
		}
		if rapid.Bool().Draw(t, "bounded") {
			c.From, c.To = moment.Draw(t, "from"), moment.Draw(t, "to")
		}
		if rapid.Bool().Draw(t, "limited") {
			c.Threshold = limit(value.Draw(t, "threshold"))
		}
		for range rapid.IntRange(0, 6).Draw(t, "marks") {
			c.Marks = append(c.Marks, chart.Mark{At: moment.Draw(t, "mark"), Label: rapid.String().Draw(t, "label")})
		}
		svg, err := chart.SVG(c)
		if err != nil {
			t.Fatal(err)
		}
		texts(t, svg)
		if bytes.Contains(svg, []byte("NaN")) && !strings.Contains(c.Title, "NaN") || bytes.Contains(svg, []byte("Inf,")) {
			t.Fatalf("a coordinate is no number:\n%s", svg)
		}
		if n := strings.Count(string(svg), "<text"); n > 60 {
			t.Fatalf("%d texts", n)
		}
	})
}

// TestTheNewestValuesAreNotCovered: the limit's word, which has a ground of its
// own, stands over the oldest values.
func TestTheNewestValuesAreNotCovered(t *testing.T) {
	svg, err := chart.SVG(samples()["errors"])
	if err != nil {
		t.Fatal(err)
	}
	before, _, ok := strings.Cut(string(svg), ">limit ")
	var at float64
	if _, err := fmt.Sscanf(before[strings.LastIndex(before, "<text"):], `<text x="%f"`, &at); !ok || err != nil {
		t.Fatal(ok, err)
	}
	if at == 0 || at > 250 {
		t.Errorf("the limit's word begins at %v of 1000", at)
	}
}
