package playbooks

import (
	"net/url"
	"slices"
	"strings"
)

// curlFlags are curl's flags that only read. Letters stand for long names.
var curlFlags = flagList("silent/s:b show-error/S:b fail/f:b fail-with-body:b location/L:b include/i:b head/I:b verbose/v:b compressed:b get/G:b globoff/g:b no-progress-meter:b no-buffer/N:b http1.1:b http2:b ipv4/4:b ipv6/6:b",
	"max-time/m:v connect-timeout:v retry:v retry-delay:v retry-max-time:v header/H:v request/X:v output/o:v write-out/w:v user-agent/A:v max-redirs:v data-urlencode:v url:v referer/e:v range/r:v")

// noCurl are flags that never run, and why.
var noCurl = map[string]string{
	"data": sends, "data-raw": sends, "data-binary": sends, "data-ascii": sends, "json": sends, "form": sends, "form-string": sends, "upload-file": sends,
	"remote-name": noFiles, "remote-name-all": noFiles, "output-dir": noFiles, "config": noFiles, "cookie-jar": noFiles, "cookie": noFiles, "dump-header": noFiles,
	"trace": noFiles, "trace-ascii": noFiles, "stderr": noFiles, "netrc": noFiles, "netrc-file": noFiles, "cert": noFiles, "key": noFiles, "cacert": noFiles, "capath": noFiles,
	"proxy": elsewhere, "socks5": elsewhere, "socks5-hostname": elsewhere, "preproxy": elsewhere, "unix-socket": elsewhere, "abstract-unix-socket": elsewhere, "resolve": elsewhere,
	"connect-to": elsewhere, "doh-url": elsewhere, "interface": elsewhere, "dns-servers": elsewhere,
	"insecure": "Muster reads only from a server that it can be sure of", "proxy-insecure": "Muster reads only from a server that it can be sure of",
	"user": "a password in a playbook can be read by everybody", "oauth2-bearer": "a password in a playbook can be read by everybody",
	"next": "one command reads one address", "parallel": "one command reads one address", "quote": "only http and https are read", "telnet-option": "only http and https are read",
}

const (
	sends     = "it sends something, and only reading is run"
	elsewhere = "curl connects to the host of the address and nowhere else"
)

// overrides are headers that make something else of a GET.
var overrides = []string{"x-http-method-override", "x-http-method", "x-method-override"}

var noCurlLetters = map[byte]string{'d': "data", 'F': "form", 'T': "upload-file", 'O': "remote-name", 'J': "remote-name", 'K': "config", 'c': "cookie-jar", 'b': "cookie",
	'D': "dump-header", 'x': "proxy", 'k': "insecure", 'u': "user", 'E': "cert", 'n': "netrc", 'Z': "parallel", 'Q': "quote", 't': "telnet-option"}

func (j *judging) curl(words []word) Command {
	var urls []word
	values := map[string][]word{}
	for i := 1; i < len(words); i++ {
		w := words[i]
		if !strings.HasPrefix(w.val, "-") || w.val == "-" {
			if w.open || strings.HasPrefix(w.val, string(unknown)) {
				return j.impossible("curl", "which address it reads would be known only when it runs")
			}
			urls = append(urls, w)
			continue
		}
		used, why := j.curlFlag(values, words[i:])
		if why != "" {
			return j.impossible("curl", "%s", why)
		}
		i += used
	}
	urls = append(urls, values["url"]...)
	if why := j.curlRefusal(values); why != "" {
		return j.impossible("curl", "%s", why)
	}
	if len(urls) != 1 {
		return j.impossible("curl", "curl reads one address at a time")
	}
	host, why := j.curlHost(urls[0].val)
	if why != "" {
		return j.impossible("curl", "%s", why)
	}
	return reading("curl", "it reads an address, if curl_allow has its host", Need{NeedHost, host})
}

func (j *judging) curlFlag(values map[string][]word, words []word) (used int, why string) {
	w := words[0]
	take := func(key string) (int, string) {
		if curlFlags.kinds[key] == noValue {
			values[key] = append(values[key], word{val: "true"})
			return 0, ""
		}
		if len(words) < 2 {
			return 0, "curl --" + key + " needs a value"
		}
		values[key] = append(values[key], words[1])
		return 1, ""
	}
	if key, long := strings.CutPrefix(w.val, "--"); long {
		if why := noCurl[key]; why != "" {
			return 0, "curl --" + key + ": " + why
		}
		if _, known := curlFlags.kinds[key]; !known || !static(key) {
			return 0, "curl has no --" + oneLine(j.holes.show(key), 40) + " here"
		}
		return take(key)
	}
	for k := 1; k < len(w.val); k++ {
		letter := w.val[k]
		if long := noCurlLetters[letter]; long != "" {
			return 0, "curl -" + string(letter) + ": " + noCurl[long]
		}
		key := curlFlags.letters[letter]
		if key == "" {
			return 0, "curl has no -" + oneLine(j.holes.show(w.val[k:]), 20) + " here"
		}
		if curlFlags.kinds[key] == noValue {
			values[key] = append(values[key], word{val: "true"})
			continue
		}
		if k+1 < len(w.val) {
			values[key] = append(values[key], word{val: w.val[k+1:], text: w.val[k+1:]})
			return 0, ""
		}
		return take(key)
	}
	return 0, ""
}

func (j *judging) curlRefusal(values map[string][]word) string {
	for _, m := range values["request"] {
		if !static(m.val) || m.val != "GET" && m.val != "HEAD" {
			return "only GET and HEAD are sent, not " + oneLine(j.holes.show(m.val), 20)
		}
	}
	for _, o := range values["output"] {
		if o.val != "/dev/null" && o.val != "-" {
			return "curl -o " + oneLine(j.holes.show(o.val), 60) + ": " + noFiles
		}
	}
	if len(values["data-urlencode"]) > 0 && len(values["get"]) == 0 {
		return "curl --data-urlencode without -G: " + sends
	}
	for _, key := range []string{"header", "data-urlencode", "write-out"} {
		for _, v := range values[key] {
			before, _, _ := strings.Cut(v.val, "=")
			if strings.HasPrefix(v.val, "@") || key == "data-urlencode" && strings.Contains(before, "@") || strings.Contains(v.val, "%output{") {
				return "curl --" + key + " " + oneLine(j.holes.show(v.val), 40) + ": " + noFiles
			}
		}
	}
	for _, v := range values["header"] {
		if name, _, _ := strings.Cut(v.val, ":"); !static(name) || strings.EqualFold(strings.TrimSpace(name), "Authorization") || strings.EqualFold(strings.TrimSpace(name), "Cookie") ||
			strings.EqualFold(strings.TrimSpace(name), "Host") {
			return "curl -H " + oneLine(j.holes.show(name), 40) + ": " + noCurl["user"]
		}
		if name, _, _ := strings.Cut(v.val, ":"); slices.Contains(overrides, strings.ToLower(strings.TrimSpace(name))) {
			return "curl -H " + oneLine(name, 40) + ": " + sends
		}
	}
	return ""
}

// curlHost gives the host of an address; empty: it is known when the step
// runs.
func (j *judging) curlHost(address string) (host, why string) {
	if strings.ContainsAny(address, "{}[]") && !strings.Contains(address, "://[") {
		return "", "curl reads one address; {} and [] would make several"
	}
	text := j.sample(address)
	if strings.HasPrefix(address, string(unknown)) || strings.ContainsRune(text, unknown) && !strings.Contains(strings.SplitN(text, string(unknown), 2)[0], "://") {
		return "", ""
	}
	if !strings.Contains(text, "://") {
		text = "http://" + text
	}
	u, err := url.Parse(strings.ReplaceAll(text, string(unknown), "x"))
	switch {
	case err != nil || u.Host == "":
		return "", "curl needs an address such as https://status.example.com/health"
	case u.Scheme != "http" && u.Scheme != "https":
		return "", "only http and https are read, not " + u.Scheme
	case u.User != nil:
		return "", "curl: " + noCurl["user"]
	}
	if _, rest, _ := strings.Cut(address, "://"); !static(strings.SplitN(rest, "/", 2)[0]) || !strings.Contains(address, "://") && !static(strings.SplitN(address, "/", 2)[0]) {
		return "", ""
	}
	return u.Host, ""
}
