// Package limits checks messages and views against Slack's Block Kit rules: required fields, lengths, counts, unique ids, and
// which element may stand where. Lengths are counted in code points.
//
// It never changes what it checks, and never decides what to do about a problem.
package limits

import (
	"encoding/json"
	"fmt"
	"unicode/utf8"
)

// Problem is one broken rule.
type Problem struct {
	Path    string // a JSON pointer, such as /blocks/0/text/text
	Message string // such as "must be less than 3001 characters"
}

// String is the problem as Slack words it.
func (p Problem) String() string { return p.Message + " [json-pointer:" + p.Path + "]" }

// Slack's counts, https://docs.slack.dev/reference/block-kit/blocks and https://docs.slack.dev/reference/views
const (
	maxMessageBlocks = 50
	maxViewBlocks    = 100
)

type object = map[string]any

// checker gathers problems.
type checker struct {
	surface  string // "message", "modal", "home"
	problems []Problem
	blockIDs map[string]bool
	actions  map[string]bool
	focused  int
}

func (c *checker) add(path, format string, args ...any) {
	c.problems = append(c.problems, Problem{Path: path, Message: fmt.Sprintf(format, args...)})
}

// Message checks a message's blocks: a JSON array, or an object with a blocks field. Nil: nothing is wrong.
func Message(raw json.RawMessage) []Problem {
	c := &checker{surface: "message", blockIDs: map[string]bool{}}
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		c.add("/blocks", "must be valid JSON")
		return c.problems
	}
	if o, ok := v.(object); ok {
		v = o["blocks"]
	}
	list, ok := v.([]any)
	if !ok {
		c.add("/blocks", "must be an array")
		return c.problems
	}
	c.blocks("/blocks", list, maxMessageBlocks)
	return c.problems
}

// View checks a modal or a home view: a JSON object. Nil: nothing is wrong.
func View(raw json.RawMessage) []Problem {
	c := &checker{blockIDs: map[string]bool{}}
	var v object
	if json.Unmarshal(raw, &v) != nil {
		c.add("/view", "must provide an object")
		return c.problems
	}
	if len(raw) > 250_000 {
		c.add("/view", "must be less than 250001 bytes")
	}
	c.surface, _ = v["type"].(string)
	switch c.surface {
	case "modal":
		c.required("/view/title", v["title"])
		for _, k := range []string{"title", "submit", "close"} {
			c.plain("/view/"+k, v[k], 1, 24)
		}
	case "home":
		for _, k := range []string{"submit", "close"} {
			if v[k] != nil {
				c.add("/view/"+k, "is not allowed in a home view")
			}
		}
	default:
		c.add("/view/type", "must be modal or home")
		return c.problems
	}
	c.length("/view/private_metadata", v["private_metadata"], 0, 3000)
	c.length("/view/callback_id", v["callback_id"], 0, 255)
	c.length("/view/external_id", v["external_id"], 0, 255)
	list, ok := v["blocks"].([]any)
	if !ok {
		c.add("/view/blocks", "missing required field: blocks")
		return c.problems
	}
	if len(list) == 0 {
		c.add("/view/blocks", "no fewer than 1 items allowed")
	}
	c.blocks("/view/blocks", list, maxViewBlocks)
	hasInput := false
	for _, b := range list {
		if o, ok := b.(object); ok && o["type"] == "input" {
			hasInput = true
		}
	}
	if c.surface == "modal" && hasInput && v["submit"] == nil {
		c.add("/view/submit", "is required when there are input blocks")
	}
	return c.problems
}

func (c *checker) required(path string, v any) bool {
	if v == nil {
		c.add(path, "missing required field")
		return false
	}
	return true
}

// length checks a string of least to most code points; an absent one is fine, and so is any length where most is zero.
func (c *checker) length(path string, v any, least, most int) {
	if v == nil {
		return
	}
	s, ok := v.(string)
	if !ok {
		c.add(path, "must be a string")
		return
	}
	n := utf8.RuneCountInString(s)
	if n < least {
		c.add(path, "must be more than %d characters", least-1)
	}
	if most > 0 && n > most {
		c.add(path, "must be less than %d characters", most+1)
	}
}

// must is length for a string that may not be absent.
func (c *checker) must(path string, v any, least, most int) {
	if c.required(path, v) {
		c.length(path, v, least, most)
	}
}

// text checks a text object; plain: only plain_text is allowed.
func (c *checker) text(path string, v any, least, most int, plain bool) {
	if v == nil {
		return
	}
	o, ok := v.(object)
	if !ok {
		c.add(path, "must be an object")
		return
	}
	switch o["type"] {
	case "plain_text":
		if o["verbatim"] != nil {
			c.add(path+"/verbatim", "is only allowed for mrkdwn")
		}
	case "mrkdwn":
		if plain {
			c.add(path+"/type", "must be plain_text")
		}
		if o["emoji"] != nil {
			c.add(path+"/emoji", "is only allowed for plain_text")
		}
	default:
		c.add(path+"/type", "must be plain_text or mrkdwn")
	}
	c.must(path+"/text", o["text"], least, most)
}

func (c *checker) plain(path string, v any, least, most int) { c.text(path, v, least, most, true) }

// items checks an array and gives its objects; nil: it is absent or not an array.
func (c *checker) items(path string, v any, least, most int) []any {
	if v == nil {
		if least > 0 {
			c.add(path, "missing required field")
		}
		return nil
	}
	list, ok := v.([]any)
	if !ok {
		c.add(path, "must be an array")
		return nil
	}
	if len(list) < least {
		c.add(path, "no fewer than %d items allowed", least)
	}
	if most > 0 && len(list) > most {
		c.add(path, "no more than %d items allowed", most)
	}
	return list
}

func (c *checker) confirmation(path string, v any) {
	if v == nil {
		return
	}
	o, ok := v.(object)
	if !ok {
		c.add(path, "must be an object")
		return
	}
	for _, part := range []struct {
		key  string
		most int
	}{{"title", 100}, {"confirm", 30}, {"deny", 30}} {
		c.plain(path+"/"+part.key, o[part.key], 1, part.most)
	}
	if c.required(path+"/text", o["text"]) {
		c.text(path+"/text", o["text"], 1, 300, false)
	}
	c.style(path, o)
}

func (c *checker) style(path string, o object) {
	switch o["style"] {
	case nil, "primary", "danger":
	default:
		c.add(path+"/style", "must be primary or danger")
	}
}
