package email

import (
	"errors"
	"net/mail"
	"strings"
)

// The longest parts of an address, in bytes: RFC 5321, section 4.5.3.1.
const (
	maxLocal   = 64
	maxAddress = 254
)

// CheckAddress tells whether mail can be sent to an address, by its form alone.
// Its error says what is wrong and does not hold the address.
func CheckAddress(address string) error {
	local, domain, ok := cutLast(address, "@")
	switch {
	case address == "":
		return errors.New("there is no mail address")
	case strings.ContainsFunc(address, func(r rune) bool { return r <= ' ' || r == 0x7f }):
		return errors.New("the mail address has a space or a control character in it")
	case !ok || local == "" || domain == "":
		return errors.New("the mail address has nothing before or after its @")
	case strings.ContainsFunc(domain, func(r rune) bool { return r > 0x7f }):
		return errors.New("the mail address has a domain with letters beyond ASCII: write it in its xn-- form")
	case strings.ContainsFunc(local, func(r rune) bool { return r > 0x7f }):
		return errors.New("the mail address has letters beyond ASCII before its @, which many mail servers refuse")
	case len(local) > maxLocal || len(address) > maxAddress:
		return errors.New("the mail address is too long")
	}
	parsed, err := mail.ParseAddress(address)
	if err != nil || parsed.Name != "" || parsed.Address != address {
		return errors.New("the mail address is not of the form name@domain")
	}
	for label := range strings.SplitSeq(domain, ".") {
		if label == "" || len(label) > 63 || strings.HasPrefix(label, "-") || strings.HasSuffix(label, "-") ||
			strings.ContainsFunc(label, func(r rune) bool { return !alphanumeric(r) && r != '-' }) {
			return errors.New("the mail address has a domain that cannot exist")
		}
	}
	return nil
}

func alphanumeric(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
}

func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}
