package limits

import "fmt"

// anyElement are the elements that a section's accessory and, but for image, an actions block can hold.
var accessories = set("button", "image", "checkboxes", "datepicker", "timepicker", "datetimepicker", "overflow", "radio_buttons", "static_select",
	"external_select", "users_select", "conversations_select", "channels_select", "multi_static_select", "multi_external_select",
	"multi_users_select", "multi_conversations_select", "multi_channels_select", "workflow_button")

var inActions = set("button", "checkboxes", "datepicker", "timepicker", "datetimepicker", "overflow", "radio_buttons", "static_select",
	"external_select", "users_select", "conversations_select", "channels_select", "multi_static_select", "multi_external_select",
	"multi_users_select", "multi_conversations_select", "multi_channels_select", "rich_text_input", "plain_text_input", "workflow_button")

var inInput = set("plain_text_input", "email_text_input", "url_text_input", "number_input", "rich_text_input", "file_input", "checkboxes",
	"datepicker", "timepicker", "datetimepicker", "radio_buttons", "static_select", "external_select", "users_select", "conversations_select",
	"channels_select", "multi_static_select", "multi_external_select", "multi_users_select", "multi_conversations_select", "multi_channels_select")

func set(names ...string) map[string]bool {
	m := map[string]bool{}
	for _, n := range names {
		m[n] = true
	}
	return m
}

func (c *checker) blocks(path string, list []any, most int) {
	if len(list) > most {
		c.add(path, "no more than %d items allowed", most)
	}
	for i, b := range list {
		at := fmt.Sprintf("%s/%d", path, i)
		o, ok := b.(object)
		if !ok {
			c.add(at, "must be an object")
			continue
		}
		c.block(at, o)
	}
}

func (c *checker) block(path string, b object) {
	c.length(path+"/block_id", b["block_id"], 0, 255)
	if id, _ := b["block_id"].(string); id != "" {
		if c.blockIDs[id] {
			c.add(path+"/block_id", "block_id already exists: %q", id)
		}
		c.blockIDs[id] = true
	}
	c.actions = map[string]bool{}
	kind, _ := b["type"].(string)
	switch kind {
	case "section":
		c.section(path, b)
	case "header":
		if c.required(path+"/text", b["text"]) {
			c.plain(path+"/text", b["text"], 1, 150)
		}
	case "divider":
	case "actions":
		for i, e := range c.items(path+"/elements", b["elements"], 1, 25) {
			c.element(fmt.Sprintf("%s/elements/%d", path, i), e, inActions)
		}
	case "context":
		for i, e := range c.items(path+"/elements", b["elements"], 1, 10) {
			c.contextElement(fmt.Sprintf("%s/elements/%d", path, i), e)
		}
	case "image":
		c.image(path, b)
		c.plain(path+"/title", b["title"], 1, 2000)
	case "input":
		c.input(path, b)
	case "rich_text":
		c.items(path+"/elements", b["elements"], 1, 0)
	case "markdown":
		c.must(path+"/text", b["text"], 1, 12000)
	case "file":
		c.must(path+"/external_id", b["external_id"], 1, 0)
	case "video":
		c.video(path, b)
	case "context_actions":
		for i, e := range c.items(path+"/elements", b["elements"], 1, 5) {
			c.contextAction(fmt.Sprintf("%s/elements/%d", path, i), e)
		}
	default:
		c.newer(path, kind, b)
	}
}

func (c *checker) section(path string, b object) {
	if b["text"] == nil && b["fields"] == nil {
		c.add(path, "must have text or fields")
	}
	c.text(path+"/text", b["text"], 1, 3000, false)
	if b["fields"] != nil {
		for i, f := range c.items(path+"/fields", b["fields"], 1, 10) {
			c.text(fmt.Sprintf("%s/fields/%d", path, i), f, 1, 2000, false)
		}
	}
	if b["accessory"] != nil {
		c.element(path+"/accessory", b["accessory"], accessories)
	}
}

func (c *checker) contextElement(path string, e any) {
	o, ok := e.(object)
	if !ok {
		c.add(path, "must be an object")
		return
	}
	if o["type"] == "image" {
		c.image(path, o)
		return
	}
	c.text(path, o, 1, 3000, false)
}

func (c *checker) image(path string, o object) {
	c.must(path+"/alt_text", o["alt_text"], 1, 2000)
	switch {
	case o["image_url"] != nil:
		c.length(path+"/image_url", o["image_url"], 1, 3000)
	case o["slack_file"] == nil:
		c.add(path+"/image_url", "missing required field: image_url")
	}
}

func (c *checker) input(path string, b object) {
	if c.required(path+"/label", b["label"]) {
		c.plain(path+"/label", b["label"], 1, 2000)
	}
	c.plain(path+"/hint", b["hint"], 1, 2000)
	if c.required(path+"/element", b["element"]) {
		c.element(path+"/element", b["element"], inInput)
	}
}

func (c *checker) video(path string, b object) {
	c.must(path+"/alt_text", b["alt_text"], 1, 200)
	if c.required(path+"/title", b["title"]) {
		c.plain(path+"/title", b["title"], 1, 200)
	}
	c.must(path+"/video_url", b["video_url"], 1, 3000)
	c.must(path+"/thumbnail_url", b["thumbnail_url"], 1, 3000)
	c.length(path+"/title_url", b["title_url"], 1, 3000)
	c.length(path+"/author_name", b["author_name"], 0, 50)
	c.length(path+"/provider_name", b["provider_name"], 0, 50)
	c.plain(path+"/description", b["description"], 0, 200)
}

func (c *checker) contextAction(path string, e any) {
	o, ok := e.(object)
	if !ok {
		c.add(path, "must be an object")
		return
	}
	c.actionID(path, o)
	switch o["type"] {
	case "feedback_buttons":
		for _, k := range []string{"positive_button", "negative_button"} {
			at := path + "/" + k
			button, ok := o[k].(object)
			if !ok {
				c.add(at, "missing required field")
				continue
			}
			c.plain(at+"/text", button["text"], 1, 75)
			c.must(at+"/value", button["value"], 1, 2000)
			c.length(at+"/accessibility_label", button["accessibility_label"], 0, 75)
		}
	case "icon_button":
		c.must(path+"/icon", o["icon"], 1, 0)
		c.plain(path+"/text", o["text"], 1, 75)
		c.length(path+"/value", o["value"], 0, 2000)
		c.length(path+"/accessibility_label", o["accessibility_label"], 0, 75)
		c.items(path+"/visible_to_user_ids", o["visible_to_user_ids"], 0, 10)
		c.confirmation(path+"/confirm", o["confirm"])
	default:
		c.add(path+"/type", "unsupported type: %v", o["type"])
	}
}
