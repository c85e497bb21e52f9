package e2e

import (
	"strings"
	"testing"

	"github.com/slack-go/slack"
)

// TestMarksBecomeElementsAndNothingElse renders mrkdwn in the page and compares the markup that came of it.
func TestMarksBecomeElementsAndNothingElse(t *testing.T) {
	p := start(t)
	b := p.open(As("alice"))
	b.do("load the renderer", `import("/mrkdwn.js").then((m) => { window.renderMarks = (s) => { const d = document.createElement("div"); d.append(m.mrkdwn(s)); return d.innerHTML; }; window.plainMarks = m.plainText; })`)
	b.WaitTrue("the renderer is there", "window.renderMarks")
	emoji := `<span class="emoji" role="img" aria-label="tada" title=":tada:">🎉</span>`
	for _, c := range []struct{ in, out string }{
		{"*bold* and _italic_ and ~gone~", "<strong>bold</strong> and <em>italic</em> and <s>gone</s>"},
		{"*_both_*", "<strong><em>both</em></strong>"},
		{"2*3*4 and snake_case_name", "2*3*4 and snake_case_name"},
		{"* not bold *", `<div class="item" style="--indent: 0;"><span class="item-mark">•</span><span class="item-text">not bold *</span></div>`},
		{"*unclosed", "*unclosed"},
		{"`a *b* <c>`", "<code>a *b* &lt;c&gt;</code>"},
		{"a &lt;b&gt; &amp;amp; c", "a &lt;b&gt; &amp;amp; c"},
		{"<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"},
		{`<img src=x onerror="window.broken=1">`, `&lt;img src=x onerror="window.broken=1"&gt;`},
		{"<javascript:alert(1)|click>", "&lt;javascript:alert(1)|click&gt;"},
		{"<https://example.com/a?b=1&amp;c=2|see *this*>", `<a href="https://example.com/a?b=1&amp;c=2" target="_blank" rel="noopener noreferrer">see *this*</a>`},
		{"go to https://example.com/x.", `go to <a href="https://example.com/x" target="_blank" rel="noopener noreferrer">https://example.com/x</a>.`},
		{":tada: :nosuchname:", emoji + " :nosuchname:"},
		{"<!here> <!subteam^S1|@ops>", `<span class="mention mention-me">@here</span> <span class="mention">@ops</span>`},
		{"<!date^nonsense^{date}|yesterday>", "yesterday"},
		{"&gt; said\n&gt; twice\nafter", "<blockquote>said<br>twice</blockquote>after"},
		{"one\ntwo", "one<br>two"},
		{"• first\n1. numbered", `<div class="item" style="--indent: 0;"><span class="item-mark">•</span><span class="item-text">first</span></div><div class="item" style="--indent: 0;"><span class="item-mark">1.</span><span class="item-text">numbered</span></div>`},
		{"```\nx &lt; *y*\n```\nafter", `<pre class="code-block" tabindex="0"><code>x &lt; *y*</code></pre>after`},
		{"```unclosed", "```unclosed"},
		{"", ""},
	} {
		if got := eval[string](b, "render "+c.in, "renderMarks("+quote(c.in)+")"); got != c.out {
			t.Errorf("%q became\n%s\nand not\n%s", c.in, got, c.out)
		}
	}
	date := eval[string](b, "a date", `renderMarks("<!date^1795334400^{date_num} {time_secs}|x>")`)
	if !strings.Contains(date, ">2026-11-22 03:00:00<") {
		t.Errorf("a moment is not shown in Alice's zone: %s", date)
	}
	if got := eval[string](b, "plain", `plainMarks("*P0* <https://x.example/|the page> <@U0NOBODY> a_b :fire:")`); got != "P0 the page @U0NOBODY a_b 🔥" {
		t.Errorf("the plain text is %q", got)
	}
}

func TestAMessageCannotBringMarkup(t *testing.T) {
	p := start(t)
	b := p.open(As("alice"))
	b.Go("general")
	const evil = `<img src="/nosuch" onerror="window.broken=1"><b>x</b> &lt;i&gt; </article>`
	b.Say(evil)
	b.WaitMessage(evil)
	blocks := []slack.Block{slack.NewHeaderBlock(plain(evil)), slack.NewSectionBlock(mrkdwn("evil "+evil), []*slack.TextBlockObject{plain(evil)}, nil),
		slack.NewContextBlock("", mrkdwn(evil)), slack.NewRichTextBlock("", slack.NewRichTextSection(slack.NewRichTextSectionLinkElement("javascript:window.broken=1", "harmless", nil))), slack.NewActionBlock("", slack.NewButtonBlockElement("x", "", plain(`<u>press</u>`)))}
	p.app.post(t.Context(), p.app.channelNamed(t.Context(), "general"), slack.MsgOptionText("t", false), slack.MsgOptionBlocks(blocks...))
	b.WaitMessage("evil <img")
	b.WaitTrue("a script is no link", `message("evil").textContent.includes("harmless") && !message("evil").querySelector("a")`)
	b.WaitTrue("no element came of it", `!message("evil").querySelector("img:not(.avatar img), b, i, u") && !window.broken`)
}

func TestWhatIsTypedBecomesMentions(t *testing.T) {
	p := start(t)
	b := p.open(As("alice"))
	b.Go("general")
	b.Say("@bob, see #incidents & tell @nobody or bob@example.com <now>")
	b.WaitMessage("see #incidents & tell @nobody or bob@example.com <now>")
	b.WaitTrue("two marks", `message("see #incidents").querySelectorAll("button.mention").length === 2`)
	b.ClickIn("see #incidents", "#incidents")
	b.WaitTrue("the channel opens", `document.querySelector(".room-title h1").textContent.includes("incidents")`)
	b.Go("general")
	b.ClickIn("see #incidents", "@bob")
	b.WaitText("bob@example.com")
	b.Click("Be Bob")
	b.WaitTrue("being Bob", `document.querySelector("button.me").textContent.includes("Bob Smith")`)
}
