package workspace

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

type section struct {
	id, text string
}

// canvasDoc is a canvas: Markdown, cut into sections at its headings.
type canvasDoc struct {
	id, title, channel, by string
	readers                []string // channels that a canvas of no channel was opened to
	markdown               string
	sections               []section
	next                   int
}

func (d *canvasDoc) section(text string) section {
	d.next++
	return section{id: fmt.Sprintf("temp:C:%s%04d", d.id, d.next), text: text}
}

// set replaces the whole content.
func (d *canvasDoc) set(markdown string) {
	d.sections = nil
	d.append(markdown)
}

// append adds content at the end, as sections.
func (d *canvasDoc) append(markdown string) { d.insert(len(d.sections), markdown) }

func (d *canvasDoc) insert(at int, markdown string) {
	var added []section
	var lines []string
	flush := func() {
		if text := strings.Trim(strings.Join(lines, "\n"), "\n"); text != "" {
			added = append(added, d.section(text))
		}
		lines = nil
	}
	for line := range strings.SplitSeq(markdown, "\n") {
		if strings.HasPrefix(line, "#") {
			flush()
		}
		lines = append(lines, line)
	}
	flush()
	d.sections = append(d.sections[:at:at], append(added, d.sections[at:]...)...)
	d.join()
}

func (d *canvasDoc) join() {
	var texts []string
	for _, s := range d.sections {
		texts = append(texts, s.text)
	}
	d.markdown = strings.Join(texts, "\n\n")
}

// maxCanvas is the size of a canvas here, in bytes.
const maxCanvas = 1 << 20

// readDocument reads {"type":"markdown","markdown":"…"}; nothing is an empty document.
func readDocument(raw string) (string, error) {
	if raw == "" {
		return "", nil
	}
	var doc struct{ Type, Markdown string }
	if json.Unmarshal([]byte(raw), &doc) != nil || doc.Type != "markdown" {
		return "", &apiError{Code: "invalid_arguments", Messages: []string{"[ERROR] must be an object of type markdown [json-pointer:/document_content]"}}
	}
	return doc.Markdown, nil
}

func (c *call) newCanvas(ch *conversation, failed string) (obj, error) {
	markdown, err := readDocument(c.str("document_content"))
	if err != nil {
		return nil, err
	}
	if len(markdown) > maxCanvas {
		return nil, code(failed)
	}
	d := &canvasDoc{id: c.w.nextID("F"), title: c.str("title"), by: c.user.id}
	d.set(markdown)
	c.w.canvas[d.id] = d
	if ch != nil {
		d.channel, ch.canvas = ch.id, d.id
		c.w.canvasChanged(d)
	}
	return obj{"canvas_id": d.id}, nil
}

func (w *Workspace) canvasChanged(d *canvasDoc) {
	if ch := w.conversation(d.channel); ch != nil {
		w.toPeople(ch.audience(), obj{"type": "canvas_changed", "channel": ch.id, "canvas_id": d.id})
	}
}

func canvasesCreate(c *call) (obj, error) {
	if c.str("channel_id") != "" {
		return conversationsCanvasesCreate(c)
	}
	return c.newCanvas(nil, "canvas_creation_failed")
}

func conversationsCanvasesCreate(c *call) (obj, error) {
	ch, err := c.joined("channel_id")
	if err != nil {
		return nil, err
	}
	if ch.canvas != "" {
		return nil, code("channel_canvas_already_exists")
	}
	return c.newCanvas(ch, "channel_canvas_creation_failed")
}

func (c *call) canvasDoc() (*canvasDoc, error) {
	d := c.w.canvas[c.str("canvas_id")]
	if d == nil || !c.reads(d) {
		return nil, code("canvas_not_found")
	}
	return d, nil
}

// reads says whether the caller sees a canvas: whose it is, and who is in its channel or in one that it was opened to.
func (c *call) reads(d *canvasDoc) bool {
	return d.by == c.user.id || slices.ContainsFunc(append([]string{d.channel}, d.readers...), func(id string) bool { return c.visible(id) != nil })
}

func canvasesEdit(c *call) (obj, error) {
	d, err := c.canvasDoc()
	if err != nil {
		return nil, err
	}
	var changes []struct {
		Operation       string          `json:"operation"`
		SectionID       string          `json:"section_id"`
		DocumentContent json.RawMessage `json:"document_content"`
		TitleContent    json.RawMessage `json:"title_content"`
	}
	// One change a call, https://docs.slack.dev/reference/methods/canvases.edit
	if json.Unmarshal([]byte(c.str("changes")), &changes) != nil || len(changes) != 1 {
		return nil, code("invalid_arguments")
	}
	change := changes[0]
	markdown, err := readDocument(string(change.DocumentContent))
	if err != nil {
		return nil, err
	}
	if len(d.markdown)+len(markdown) > maxCanvas {
		return nil, code("canvas_too_large")
	}
	at := -1
	for i, s := range d.sections {
		if s.id == change.SectionID {
			at = i
		}
	}
	if change.SectionID != "" && at < 0 {
		return nil, code("canvas_editing_failed")
	}
	switch change.Operation {
	case "insert_at_start":
		d.insert(0, markdown)
	case "insert_at_end":
		d.append(markdown)
	case "insert_before", "insert_after", "delete":
		if at < 0 {
			return nil, code("canvas_editing_failed")
		}
		switch change.Operation {
		case "insert_before":
			d.insert(at, markdown)
		case "insert_after":
			d.insert(at+1, markdown)
		default:
			d.sections = append(d.sections[:at:at], d.sections[at+1:]...)
			d.join()
		}
	case "replace":
		if at < 0 {
			d.set(markdown)
			break
		}
		d.sections = append(d.sections[:at:at], d.sections[at+1:]...)
		d.insert(at, markdown)
	case "rename":
		if d.title, err = readDocument(string(change.TitleContent)); err != nil {
			return nil, err
		}
	default:
		return nil, code("invalid_arguments")
	}
	c.w.canvasChanged(d)
	return nil, nil
}

func canvasesDelete(c *call) (obj, error) {
	d, err := c.canvasDoc()
	if err != nil {
		return nil, err
	}
	delete(c.w.canvas, d.id)
	if ch := c.w.conversation(d.channel); ch != nil {
		ch.canvas = ""
		c.w.canvasChanged(d)
	}
	return nil, nil
}

func canvasesAccessSet(c *call) (obj, error) {
	d, err := c.canvasDoc()
	if err != nil {
		return nil, err
	}
	var ids []string
	if raw := c.str("channel_ids"); raw != "" && json.Unmarshal([]byte(raw), &ids) != nil {
		return nil, code("invalid_arguments")
	}
	d.readers = append(d.readers, ids...)
	return nil, nil
}

func canvasesSectionsLookup(c *call) (obj, error) {
	d, err := c.canvasDoc()
	if err != nil {
		return nil, err
	}
	var want struct {
		Types []string `json:"section_types"`
		Text  string   `json:"contains_text"`
	}
	if json.Unmarshal([]byte(c.str("criteria")), &want) != nil || len(want.Types) == 0 && want.Text == "" {
		return nil, code("invalid_arguments")
	}
	found := []obj{}
	for _, s := range d.sections {
		if strings.Contains(s.text, want.Text) && (len(want.Types) == 0 || headed(s.text, want.Types)) {
			found = append(found, obj{"id": s.id})
		}
	}
	return obj{"sections": found}, nil
}

// headed says whether a section begins with a heading of one of the types h1, h2, h3, any_header.
func headed(text string, types []string) bool {
	level := 0
	for level < len(text) && text[level] == '#' {
		level++
	}
	for _, t := range types {
		if t == "any_header" && level > 0 || t == fmt.Sprintf("h%d", level) {
			return true
		}
	}
	return false
}
