package limits

import (
	"fmt"
	"strings"
)

func (c *checker) actionID(path string, e object) {
	c.length(path+"/action_id", e["action_id"], 0, 255)
	id, _ := e["action_id"].(string)
	if id == "" {
		return
	}
	if c.actions[id] {
		c.add(path+"/action_id", "action_id already exists in the block: %q", id)
	}
	c.actions[id] = true
}

// element checks an interactive element or an image that stands where only some are allowed.
func (c *checker) element(path string, v any, allowed map[string]bool) {
	e, ok := v.(object)
	if !ok {
		c.add(path, "must be an object")
		return
	}
	kind, _ := e["type"].(string)
	if !allowed[kind] {
		c.add(path+"/type", "unsupported type: %s", kind)
		return
	}
	if kind == "image" {
		c.image(path, e)
		return
	}
	c.actionID(path, e)
	if kind == "file_input" && c.surface != "modal" {
		c.add(path+"/type", "is only allowed in a modal")
	}
	c.confirmation(path+"/confirm", e["confirm"])
	c.plain(path+"/placeholder", e["placeholder"], 1, 150)
	if e["focus_on_load"] == true {
		if c.focused++; c.focused > 1 {
			c.add(path+"/focus_on_load", "only one element can have the focus")
		}
	}
	switch kind {
	case "button", "workflow_button":
		if c.required(path+"/text", e["text"]) {
			c.plain(path+"/text", e["text"], 1, 75)
		}
		c.length(path+"/url", e["url"], 0, 3000)
		c.length(path+"/value", e["value"], 0, 2000)
		c.length(path+"/accessibility_label", e["accessibility_label"], 0, 75)
		c.style(path, e)
	case "overflow":
		c.options(path+"/options", e["options"], 5, kind)
	case "checkboxes", "radio_buttons":
		c.options(path+"/options", e["options"], 10, kind)
		c.initial(path, e)
	case "static_select", "multi_static_select":
		c.choices(path, e, kind)
		c.initial(path, e)
	case "plain_text_input", "email_text_input", "url_text_input", "number_input":
		c.typed(path, kind, e)
	case "file_input":
		if n, ok := e["max_files"].(float64); ok && (n < 1 || n > 10) {
			c.add(path+"/max_files", "must be from 1 to 10")
		}
	case "datepicker":
		c.shaped(path+"/initial_date", e["initial_date"], "dddd-dd-dd")
	case "timepicker":
		c.shaped(path+"/initial_time", e["initial_time"], "dd:dd")
	}
	if strings.HasPrefix(kind, "multi_") {
		if n, ok := e["max_selected_items"].(float64); ok && n < 1 {
			c.add(path+"/max_selected_items", "must be at least 1")
		}
	}
}

// choices checks the options or option groups of a menu.
func (c *checker) choices(path string, e object, kind string) {
	switch {
	case e["options"] != nil && e["option_groups"] != nil:
		c.add(path, "must have options or option_groups, not both")
	case e["options"] != nil:
		c.options(path+"/options", e["options"], 100, kind)
	default:
		for i, g := range c.items(path+"/option_groups", e["option_groups"], 1, 100) {
			at := fmt.Sprintf("%s/option_groups/%d", path, i)
			o, ok := g.(object)
			if !ok {
				c.add(at, "must be an object")
				continue
			}
			if c.required(at+"/label", o["label"]) {
				c.plain(at+"/label", o["label"], 1, 75)
			}
			c.options(at+"/options", o["options"], 100, kind)
		}
	}
}

// options checks one to most options.
func (c *checker) options(path string, v any, most int, kind string) {
	seen := map[string]bool{}
	for i, item := range c.items(path, v, 1, most) {
		at := fmt.Sprintf("%s/%d", path, i)
		o, ok := item.(object)
		if !ok {
			c.add(at, "must be an object")
			continue
		}
		c.option(at, o, kind)
		if value, _ := o["value"].(string); value != "" {
			if seen[value] {
				c.add(at+"/value", "must be unique: %q", value)
			}
			seen[value] = true
		}
	}
}

func (c *checker) option(path string, o object, kind string) {
	rich := kind == "checkboxes" || kind == "radio_buttons"
	if c.required(path+"/text", o["text"]) {
		c.text(path+"/text", o["text"], 1, 75, !rich)
	}
	c.must(path+"/value", o["value"], 1, 150)
	c.text(path+"/description", o["description"], 1, 75, !rich)
	if o["url"] != nil && kind != "overflow" {
		c.add(path+"/url", "is only allowed in an overflow menu")
	}
	c.length(path+"/url", o["url"], 0, 3000)
}

// initial checks that what is chosen at first is one of the options.
func (c *checker) initial(path string, e object) {
	known := map[any]bool{}
	add := func(list any) {
		items, _ := list.([]any)
		for _, i := range items {
			if o, ok := i.(object); ok {
				known[o["value"]] = true
			}
		}
	}
	add(e["options"])
	groups, _ := e["option_groups"].([]any)
	for _, g := range groups {
		if o, ok := g.(object); ok {
			add(o["options"])
		}
	}
	chosen := []any{}
	if o := e["initial_option"]; o != nil {
		chosen = append(chosen, o)
	}
	if list := e["initial_options"]; list != nil {
		chosen = append(chosen, c.items(path+"/initial_options", list, 1, 100)...)
	}
	for _, o := range chosen {
		o, ok := o.(object)
		if !ok || !known[o["value"]] {
			c.add(path+"/initial_option", "must be one of the options")
		}
	}
}

// typed checks a field that takes text.
func (c *checker) typed(path, kind string, e object) {
	least, _ := e["min_length"].(float64)
	most, bounded := e["max_length"].(float64)
	if least < 0 || least > 3000 {
		c.add(path+"/min_length", "must be from 0 to 3000")
	}
	if bounded && (most < 1 || most > 3000) {
		c.add(path+"/max_length", "must be from 1 to 3000")
	}
	if bounded && least > most {
		c.add(path+"/min_length", "must not be more than max_length")
	}
	if kind == "number_input" {
		if _, ok := e["is_decimal_allowed"].(bool); !ok {
			c.add(path+"/is_decimal_allowed", "missing required field: is_decimal_allowed")
		}
		return
	}
	limit := 0
	if kind == "plain_text_input" {
		limit = 3000
		if bounded && most >= 1 {
			limit = int(most)
		}
	}
	c.length(path+"/initial_value", e["initial_value"], 0, limit)
}

// shaped checks a date or time; d stands for a digit.
func (c *checker) shaped(path string, v any, shape string) {
	if v == nil {
		return
	}
	s, _ := v.(string)
	ok := len(s) == len(shape)
	for i := 0; ok && i < len(s); i++ {
		if shape[i] == 'd' {
			ok = s[i] >= '0' && s[i] <= '9'
		} else {
			ok = s[i] == shape[i]
		}
	}
	if !ok {
		c.add(path, "must look like %s", strings.NewReplacer("dddd-dd-dd", "2026-01-31", "dd:dd", "09:30").Replace(shape))
	}
}
