package playbooks

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// lookAlikes are characters that are taken for others, and what for.
var lookAlikes = map[rune]string{
	'‘': "'", '’': "'", '‚': "'", '“': `"`, '”': `"`, '„': `"`, '′': "'", '″': `"`, '`': "`", '´': "'",
	'‐': "-", '‑': "-", '‒': "-", '–': "-", '—': "-", '―': "-", '−': "-", '﹣': "-", '-': "-",
	'；': ";", '︰': ":", '：': ":", '∕': "/", '⁄': "/", '／': "/", '＄': "$", '＆': "&", '｜': "|", '＞': ">", '＜': "<", '﹥': ">", '﹤': "<",
	'‹': "<", '›': ">", '«': "<<", '»': ">>", '…': "...", '\u037e': ";", 'ǀ': "|", '∣': "|",
	'а': "a", 'А': "A", 'В': "B", 'с': "c", 'С': "C", 'ԁ': "d", 'е': "e", 'Е': "E", 'һ': "h", 'Н': "H", 'і': "i", 'І': "I", 'ј': "j", 'К': "K",
	'к': "k", 'ӏ': "l", 'М': "M", 'м': "m", 'о': "o", 'О': "O", 'р': "p", 'Р': "P", 'ѕ': "s", 'Ѕ': "S", 'Т': "T", 'т': "t", 'у': "y", 'х': "x", 'Х': "X",
	'α': "a", 'Α': "A", 'Β': "B", 'ϲ': "c", 'ε': "e", 'Ε': "E", 'ι': "i", 'Ι': "I", 'κ': "k", 'Κ': "K", 'Μ': "M", 'ν': "v", 'Ν': "N", 'ο': "o", 'Ο': "O",
	'ρ': "p", 'Ρ': "P", 'τ': "t", 'Τ': "T", 'υ': "u", 'χ': "x", 'Χ': "X", 'Ζ': "Z", 'ı': "i",
}

// odd names the first character of a block that cannot be taken for what it
// looks like, wherever it stands: one that is not seen, or reverses the
// order, or is a space that is none. line counts from 1.
func odd(text string) (line int, why string, found bool) {
	line = 1
	for _, r := range text {
		switch {
		case r == '\n':
			line++
		case r == '\t' || r == ' ':
		case r == '\r':
		case r == utf8.RuneError:
			return line, "the text is not valid UTF-8", true
		case unseen(r) && r != '\u200d':
			return line, fmt.Sprintf("the text has a character that cannot be seen (U+%04X)", r), true
		case unicode.IsSpace(r) || r == '\u2800' || r == '\u3164' || r == '\u115f' || r == '\u1160' || r == '\uffa0':
			return line, fmt.Sprintf("the text has a space that is none (U+%04X); type it again", r), true
		}
	}
	return 0, "", false
}

// foreign names the first character of a word that only looks like one that a
// command may have. Texts for people may have any.
func foreign(word string) (why string, found bool) {
	for _, r := range word {
		if r < utf8.RuneSelf || isHole(r) || r == unknown {
			continue
		}
		if for_, ok := lookAlikes[r]; ok {
			return fmt.Sprintf("%q (U+%04X) only looks like %q", string(r), r, for_), true
		}
		if r >= '\uff01' && r <= '\uff5e' {
			return fmt.Sprintf("%q (U+%04X) only looks like %q", string(r), r, string(r-0xfee0)), true
		}
		return fmt.Sprintf("%q (U+%04X) is no character of a command", string(r), r), true
	}
	return "", false
}

// oneLine shortens a text for a reason or a title.
func oneLine(text string, most int) string {
	text = strings.Join(strings.Fields(text), " ")
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	return strings.TrimSpace(string([]rune(text)[:most-1])) + "…"
}
