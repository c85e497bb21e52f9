package limits

import (
	"fmt"
	"unicode/utf8"
)

// words checks a text that is either a string or a text object.
func (c *checker) words(path string, v any, most int) {
	if s, ok := v.(string); ok {
		c.length(path, s, 0, most)
		return
	}
	c.text(path, v, 0, most, false)
}

// newer checks the blocks of 2025 and 2026, which not every client shows.
func (c *checker) newer(path, kind string, b object) {
	switch kind {
	case "alert":
		c.words(path+"/text", b["text"], 200)
	case "card":
		for _, part := range []struct {
			key  string
			most int
		}{{"title", 150}, {"subtitle", 150}, {"body", 200}, {"subtext", 200}} {
			c.words(path+"/"+part.key, b[part.key], part.most)
		}
		for i, e := range c.items(path+"/actions", b["actions"], 0, 3) {
			c.element(fmt.Sprintf("%s/actions/%d", path, i), e, inActions)
		}
	case "carousel":
		for i, e := range c.items(path+"/elements", b["elements"], 1, 10) {
			at := fmt.Sprintf("%s/elements/%d", path, i)
			card, ok := e.(object)
			if !ok || card["type"] != "card" {
				c.add(at+"/type", "must be card")
				continue
			}
			c.block(at, card)
		}
	case "container":
		c.words(path+"/title", b["title"], 150)
		c.words(path+"/subtitle", b["subtitle"], 150)
		c.blocks(path+"/child_blocks", c.items(path+"/child_blocks", b["child_blocks"], 0, 0), 10)
	case "table":
		for i, row := range c.items(path+"/rows", b["rows"], 1, 100) {
			c.items(fmt.Sprintf("%s/rows/%d", path, i), row, 1, 20)
		}
	case "data_table":
		c.dataTable(path, b)
	case "data_visualization":
		c.must(path+"/title", b["title"], 1, 50)
		chart, ok := b["chart"].(object)
		if !ok {
			c.add(path+"/chart", "missing required field")
			return
		}
		c.chart(path+"/chart", chart)
	case "task_card", "plan", "call":
	default:
		c.add(path+"/type", "unsupported type: %s", kind)
	}
}

// maxTableText is the text of all cells of a data table together, in code points.
const maxTableText = 20_000

func (c *checker) dataTable(path string, b object) {
	total := 0
	for i, row := range c.items(path+"/rows", b["rows"], 2, 201) {
		at := fmt.Sprintf("%s/rows/%d", path, i)
		for j, cell := range c.items(at, row, 1, 20) {
			o, ok := cell.(object)
			if !ok {
				c.add(fmt.Sprintf("%s/%d", at, j), "must be an object")
				continue
			}
			if o["type"] == "raw_text" {
				c.must(fmt.Sprintf("%s/%d/text", at, j), o["text"], 1, 0)
			}
			text, _ := o["text"].(string)
			total += utf8.RuneCountInString(text)
		}
	}
	if total > maxTableText {
		c.add(path+"/rows", "must be less than %d characters together", maxTableText+1)
	}
	if n, ok := b["page_size"].(float64); ok && (n < 1 || n > 100) {
		c.add(path+"/page_size", "must be from 1 to 100")
	}
}

func (c *checker) chart(path string, chart object) {
	if chart["type"] == "pie" {
		for i, s := range c.items(path+"/segments", chart["segments"], 1, 12) {
			at := fmt.Sprintf("%s/segments/%d", path, i)
			o, ok := s.(object)
			if !ok {
				c.add(at, "must be an object")
				continue
			}
			c.must(at+"/label", o["label"], 1, 20)
			if v, ok := o["value"].(float64); !ok || v <= 0 {
				c.add(at+"/value", "must be more than 0")
			}
		}
		return
	}
	for i, s := range c.items(path+"/series", chart["series"], 1, 12) {
		at := fmt.Sprintf("%s/series/%d", path, i)
		o, ok := s.(object)
		if !ok {
			c.add(at, "must be an object")
			continue
		}
		c.must(at+"/name", o["name"], 1, 20)
		for j, point := range c.items(at+"/data", o["data"], 1, 20) {
			p, ok := point.(object)
			if !ok {
				c.add(fmt.Sprintf("%s/data/%d", at, j), "must be an object")
				continue
			}
			c.must(fmt.Sprintf("%s/data/%d/label", at, j), p["label"], 1, 20)
		}
	}
	axis, ok := chart["axis_config"].(object)
	if !ok {
		return
	}
	at := path + "/axis_config"
	for i, name := range c.items(at+"/categories", axis["categories"], 1, 20) {
		c.must(fmt.Sprintf("%s/categories/%d", at, i), name, 1, 20)
	}
	c.length(at+"/x_label", axis["x_label"], 0, 50)
	c.length(at+"/y_label", axis["y_label"], 0, 50)
}
