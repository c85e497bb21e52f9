package render

import (
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode"
)

// Slack's lengths, in code points. https://docs.slack.dev/reference/block-kit/blocks
// and https://docs.slack.dev/reference/methods/chat.update for MaxText.
const (
	MaxText        = 4000
	MaxSection     = 3000
	MaxField       = 2000
	MaxHeader      = 150
	MaxButton      = 75
	MaxValue       = 2000
	MaxOption      = 75
	MaxOptionValue = 150
	MaxTitle       = 24
	MaxMetadata    = 3000
	MaxInput       = 3000
	MaxPlaceholder = 150
	MaxBlocks      = 50
	MaxViewBlocks  = 100
	MaxOptions     = 100
	MaxTopic       = 250
	MaxBookmark    = 255
	MaxChannelName = 80
)

var escapes = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

var unescapes = strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&")

// Escape makes text safe inside mrkdwn: no mention, link or entity can come
// out of it. Invisible controls that turn the direction of the text around
// are dropped, so that foreign text cannot reorder what stands beside it.
func Escape(text string) string { return escapes.Replace(Clean(text)) }

// Clean drops what no message should carry: invalid UTF-8, control characters
// other than line breaks and tabs, and the directional overrides.
func Clean(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return r
		case r == unicode.ReplacementChar, unicode.IsControl(r):
			return -1
		case r >= 0x202A && r <= 0x202E, r >= 0x2066 && r <= 0x2069:
			return -1
		}
		return r
	}, text)
}

// Cut shortens text to at most limit code points, the last one being "…" when
// something was left out. It never cuts an entity or a <…> token in half.
func Cut(text string, limit int) string {
	if limit <= 0 {
		return ""
	}
	n, end := 0, -1
	for i := range text {
		if n == limit-1 {
			end = i
		}
		n++
		if n > limit {
			return whole(text[:end]) + "…"
		}
	}
	return text
}

// whole drops a torn token or entity from the end.
func whole(text string) string {
	if i := strings.LastIndexByte(text, '<'); i >= 0 && tornToken.MatchString(text[i:]) {
		text = text[:i]
	}
	if i := strings.LastIndexByte(text, '&'); i >= 0 && tornEntity.MatchString(text[i:]) {
		text = text[:i]
	}
	return text
}

var (
	tornToken  = regexp.MustCompile(`^<([@#!][^>]*|[a-z]*(:[^>]*)?)$`)
	tornEntity = regexp.MustCompile(`^&[a-z]{0,3}$`)
)

// plain makes text fit a plain_text object, where nothing is interpreted.
func plain(text string, limit int) string {
	return Cut(strings.TrimSpace(strings.Join(strings.Fields(Clean(text)), " ")), limit)
}

// line makes text one escaped line.
func line(text string) string { return Escape(strings.Join(strings.Fields(text), " ")) }

// or gives text, or what stands for nothing.
func or(text, nothing string) string {
	if strings.TrimSpace(text) == "" {
		return nothing
	}
	return text
}

// at writes a moment in each reader's own zone.
func at(t time.Time) string {
	if t.IsZero() {
		return "—"
	}
	return fmt.Sprintf("<!date^%d^{date_short_pretty} {time}|%s>", t.Unix(), t.UTC().Format("2006-01-02 15:04 MST"))
}

// minutes writes a duration in whole minutes, at least one.
func minutes(d time.Duration) string { return fmt.Sprintf("%d min", max(1, int(d/time.Minute))) }

// late says how late something happened; empty below a minute.
func late(d time.Duration) string {
	if d < time.Minute {
		return ""
	}
	return " (" + minutes(d) + " late)"
}
