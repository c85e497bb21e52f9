package limits_test

import (
	"encoding/json"
	"strings"
	"testing"

	"muster/workspace/limits"
)

type object = map[string]any

func plain(s string) object  { return object{"type": "plain_text", "text": s} }
func mrkdwn(s string) object { return object{"type": "mrkdwn", "text": s} }

// wide is n code points of two to four bytes each.
func wide(n int) string { return strings.Repeat("é🚨", n/2) + strings.Repeat("é", n%2) }

func times[T any](n int, v T) []T {
	out := make([]T, n)
	for i := range out {
		out[i] = v
	}
	return out
}

func options(n int, kind func(string) object) []object {
	var out []object
	for i := range n {
		out = append(out, object{"text": kind("o"), "value": strings.Repeat("v", i+1)})
	}
	return out
}

func actions(elements ...object) object { return object{"type": "actions", "elements": elements} }

func button(change object) object {
	b := object{"type": "button", "text": plain("Go"), "action_id": "go"}
	for k, v := range change {
		b[k] = v
	}
	return b
}

func menu(kind string, opts []object) object {
	return object{"type": kind, "action_id": "m", "options": opts}
}

func input(element object) object {
	return object{"type": "input", "label": plain("Label"), "element": element}
}

func chart(title string, c object) object {
	return object{"type": "data_visualization", "title": title, "chart": c}
}

func segments(n int) []object { return times(n, object{"label": "s", "value": 1}) }

func series(name string, n int) object {
	return object{"name": name, "data": times(n, object{"label": "p", "value": 1})}
}

func raw(t *testing.T, v any) json.RawMessage {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestEdges checks each length and count at its limit, which is fine, and one beyond, which is not.
func TestEdges(t *testing.T) {
	header := func(n int) object { return object{"type": "header", "text": plain(wide(n))} }
	text := func(n int) object { return object{"type": "section", "text": mrkdwn(wide(n))} }
	option := func(change object) object {
		o := object{"text": plain("o"), "value": "v"}
		for k, v := range change {
			o[k] = v
		}
		return actions(menu("static_select", []object{o}))
	}
	confirm := func(key string, n int) object {
		c := object{"title": plain("t"), "text": plain("t"), "confirm": plain("c"), "deny": plain("d")}
		c[key] = plain(wide(n))
		return actions(button(object{"confirm": c}))
	}
	for name, edge := range map[string]struct {
		most  int
		block func(n int) object
		path  string
	}{
		"section text":        {3000, text, "/blocks/0/text/text"},
		"section fields":      {10, func(n int) object { return object{"type": "section", "fields": times(n, mrkdwn("f"))} }, "/blocks/0/fields"},
		"field text":          {2000, func(n int) object { return object{"type": "section", "fields": []object{mrkdwn(wide(n))}} }, "/blocks/0/fields/0/text"},
		"header":              {150, header, "/blocks/0/text/text"},
		"block id":            {255, func(n int) object { return object{"type": "divider", "block_id": wide(n)} }, "/blocks/0/block_id"},
		"action id":           {255, func(n int) object { return actions(button(object{"action_id": wide(n)})) }, "/blocks/0/elements/0/action_id"},
		"button text":         {75, func(n int) object { return actions(button(object{"text": plain(wide(n))})) }, "/blocks/0/elements/0/text/text"},
		"button value":        {2000, func(n int) object { return actions(button(object{"value": wide(n)})) }, "/blocks/0/elements/0/value"},
		"button url":          {3000, func(n int) object { return actions(button(object{"url": wide(n)})) }, "/blocks/0/elements/0/url"},
		"accessibility label": {75, func(n int) object { return actions(button(object{"accessibility_label": wide(n)})) }, "/blocks/0/elements/0/accessibility_label"},
		"confirm title":       {100, func(n int) object { return confirm("title", n) }, "/blocks/0/elements/0/confirm/title/text"},
		"confirm text":        {300, func(n int) object { return confirm("text", n) }, "/blocks/0/elements/0/confirm/text/text"},
		"confirm yes":         {30, func(n int) object { return confirm("confirm", n) }, "/blocks/0/elements/0/confirm/confirm/text"},
		"confirm no":          {30, func(n int) object { return confirm("deny", n) }, "/blocks/0/elements/0/confirm/deny/text"},
		"elements of actions": {25, func(n int) object { return actions(times(n, object{"type": "button", "text": plain("Go")})...) }, "/blocks/0/elements"},
		"elements of context": {10, func(n int) object { return object{"type": "context", "elements": times(n, mrkdwn("c"))} }, "/blocks/0/elements"},
		"option text":         {75, func(n int) object { return option(object{"text": plain(wide(n))}) }, "/blocks/0/elements/0/options/0/text/text"},
		"option value":        {150, func(n int) object { return option(object{"value": wide(n)}) }, "/blocks/0/elements/0/options/0/value"},
		"option description":  {75, func(n int) object { return option(object{"description": plain(wide(n))}) }, "/blocks/0/elements/0/options/0/description/text"},
		"options":             {100, func(n int) object { return actions(menu("static_select", options(n, plain))) }, "/blocks/0/elements/0/options"},
		"option groups": {100, func(n int) object {
			return actions(object{"type": "static_select", "option_groups": times(n, object{"label": plain("g"), "options": options(1, plain)})})
		}, "/blocks/0/elements/0/option_groups"},
		"group label": {75, func(n int) object {
			return actions(object{"type": "static_select", "option_groups": []object{{"label": plain(wide(n)), "options": options(1, plain)}}})
		}, "/blocks/0/elements/0/option_groups/0/label/text"},
		"overflow":      {5, func(n int) object { return actions(menu("overflow", options(n, plain))) }, "/blocks/0/elements/0/options"},
		"checkboxes":    {10, func(n int) object { return actions(menu("checkboxes", options(n, mrkdwn))) }, "/blocks/0/elements/0/options"},
		"radio buttons": {10, func(n int) object { return actions(menu("radio_buttons", options(n, mrkdwn))) }, "/blocks/0/elements/0/options"},
		"placeholder": {150, func(n int) object {
			return actions(object{"type": "users_select", "placeholder": plain(wide(n))})
		}, "/blocks/0/elements/0/placeholder/text"},
		"input label": {2000, func(n int) object {
			return object{"type": "input", "label": plain(wide(n)), "element": object{"type": "datepicker"}}
		}, "/blocks/0/label/text"},
		"input hint":    {2000, func(n int) object { b := input(object{"type": "datepicker"}); b["hint"] = plain(wide(n)); return b }, "/blocks/0/hint/text"},
		"input length":  {3000, func(n int) object { return input(object{"type": "plain_text_input", "max_length": n}) }, "/blocks/0/element/max_length"},
		"initial value": {3000, func(n int) object { return input(object{"type": "plain_text_input", "initial_value": wide(n)}) }, "/blocks/0/element/initial_value"},
		"initial value within its field": {20, func(n int) object {
			return input(object{"type": "plain_text_input", "max_length": 20, "initial_value": wide(n)})
		}, "/blocks/0/element/initial_value"},
		"image text": {2000, func(n int) object { return object{"type": "image", "image_url": "https://x", "alt_text": wide(n)} }, "/blocks/0/alt_text"},
		"image url":  {3000, func(n int) object { return object{"type": "image", "image_url": wide(n), "alt_text": "x"} }, "/blocks/0/image_url"},
		"markdown":   {12000, func(n int) object { return object{"type": "markdown", "text": wide(n)} }, "/blocks/0/text"},
		"alert":      {200, func(n int) object { return object{"type": "alert", "text": wide(n)} }, "/blocks/0/text"},
		"card actions": {3, func(n int) object {
			return object{"type": "card", "actions": times(n, object{"type": "button", "text": plain("Go")})}
		}, "/blocks/0/actions"},
		"carousel": {10, func(n int) object { return object{"type": "carousel", "elements": times(n, object{"type": "card"})} }, "/blocks/0/elements"},
		"children": {10, func(n int) object {
			return object{"type": "container", "child_blocks": times(n, object{"type": "divider"})}
		}, "/blocks/0/child_blocks"},
		"rows of data table": {201, func(n int) object {
			return object{"type": "data_table", "rows": times(n, []object{{"type": "raw_text", "text": "x"}})}
		}, "/blocks/0/rows"},
		"chart title": {50, func(n int) object { return chart(wide(n), object{"type": "pie", "segments": segments(1)}) }, "/blocks/0/title"},
		"segments":    {12, func(n int) object { return chart("t", object{"type": "pie", "segments": segments(n)}) }, "/blocks/0/chart/segments"},
		"series":      {12, func(n int) object { return chart("t", object{"type": "bar", "series": times(n, series("s", 1))}) }, "/blocks/0/chart/series"},
		"series name": {20, func(n int) object { return chart("t", object{"type": "line", "series": []object{series(wide(n), 1)}}) }, "/blocks/0/chart/series/0/name"},
		"points":      {20, func(n int) object { return chart("t", object{"type": "area", "series": []object{series("s", n)}}) }, "/blocks/0/chart/series/0/data"},
		"axis label": {50, func(n int) object {
			return chart("t", object{"type": "bar", "series": []object{series("s", 1)}, "axis_config": object{"categories": []string{"c"}, "x_label": wide(n)}})
		}, "/blocks/0/chart/axis_config/x_label"},
		"categories": {20, func(n int) object {
			return chart("t", object{"type": "bar", "series": []object{series("s", 1)}, "axis_config": object{"categories": times(n, "c")}})
		}, "/blocks/0/chart/axis_config/categories"},
		"page size": {100, func(n int) object {
			return object{"type": "data_table", "page_size": n, "rows": times(2, []object{{"type": "raw_text", "text": "x"}})}
		}, "/blocks/0/page_size"},
		"columns": {20, func(n int) object {
			return object{"type": "data_table", "rows": [][]object{times(20, object{"type": "raw_text", "text": "x"}), times(n, object{"type": "raw_text", "text": "x"})}}
		}, "/blocks/0/rows/1"},
		"text of a table": {20000, func(n int) object {
			return object{"type": "data_table", "rows": [][]object{{{"type": "raw_text", "text": wide(n - 1)}}, {{"type": "raw_text", "text": "x"}}}}
		}, "/blocks/0/rows"},
		"video title": {200, func(n int) object {
			return object{"type": "video", "title": plain(wide(n)), "alt_text": "x", "video_url": "u", "thumbnail_url": "u"}
		}, "/blocks/0/title/text"},
		"context actions": {5, func(n int) object {
			return object{"type": "context_actions", "elements": times(n, object{"type": "icon_button", "icon": "trash"})}
		}, "/blocks/0/elements"},
		"feedback text": {75, func(n int) object {
			b := object{"text": plain(wide(n)), "value": "v"}
			return object{"type": "context_actions", "elements": []object{{"type": "feedback_buttons", "positive_button": b, "negative_button": object{"text": plain("n"), "value": "v"}}}}
		}, "/blocks/0/elements/0/positive_button/text/text"},
	} {
		t.Run(name, func(t *testing.T) {
			if p := limits.Message(raw(t, []object{edge.block(edge.most)})); p != nil {
				t.Errorf("at the limit: %v", p)
			}
			p := limits.Message(raw(t, []object{edge.block(edge.most + 1)}))
			if len(p) != 1 || p[0].Path != edge.path {
				t.Errorf("beyond the limit: %v, want one at %s", p, edge.path)
			}
		})
	}
	if p := limits.Message(raw(t, times(50, object{"type": "divider"}))); p != nil {
		t.Errorf("50 blocks: %v", p)
	}
	if p := limits.Message(raw(t, times(51, object{"type": "divider"}))); len(p) != 1 {
		t.Errorf("51 blocks: %v", p)
	}
}

func TestWrongBlocks(t *testing.T) {
	for name, blocks := range map[string]any{
		"not an array":             "x",
		"not objects":              []string{"x"},
		"unknown type":             []object{{"type": "marquee"}},
		"no type":                  []object{{}},
		"empty section":            []object{{"type": "section"}},
		"empty text":               []object{{"type": "section", "text": mrkdwn("")}},
		"header in mrkdwn":         []object{{"type": "header", "text": mrkdwn("x")}},
		"text of no type":          []object{{"type": "section", "text": object{"text": "x"}}},
		"emoji in mrkdwn":          []object{{"type": "section", "text": object{"type": "mrkdwn", "text": "x", "emoji": true}}},
		"no elements":              []object{actions()},
		"same block id":            []object{{"type": "divider", "block_id": "a"}, {"type": "divider", "block_id": "a"}},
		"same action id":           []object{actions(button(nil), button(nil))},
		"button without text":      []object{actions(object{"type": "button"})},
		"odd style":                []object{actions(button(object{"style": "blue"}))},
		"input in actions":         []object{actions(object{"type": "email_text_input"})},
		"button in input":          []object{input(button(nil))},
		"input without label":      []object{{"type": "input", "element": object{"type": "datepicker"}}},
		"menu without options":     []object{actions(object{"type": "static_select"})},
		"same option twice":        []object{actions(menu("static_select", times(2, object{"text": plain("o"), "value": "v"})))},
		"link in a plain menu":     []object{actions(menu("static_select", []object{{"text": plain("o"), "value": "v", "url": "https://x"}}))},
		"initial option elsewhere": []object{actions(object{"type": "static_select", "options": options(1, plain), "initial_option": object{"text": plain("z"), "value": "zzz"}})},
		"mrkdwn in a menu":         []object{actions(menu("static_select", options(1, mrkdwn)))},
		"image without alt text":   []object{{"type": "image", "image_url": "https://x"}},
		"image without address":    []object{{"type": "image", "alt_text": "x"}},
		"odd date":                 []object{actions(object{"type": "datepicker", "initial_date": "tomorrow"})},
		"odd time":                 []object{actions(object{"type": "timepicker", "initial_time": "9am"})},
		"number without decimals":  []object{input(object{"type": "number_input"})},
		"file input in a message":  []object{input(object{"type": "file_input"})},
		"confirm without text":     []object{actions(button(object{"confirm": object{"title": plain("t")}}))},
		"least above most":         []object{input(object{"type": "plain_text_input", "min_length": 5, "max_length": 2})},
	} {
		t.Run(name, func(t *testing.T) {
			if limits.Message(raw(t, blocks)) == nil {
				t.Error("nothing was found wrong")
			}
		})
	}
	if limits.Message(json.RawMessage("{")) == nil {
		t.Error("broken JSON is fine")
	}
}

func TestGoodBlocks(t *testing.T) {
	good := []object{
		{"type": "header", "text": plain("🚨 P0 Incident: API")},
		{"type": "section", "text": mrkdwn("*Status*"), "accessory": object{"type": "image", "image_url": "https://x", "alt_text": "x"}},
		actions(button(nil), object{"type": "overflow", "options": []object{{"text": plain("o"), "value": "v", "url": "https://x"}}}),
		{"type": "context", "elements": []object{mrkdwn("c"), {"type": "image", "image_url": "https://x", "alt_text": "x"}}},
		{"type": "rich_text", "elements": []object{{"type": "rich_text_section", "elements": []object{}}}},
		{"type": "divider"},
	}
	if p := limits.Message(raw(t, good)); p != nil {
		t.Error(p)
	}
	if p := limits.Message(raw(t, object{"blocks": good})); p != nil {
		t.Error(p)
	}
}

func TestViews(t *testing.T) {
	modal := func(change object) object {
		v := object{"type": "modal", "title": plain("T"), "submit": plain("Go"), "blocks": []object{input(object{"type": "plain_text_input"})}}
		for k, x := range change {
			if x == nil {
				delete(v, k)
				continue
			}
			v[k] = x
		}
		return v
	}
	for name, c := range map[string]struct {
		view object
		path string // empty: nothing is wrong
	}{
		"plain":                {modal(nil), ""},
		"longest title":        {modal(object{"title": plain(wide(24))}), ""},
		"title":                {modal(object{"title": plain(wide(25))}), "/view/title/text"},
		"no title":             {modal(object{"title": nil}), "/view/title"},
		"submit":               {modal(object{"submit": plain(wide(25))}), "/view/submit/text"},
		"close":                {modal(object{"close": plain(wide(25))}), "/view/close/text"},
		"input without submit": {modal(object{"submit": nil}), "/view/submit"},
		"longest metadata":     {modal(object{"private_metadata": wide(3000)}), ""},
		"metadata":             {modal(object{"private_metadata": wide(3001)}), "/view/private_metadata"},
		"callback id":          {modal(object{"callback_id": wide(256)}), "/view/callback_id"},
		"100 blocks":           {modal(object{"blocks": times(100, object{"type": "divider"})}), ""},
		"101 blocks":           {modal(object{"blocks": times(101, object{"type": "divider"})}), "/view/blocks"},
		"no blocks":            {modal(object{"blocks": nil}), "/view/blocks"},
		"file input":           {modal(object{"blocks": []object{input(object{"type": "file_input"})}}), ""},
		"two focuses":          {modal(object{"blocks": times(2, input(object{"type": "plain_text_input", "focus_on_load": true}))}), "/view/blocks/1/element/focus_on_load"},
		"other type":           {modal(object{"type": "window"}), "/view/type"},
		"home":                 {object{"type": "home", "blocks": []object{{"type": "divider"}}}, ""},
		"home with submit":     {object{"type": "home", "submit": plain("x"), "blocks": []object{{"type": "divider"}}}, "/view/submit"},
	} {
		t.Run(name, func(t *testing.T) {
			p := limits.View(raw(t, c.view))
			if c.path == "" && p != nil || c.path != "" && (len(p) != 1 || p[0].Path != c.path) {
				t.Errorf("found %v, want %q", p, c.path)
			}
		})
	}
	if limits.View(json.RawMessage(`[]`)) == nil {
		t.Error("an array is a view")
	}
	if p := limits.View(raw(t, modal(object{"extra": strings.Repeat("x", 250_000)}))); len(p) != 1 || p[0].Path != "/view" {
		t.Errorf("a view of more than 250 kB: %v", p)
	}
}

func TestProblemReadsAsSlackWordsIt(t *testing.T) {
	p := limits.Message(raw(t, []object{{"type": "header", "text": plain(wide(151))}}))
	if len(p) != 1 || p[0].String() != "must be less than 151 characters [json-pointer:/blocks/0/text/text]" {
		t.Errorf("got %v", p)
	}
}
