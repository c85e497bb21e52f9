package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// ready is true when the page shows a person's workspace.
const ready = `document.getElementById("app")?.dataset.ready === "true"`

// quote makes a JavaScript string literal.
func quote(s string) string {
	b, _ := json.Marshal(s) //nolint:errchkjson // a string can always be encoded
	return string(b)
}

// finders are JavaScript functions that look for things as a person does. Only what is visible counts; an open form hides
// the rest.
const finders = `
const seen = (n) => n.checkVisibility({visibilityProperty: true}) && n.getClientRects().length > 0;
const scope = () => [...document.querySelectorAll("dialog[open]")].at(-1) || document;
const flat = (s) => (s || "").replace(/\s+/g, " ").trim();
const called = (n) => flat(n.getAttribute("aria-label") || n.textContent);
const buttons = (root) => [...root.querySelectorAll("button, a[href], [role=option], [role=menuitem], [role=menuitemradio], label.choice, summary")].filter(seen);
const button = (root, text) => {
  const all = buttons(root);
  return all.find((n) => called(n) === text || flat(n.textContent) === text) || all.find((n) => called(n).startsWith(text)) || all.find((n) => called(n).includes(text));
};
const shownText = () => flat([...document.body.children].filter((n) => n.id !== "live" && n.tagName !== "NOSCRIPT").map((n) => n.innerText).join(" "));
const messages = () => [...document.querySelectorAll(".message")].filter(seen);
const saying = (n) => flat([...(n.querySelector(".message-main") || n).children].filter((c) => !c.matches(".broadcast-line")).map((c) => c.textContent).join(" "));
const message = (text) => messages().filter((n) => saying(n).includes(text)).at(-1);
const field = (label) => {
  for (const block of [...scope().querySelectorAll(".block-input")].filter(seen)) {
    const name = flat(block.querySelector(".input-label")?.firstChild?.textContent);
    if (name === label) return block;
  }
  return [...scope().querySelectorAll("input, textarea")].filter(seen).find((n) => flat(n.getAttribute("aria-label")).startsWith(label));
};
`

// eval runs a JavaScript expression and gives its value.
func eval[T any](b *Browser, what, expression string) T {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, b.patient)
	defer cancel()
	value, err := chromedp.Run(ctx, chromedp.Evaluate[T]("(() => {"+finders+"return ("+expression+");})()"))
	if err != nil {
		b.t.Fatalf("%s: %v", what, err)
	}
	return value
}

// do runs JavaScript expressions for their effect.
func (b *Browser) do(what string, expressions ...string) {
	b.t.Helper()
	eval[bool](b, what, "("+strings.Join(expressions, ", ")+", true)")
}

// WaitTrue waits until a JavaScript expression is true; what names it in the failure.
func (b *Browser) WaitTrue(what, expression string) {
	b.t.Helper()
	until := time.Now().Add(b.patient)
	for {
		if eval[bool](b, what, "Boolean("+expression+")") {
			return
		}
		if time.Now().After(until) {
			b.t.Fatalf("waited %s in vain: %s", b.patient, what)
		}
		time.Sleep(40 * time.Millisecond)
	}
}

// point is the middle of a found node in window coordinates.
type point struct {
	X, Y float64
	OK   bool
}

// clickNode waits for the node that a JavaScript expression finds, and clicks its middle with the mouse.
func (b *Browser) clickNode(what, expression string) {
	b.t.Helper()
	b.WaitTrue(what, expression)
	p := eval[point](b, what, `((n) => {
  if (!n) return {OK: false};
  n.scrollIntoView({block: "nearest"});
  const r = n.getBoundingClientRect();
  return {X: r.left + r.width / 2, Y: r.top + r.height / 2, OK: true};
})(`+expression+`)`)
	if !p.OK {
		b.t.Fatalf("%s: it vanished", what)
	}
	b.run(what, chromedp.MouseClickXY(p.X, p.Y))
}

// Click clicks the button, link or choice with this text or label; in an open form only there.
func (b *Browser) Click(text string) {
	b.t.Helper()
	b.clickNode("click "+text, "button(scope(), "+quote(text)+")")
}

// ClickIn clicks a button in the newest message that contains text.
func (b *Browser) ClickIn(text, name string) {
	b.t.Helper()
	b.clickNode(fmt.Sprintf("click %s in the message %q", name, text), "message("+quote(text)+") && button(message("+quote(text)+"), "+quote(name)+")")
}

// Tool uses a tool of the newest message that contains text, such as "Reply in thread", "More" or "React with pushpin".
func (b *Browser) Tool(text, name string) {
	b.t.Helper()
	b.WaitTrue("message "+text, "message("+quote(text)+")")
	b.do("show the tools", "message("+quote(text)+").focus()")
	b.ClickIn(text, name)
}

// Go opens a channel, a direct message or "Muster" (the App Home) by its name in the sidebar.
func (b *Browser) Go(name string) {
	b.t.Helper()
	find := `[...document.querySelectorAll(".side-row")].find((n) => flat(n.querySelector(".side-text").textContent) === ` + quote(strings.TrimPrefix(name, "#")) + `)`
	b.WaitTrue("the sidebar shows "+name, find)
	b.do("go to "+name, find+".click()")
	b.WaitTrue(name+" is open", find+`?.getAttribute("aria-current") === "page"`)
}

// Be switches to another person by full name, as the switcher in the sidebar does.
func (b *Browser) Be(name string) {
	b.t.Helper()
	me := `document.querySelector("button.me")`
	b.do("open the switcher", me+".click()")
	b.clickNode("be "+name, `((menu) => menu && button(menu, `+quote(name)+`))(document.querySelector(".menu"))`)
	b.WaitTrue("being "+name, "flat("+me+"?.textContent).includes("+quote(name)+") && "+ready)
}

// box is the field for messages: that of the open thread when inThread.
func box(inThread bool) string {
	if inThread {
		return `document.querySelector(".pane .composer-text")`
	}
	return `document.querySelector(".main .composer-text")`
}

// Type writes text into the message field without sending it.
func (b *Browser) Type(text string) {
	b.t.Helper()
	b.typeInto(box(false), text)
}

func (b *Browser) typeInto(field, text string) {
	b.t.Helper()
	b.WaitTrue("the message field", field)
	b.do("focus the message field", field+".focus()")
	call(b, "type", input.InsertText, input.InsertTextParams{Text: text})
}

// Say sends a message into the open conversation.
func (b *Browser) Say(text string) {
	b.t.Helper()
	b.send(box(false), text)
}

// Reply sends a message into the open thread.
func (b *Browser) Reply(text string) {
	b.t.Helper()
	b.send(box(true), text)
}

// Command types a slash command into the open conversation and sends it.
func (b *Browser) Command(text string) {
	b.t.Helper()
	b.send(box(false), text)
}

func (b *Browser) send(field, text string) {
	b.t.Helper()
	b.typeInto(field, text)
	if eval[bool](b, "are suggestions open", field+`.getAttribute("aria-expanded") === "true"`) {
		b.Key(kb.Escape) // Enter would take the suggestion
	}
	b.Key(kb.Enter)
	b.WaitTrue("the field is sent: "+text, field+`.value === "" && !`+field+`.closest("[aria-busy]")`)
}

// Key presses a key, given as in chromedp/kb; modifiers are held.
func (b *Browser) Key(key string, modifiers ...chromedp.Modifier) {
	b.t.Helper()
	var held int64
	for _, m := range modifiers {
		held |= int64(m)
	}
	for _, r := range key {
		events := kb.Encode(r)
		down, up := events[0], events[len(events)-1]
		// A character rides on its key press, so that a page that refuses the press refuses the character too.
		if text := events[1].Text; text != "" && held&^int64(kb.ModifierShift) == 0 {
			down.Text, down.UnmodifiedText = text, events[1].UnmodifiedText
		}
		down.Modifiers |= held
		up.Modifiers |= held
		call(b, "press a key", input.DispatchKeyEvent, *down)
		call(b, "release a key", input.DispatchKeyEvent, *up)
	}
}

// WaitMessage waits for a message whose text contains this, in the conversation or the thread.
func (b *Browser) WaitMessage(text string) {
	b.t.Helper()
	b.WaitTrue("a message with "+text, "message("+quote(text)+")")
}

// WaitText waits until the window shows this text anywhere.
func (b *Browser) WaitText(text string) {
	b.t.Helper()
	b.WaitTrue("the text "+text, "shownText().includes("+quote(text)+")")
}

// WaitGone waits until the window does not show this text.
func (b *Browser) WaitGone(text string) {
	b.t.Helper()
	b.WaitTrue("no text "+text, "!shownText().includes("+quote(text)+")")
}

// WaitForm waits for a form with this title.
func (b *Browser) WaitForm(title string) {
	b.t.Helper()
	b.WaitTrue("the form "+title, `flat(document.querySelector("dialog.form[open] h2")?.textContent) === `+quote(title))
}

// WaitNoForm waits until no form is open. A form that stays is said with all
// that it shows: mostly it says itself what it refuses.
func (b *Browser) WaitNoForm() {
	b.t.Helper()
	form := `document.querySelector("dialog.form[open]")`
	for until := time.Now().Add(b.patient); ; time.Sleep(40 * time.Millisecond) {
		left := eval[string](b, "is a form open", form+`?.innerText ?? ""`)
		switch {
		case left == "":
			return
		case time.Now().After(until):
			b.t.Fatalf("waited %s in vain: no form is open; this one stays:\n%s", b.patient, left)
		}
	}
}

// Fill replaces what is in the form's field with this label.
func (b *Browser) Fill(label, text string) {
	b.t.Helper()
	b.WaitTrue("the field "+label, "field("+quote(label)+")")
	b.do("fill "+label, `((n) => {
  const f = n.matches("input, textarea") ? n : n.querySelector("input, textarea");
  f.focus();
  f.select?.();
})(field(`+quote(label)+`))`)
	call(b, "type into "+label, input.InsertText, input.InsertTextParams{Text: text})
}

// Choose picks options by their text in the form's list with this label.
func (b *Browser) Choose(label string, options ...string) {
	b.t.Helper()
	find := "field(" + quote(label) + ")?.querySelector('button.picker')"
	b.clickNode("open the list "+label, find)
	for _, option := range options {
		b.clickNode("choose "+option, "[...document.querySelectorAll('.options [role=option]')].find((n) => flat(n.querySelector('.option-text').firstChild.textContent) === "+quote(option)+")")
	}
	b.do("close the list", "button(scope(), 'Done')?.click()")
}

// Unread gives the sidebar's mark of a channel: "" for none, "•" for unread, or the number of messages for the person.
func (b *Browser) Unread(name string) string {
	b.t.Helper()
	return eval[string](b, "unread mark of "+name, `((n) => flat(n?.querySelector(".badge")?.textContent) || (n?.classList.contains("is-unread") ? "•" : ""))([...document.querySelectorAll(".side-row")].find((n) => flat(n.querySelector(".side-text").textContent) === `+quote(name)+`))`)
}

// Text gives the visible text of the window.
func (b *Browser) Text() string {
	b.t.Helper()
	return eval[string](b, "read the window", "shownText()")
}

// Focused gives the label or text of what has the focus.
func (b *Browser) Focused() string {
	b.t.Helper()
	return eval[string](b, "what has the focus", "called(document.activeElement)")
}

// Reload loads the page again and waits until it is ready.
func (b *Browser) Reload() {
	b.t.Helper()
	b.run("reload", chromedp.Reload())
	b.WaitTrue("the page is ready again", ready)
}

// Resize changes the window, in CSS pixels.
func (b *Browser) Resize(width, height int64) {
	b.t.Helper()
	b.run("resize", chromedp.EmulateViewport(width, height))
}

// Prefer sets the colour scheme that the system prefers: "light" or "dark".
func (b *Browser) Prefer(scheme string) {
	b.t.Helper()
	call(b, "prefer "+scheme, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}}})
}
