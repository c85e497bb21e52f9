// Package mask takes secrets out of text before people see it: values that are known to be secret, and what looks like
// a password, a token or a key.
//
// It never promises that a text without a match holds no secret, and keeps no text.
package mask

import (
	"encoding/base64"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"
)

// Hidden stands where a secret was.
const Hidden = "•••"

// shortest is how many characters a known value needs to be masked wherever it stands: a shorter one ("on", "app") is
// also a word of the rest.
const shortest = 6

// Secrets are the values known to be secret. Make it with New; it may be used from several goroutines.
type Secrets struct {
	mu     sync.Mutex
	values []string // longest first
}

// New makes an empty set.
func New() *Secrets { return &Secrets{} }

// Add makes a value known as secret, also the way base64 and a URL write it. Values that are too short to tell from
// other words are not taken.
func (s *Secrets) Add(values ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, v := range values {
		for _, form := range forms(v) {
			if !slices.Contains(s.values, form) {
				s.values = append(s.values, form)
			}
		}
	}
	slices.SortStableFunc(s.values, func(a, b string) int { return len(b) - len(a) })
}

func forms(v string) []string {
	var out []string
	for _, f := range []string{v, strings.TrimSpace(v), base64.StdEncoding.EncodeToString([]byte(v)), strings.ReplaceAll(v, "\n", `\n`)} {
		if len(f) >= shortest {
			out = append(out, f)
		}
	}
	// A value of several lines is printed line by line, indented.
	if lines := strings.Split(v, "\n"); len(lines) > 1 {
		for _, line := range lines {
			if line = strings.TrimSpace(line); len(line) >= 16 {
				out = append(out, line)
			}
		}
	}
	return out
}

// AddEncoded makes a base64 value of a Kubernetes Secret known, and what it stands for.
func (s *Secrets) AddEncoded(encoded string) {
	if plain, err := base64.StdEncoding.DecodeString(encoded); err == nil {
		if utf8.Valid(plain) {
			s.Add(string(plain))
		}
	}
	s.Add(encoded)
}

// Mask gives the text without the known values and without what looks like a secret.
func (s *Secrets) Mask(text string) string {
	s.mu.Lock()
	values := slices.Clone(s.values)
	s.mu.Unlock()
	for _, v := range values {
		text = strings.ReplaceAll(text, v, Hidden)
	}
	return Text(text)
}

// secretName is a name whose value is not for reading.
const secretName = `[A-Za-z0-9_.-]*(?:password|passwd|pwd|passphrase|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|credential|authorization|client[_-]?secret|signing[_-]?key|encryption[_-]?key)[A-Za-z0-9_.-]*`

type pattern struct {
	re *regexp.Regexp
	to string
}

// patterns are tried in order; each keeps what says what the secret was.
var patterns = []pattern{
	{regexp.MustCompile(`(?s)-----BEGIN ([A-Z0-9 ]*PRIVATE KEY[A-Z0-9 ]*)-----.*?(?:-----END [A-Z0-9 ]+-----|\z)`), "-----BEGIN $1----- " + Hidden},
	{regexp.MustCompile(`\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*`), Hidden},
	{regexp.MustCompile(`\b(xox[abeprs]|xapp)-[A-Za-z0-9-]{8,}`), "$1-" + Hidden},
	{regexp.MustCompile(`\b(ghp|gho|ghu|ghs|ghr|github_pat|glpat|sk_live|rk_live|sk-ant|npm|hf|dop_v1)[_-][A-Za-z0-9_-]{16,}`), Hidden},
	{regexp.MustCompile(`\b(AKIA|ASIA)[A-Z0-9]{16}\b`), Hidden},
	{regexp.MustCompile(`\bAIza[A-Za-z0-9_-]{35}\b`), Hidden},
	{regexp.MustCompile(`(?i)\b(bearer|basic|token)(\s+)[A-Za-z0-9._~+/=-]{12,}`), "$1$2" + Hidden},
	{regexp.MustCompile(`\b([a-zA-Z][a-zA-Z0-9+.-]*://[^\s:/@'"]*):[^\s@'"]+@`), "$1:" + Hidden + "@"},
	{regexp.MustCompile(`(?i)("` + secretName + `"\s*:\s*)"(?:[^"\\]|\\.)*"`), `$1"` + Hidden + `"`},
	{regexp.MustCompile(`(?i)(\bpassword\s+)'(?:[^']|'')*'`), "$1'" + Hidden + "'"},
	{regexp.MustCompile(`(?i)(\b` + secretName + `\s*=\s*)(?:"[^"\n]*"|'[^'\n]*'|[^\s"'&;,]+)`), "$1" + Hidden},
	{regexp.MustCompile(`(?im)(^[ \t]*(?:- )?"?` + secretName + `"?[ \t]*:[ \t]+)(?:"[^"\n]*"|'[^'\n]*'|[^\s"'{\[|>][^\n]*)$`), "$1" + Hidden},
	// A variable of a container: its name in one line or member, its value in the next.
	{regexp.MustCompile(`(?i)(\bname:[ \t]*["']?` + secretName + `["']?[ \t]*\n[ \t+-]*value:[ \t]*)[^\n]+`), "$1" + Hidden},
	{regexp.MustCompile(`(?i)(\\?"name\\?"\s*:\s*\\?"` + secretName + `\\?"\s*,\s*\\?"value\\?"\s*:\s*\\?")[^"\\]*`), "$1" + Hidden},
	{regexp.MustCompile(`(?i)((?:^|\s)--(?:password|token|secret|api-key)[ =])\S+`), "$1" + Hidden},
}

// reference is a variable, or a command that makes the value, in the place of a value.
var reference = regexp.MustCompile(`^["']?\$(?:[A-Z_][A-Z0-9_]*|\{[A-Z_][A-Z0-9_]*\}|\([a-z]+)["']?$`)

// hide puts Hidden in the place of every value that the pattern finds, but for a reference.
func (p pattern) hide(text string) string {
	all := p.re.FindAllStringSubmatchIndex(text, -1)
	if len(all) == 0 {
		return text
	}
	var out []byte
	end := 0
	for _, at := range all {
		out = append(out, text[end:at[0]]...)
		if len(at) > 3 && at[3] >= 0 && reference.MatchString(text[at[3]:at[1]]) {
			out = append(out, text[at[0]:at[1]]...)
		} else {
			out = p.re.ExpandString(out, p.to, text, at)
		}
		end = at[1]
	}
	return string(append(out, text[end:]...))
}

// Text masks what looks like a secret: private keys, tokens of well-known forms, passwords in URLs, values of names
// such as password, token or api_key in JSON, YAML, variables and SQL. A variable's name in the place of a value stays.
func Text(text string) string {
	for _, p := range patterns {
		text = p.hide(text)
	}
	return text
}
