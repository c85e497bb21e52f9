package workspace

import (
	"encoding/json"
	"muster/workspace/limits"
	"strings"
	"unicode/utf8"
)

// Lengths in code points: a message by https://docs.slack.dev/reference/methods/chat.postMessage, an update by
// https://docs.slack.dev/reference/methods/chat.update
const (
	maxText   = 40_000
	maxUpdate = 4_000
	maxExtras = 100 // attachments
	// maxMetadata is a guess on the small side: the limit is not documented.
	maxMetadata = 8_000
)

// content reads text, blocks, attachments and metadata into m, checked.
func (c *call) content(m *Message, longest int) error {
	m.Text = c.str("text")
	if md := c.str("markdown_text"); md != "" {
		if m.Text != "" || c.str("blocks") != "" {
			return code("markdown_text_conflict")
		}
		m.Text = md
	}
	if utf8.RuneCountInString(m.Text) > longest {
		return code("msg_too_long")
	}
	blocks, err := c.blocks()
	if err != nil {
		return err
	}
	m.Blocks = blocks
	if a := c.str("attachments"); a != "" {
		var list []obj
		if json.Unmarshal([]byte(a), &list) != nil {
			return code("invalid_attachments")
		}
		if len(list) > maxExtras {
			return code("too_many_attachments")
		}
		for _, one := range list {
			if one["blocks"] != nil && limits.Message(rawJSON(one["blocks"])) != nil {
				return code("invalid_attachments")
			}
		}
		m.Attachments = nil
		if len(list) > 0 {
			m.Attachments = json.RawMessage(a)
		}
	}
	if m.Text == "" && m.Blocks == nil && m.Attachments == nil {
		return code("no_text")
	}
	return c.metadata(m)
}

func (c *call) metadata(m *Message) error {
	raw := c.str("metadata")
	if raw == "" {
		return nil
	}
	if strings.TrimSpace(raw) == "{}" {
		m.Metadata = nil
		return nil
	}
	var md struct {
		EventType    string          `json:"event_type"`
		EventPayload json.RawMessage `json:"event_payload"`
	}
	if json.Unmarshal([]byte(raw), &md) != nil {
		return code("invalid_metadata_format")
	}
	var payload map[string]any
	if md.EventType == "" || json.Unmarshal(md.EventPayload, &payload) != nil {
		return code("invalid_metadata_schema")
	}
	if len(raw) > maxMetadata {
		return code("metadata_too_large")
	}
	if c.kind == tokenPerson {
		return code("metadata_must_be_sent_from_app")
	}
	m.Metadata = json.RawMessage(raw)
	return nil
}

// blocks reads the blocks argument, checks it against Slack's limits and gives each block an ID.
func (c *call) blocks() (json.RawMessage, error) {
	raw := c.str("blocks")
	if raw == "" {
		return nil, nil
	}
	var list []obj
	if json.Unmarshal([]byte(raw), &list) != nil {
		return nil, code("invalid_blocks_format")
	}
	if len(list) == 0 {
		return nil, nil
	}
	if problems := limits.Message([]byte(raw)); problems != nil {
		e := &apiError{Code: "invalid_blocks", Extra: obj{}}
		var short []string
		for _, p := range problems {
			e.Messages = append(e.Messages, "[ERROR] "+p.String())
			short = append(short, p.String())
		}
		e.Extra["errors"] = short
		return nil, e
	}
	return c.w.identify(list), nil
}

// identify gives every block without one a block_id, and every actions or input element an action_id.
func (w *Workspace) identify(blocks []obj) json.RawMessage {
	for _, b := range blocks {
		if id, _ := b["block_id"].(string); id == "" {
			b["block_id"] = w.nextID("b")
		}
		for _, key := range []string{"element", "accessory"} {
			if e, ok := b[key].(obj); ok {
				w.identifyElement(e)
			}
		}
		if b["type"] == "actions" {
			list, _ := b["elements"].([]any)
			for _, e := range list {
				if e, ok := e.(obj); ok {
					w.identifyElement(e)
				}
			}
		}
	}
	return rawJSON(blocks)
}

func (w *Workspace) identifyElement(e obj) {
	if e["type"] == "image" {
		return
	}
	if id, _ := e["action_id"].(string); id == "" {
		e["action_id"] = w.nextID("a")
	}
}
