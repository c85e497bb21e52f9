package phone

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"net/url"
	"slices"
	"strings"
)

// signatureHeader holds Twilio's signature:
// https://www.twilio.com/docs/usage/security
const signatureHeader = "X-Twilio-Signature"

// sign gives the signature of a form that is sent to an address.
func sign(token, address string, form url.Values) string {
	mac := hmac.New(sha1.New, []byte(token))
	mac.Write([]byte(address))
	names := make([]string, 0, len(form))
	for name := range form {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		values := slices.Clone(form[name])
		slices.Sort(values)
		for _, v := range slices.Compact(values) {
			mac.Write([]byte(name + v))
		}
	}
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// genuine tells whether a form came from Twilio. It signs an address with or
// without the port that its scheme implies.
func genuine(token, address string, form url.Values, signature string) bool {
	if token == "" || signature == "" {
		return false
	}
	for _, a := range ports(address) {
		if hmac.Equal([]byte(sign(token, a, form)), []byte(signature)) {
			return true
		}
	}
	return false
}

// ports gives an address as it is, and with its usual port added or dropped.
func ports(address string) []string {
	for scheme, port := range map[string]string{"https://": ":443", "http://": ":80"} {
		rest, ok := strings.CutPrefix(address, scheme)
		if !ok {
			continue
		}
		host, path, _ := strings.Cut(rest, "/")
		if bare, has := strings.CutSuffix(host, port); has {
			return []string{address, scheme + bare + "/" + path}
		}
		if i := strings.LastIndexByte(host, ':'); i < 0 || strings.HasSuffix(host, "]") {
			return []string{address, scheme + host + port + "/" + path}
		}
	}
	return []string{address}
}
