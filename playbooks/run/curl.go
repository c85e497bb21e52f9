package run

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"muster/playbooks/run/shell"
)

const (
	curlMaxBody    = 4 << 20
	curlTimeout    = 20 * time.Second
	curlMaxHops    = 5
	curlMaxRetries = 3
)

// curlCall is one curl command taken apart.
type curlCall struct {
	url                            string
	head, include, silent, fail    bool
	follow, discard, verbose, show bool
	failBody                       bool
	format, agent, referer         string
	headers                        http.Header
	query                          []string
	timeout                        time.Duration
	retries                        int
	byteRange                      string
}

// curlLetters are the short options and what they are called in full; a * behind the name says that it takes a value.
var curlLetters = map[byte]string{'s': "silent", 'S': "show-error", 'f': "fail", 'L': "location", 'i': "include", 'I': "head", 'v': "verbose",
	'G': "get", 'g': "globoff", 'N': "no-buffer", '4': "ipv4", '6': "ipv6", 'm': "max-time*", 'H': "header*", 'X': "request*", 'o': "output*",
	'w': "write-out*", 'A': "user-agent*", 'e': "referer*", 'r': "range*"}

var curlValued = []string{"max-time", "connect-timeout", "retry", "retry-delay", "retry-max-time", "header", "request", "output", "write-out",
	"user-agent", "max-redirs", "data-urlencode", "url", "referer", "range"}

// curl reads one address of an allowed host.
func (p *performance) curl(ctx context.Context, s shell.Streams, args []string) error {
	c, err := parseCurl(args[1:])
	if err != nil {
		return err
	}
	if !strings.Contains(c.url, "://") {
		c.url = "http://" + c.url
	}
	u, err := url.Parse(c.url)
	if err != nil || u.Host == "" {
		return shell.Refusef("curl needs an address such as https://status.example.com/health, not %q.", p.out.mask(c.url))
	}
	if len(c.query) > 0 {
		q := u.Query()
		for _, pair := range c.query {
			name, value, ok := strings.Cut(pair, "=")
			if !ok {
				name, value = "", pair
			}
			q.Add(name, value)
		}
		u.RawQuery = q.Encode()
	}
	allow := p.order.Reach.CurlAllow
	if err := curlMay(allow, u); err != nil {
		return err
	}
	client := &http.Client{Timeout: c.timeout, Transport: curlTransport(allow, net.DefaultResolver.LookupNetIP), CheckRedirect: func(req *http.Request, via []*http.Request) error {
		switch {
		case !c.follow:
			return http.ErrUseLastResponse
		case len(via) > curlMaxHops:
			return errors.New("too many redirections")
		}
		return curlMay(allow, req.URL)
	}}
	defer client.CloseIdleConnections()
	var res *http.Response
	start := time.Now()
	for try := 0; ; try++ {
		if res, err = c.send(ctx, client, u); err == nil && res.StatusCode < 500 || try >= c.retries {
			break
		}
		if res != nil {
			res.Body.Close()
		}
		if err := wait(ctx, time.Second); err != nil {
			return err
		}
	}
	var refused shell.Refusal
	switch {
	case errors.As(err, &refused):
		return refused
	case err != nil:
		if !c.silent || c.show {
			if inner := errors.Unwrap(err); inner != nil {
				err = inner // without the address
			}
			fmt.Fprintf(s.Err, "curl: %v\n", err)
		}
		return shell.Exit(7)
	}
	defer res.Body.Close()
	return c.print(s, res, time.Since(start))
}

// curlMay refuses what is not on the list, whatever a redirection says.
func curlMay(allow []string, u *url.URL) error {
	if u.Scheme != "https" && u.Scheme != "http" {
		return shell.Refusef("curl reads http and https only, not %s.", u.Scheme)
	}
	if u.User != nil {
		return shell.Refusal("An address with a password in it can be read by everybody: take it out.")
	}
	if !slices.ContainsFunc(allow, func(entry string) bool {
		return strings.EqualFold(entry, u.Host) || strings.EqualFold(entry, u.Hostname())
	}) {
		return shell.Refusef("curl may not read %s: playbooks.curl_allow in muster.yaml does not have it.", u.Host)
	}
	return nil
}

// curlTransport connects without a proxy, and never to an address that only this machine or its cloud's metadata has,
// unless the list names that address itself.
func curlTransport(allow []string, lookup func(ctx context.Context, network, host string) ([]netip.Addr, error)) *http.Transport {
	dialer := &net.Dialer{Timeout: 10 * time.Second}
	return &http.Transport{Proxy: nil, DisableKeepAlives: true, ResponseHeaderTimeout: curlTimeout, DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		host, port, err := net.SplitHostPort(address)
		if err != nil {
			return nil, err
		}
		named := slices.ContainsFunc(allow, func(entry string) bool {
			return entry == host || entry == address || host == "localhost" && strings.HasPrefix(entry, host)
		}) && (host == "localhost" || net.ParseIP(host) != nil)
		found, err := lookup(ctx, "ip", host)
		if err != nil {
			return nil, err
		}
		for _, ip := range found {
			if ip = ip.Unmap(); !named && surprising(ip) {
				return nil, shell.Refusef("curl does not connect to %s: it is %s, an address of this machine or of its metadata.", host, ip)
			}
		}
		// The address that was looked at is the one that is used.
		var last error
		for _, ip := range found {
			conn, err := dialer.DialContext(ctx, network, net.JoinHostPort(ip.String(), port))
			if err == nil {
				return conn, nil
			}
			last = err
		}
		return nil, last
	}}
}

// ownOnly are the addresses at which clouds tell a machine about itself, beside the link-local ones, and those of no
// machine.
var ownOnly = []netip.Prefix{
	netip.MustParsePrefix("fd00:ec2::254/128"), netip.MustParsePrefix("fd20:ce::254/128"), netip.MustParsePrefix("100.100.100.200/32"),
	netip.MustParsePrefix("192.0.0.192/32"), netip.MustParsePrefix("168.63.129.16/32"), netip.MustParsePrefix("255.255.255.255/32"),
	netip.MustParsePrefix("0.0.0.0/8"),
}

// carriers are networks whose addresses carry an IPv4 address, and the byte at which it begins.
var carriers = map[netip.Prefix]int{
	netip.MustParsePrefix("64:ff9b::/96"): 12, netip.MustParsePrefix("2002::/16"): 2, netip.MustParsePrefix("::/96"): 12,
}

// surprising tells whether an address leads to this machine or to its metadata.
func surprising(ip netip.Addr) bool {
	ip = ip.Unmap().WithZone("")
	if ip.IsLoopback() || ip.IsLinkLocalUnicast() || ip.IsUnspecified() || ip.IsMulticast() ||
		slices.ContainsFunc(ownOnly, func(p netip.Prefix) bool { return p.Contains(ip) }) {
		return true
	}
	for p, at := range carriers {
		if all := ip.As16(); ip.Is6() && p.Contains(ip) {
			return surprising(netip.AddrFrom4([4]byte(all[at : at+4])))
		}
	}
	return false
}

func parseCurl(args []string) (curlCall, error) {
	c := curlCall{headers: http.Header{}, timeout: curlTimeout}
	var urls []string
	for i := 0; i < len(args); i++ {
		a := args[i]
		if a == "-" || !strings.HasPrefix(a, "-") {
			urls = append(urls, a)
			continue
		}
		names := []string{strings.TrimPrefix(a, "--")}
		value, has := "", false
		if !strings.HasPrefix(a, "--") {
			names = nil
			for k := 1; k < len(a); k++ {
				name, ok := curlLetters[a[k]]
				if !ok {
					return c, shell.Refusef("curl has no -%c here: it only reads.", a[k])
				}
				plain, valued := strings.CutSuffix(name, "*")
				names = append(names, plain)
				if valued && k+1 < len(a) {
					value, has = a[k+1:], true
				}
				if valued {
					break
				}
			}
		}
		for _, name := range names {
			if slices.Contains(curlValued, name) && !has {
				if i++; i >= len(args) {
					return c, fmt.Errorf("--%s needs a value", name)
				}
				value = args[i]
			}
			if name == "url" {
				urls = append(urls, value)
				continue
			}
			if err := c.option(name, value); err != nil {
				return c, err
			}
		}
	}
	if len(urls) != 1 {
		return c, shell.Refusal("curl reads one address at a time here.")
	}
	c.url = urls[0]
	return c, nil
}

func (c *curlCall) option(name, value string) error {
	switch name {
	case "silent":
		c.silent = true
	case "show-error":
		c.show = true
	case "fail":
		c.fail = true
	case "fail-with-body":
		c.fail, c.failBody = true, true
	case "location":
		c.follow = true
	case "include":
		c.include = true
	case "head":
		c.head = true
	case "verbose":
		c.verbose = true
	case "get", "globoff", "no-buffer", "ipv4", "ipv6", "compressed", "no-progress-meter", "http1.1", "http2", "max-redirs", "retry-delay", "retry-max-time":
	case "connect-timeout", "max-time":
		f, err := strconv.ParseFloat(value, 64)
		if err != nil || !(f > 0) {
			return fmt.Errorf("--%s needs a number of seconds, not %q", name, value)
		}
		if name == "max-time" {
			// Without a time, a request would have all of the step's.
			c.timeout = max(time.Millisecond, time.Duration(min(f, time.Minute.Seconds())*float64(time.Second)))
		}
	case "retry":
		n, err := strconv.Atoi(value)
		if err != nil || n < 0 {
			return fmt.Errorf("--retry needs a number, not %q", value)
		}
		c.retries = min(n, curlMaxRetries)
	case "header":
		key, v, ok := strings.Cut(value, ":")
		if !ok {
			return fmt.Errorf("the header %q has no colon", key)
		}
		if strings.EqualFold(strings.TrimSpace(key), "host") {
			return shell.Refusal("curl asks the host that the address names: take away the Host header.")
		}
		c.headers.Add(strings.TrimSpace(key), strings.TrimSpace(v))
	case "request":
		switch value {
		case "GET":
		case "HEAD":
			c.head = true
		default:
			return shell.Refusef("curl only reads here: GET and HEAD, not %s.", value)
		}
	case "output":
		if value != "/dev/null" && value != "-" {
			return shell.Refusef("There are no files here: curl cannot write %s.", value)
		}
		c.discard = value == "/dev/null"
	case "write-out":
		c.format = value
	case "user-agent":
		c.agent = value
	case "referer":
		c.referer = value
	case "range":
		c.byteRange = value
	case "data-urlencode":
		if strings.HasPrefix(value, "@") || !strings.Contains(value, "=") && strings.Contains(value, "@") {
			return shell.Refusal("There are no files here: curl cannot read one.")
		}
		c.query = append(c.query, value)
	default:
		return shell.Refusef("curl has no --%s here: it only reads.", name)
	}
	return nil
}

func (c *curlCall) send(ctx context.Context, client *http.Client, u *url.URL) (*http.Response, error) {
	method := http.MethodGet
	if c.head {
		method = http.MethodHead
	}
	req, err := http.NewRequestWithContext(ctx, method, u.String(), nil)
	if err != nil {
		return nil, err
	}
	req.Header = c.headers.Clone()
	req.Header.Set("User-Agent", "muster")
	for name, v := range map[string]string{"User-Agent": c.agent, "Referer": c.referer} {
		if v != "" {
			req.Header.Set(name, v)
		}
	}
	if c.byteRange != "" {
		req.Header.Set("Range", "bytes="+c.byteRange)
	}
	return client.Do(req)
}

func (c *curlCall) print(s shell.Streams, res *http.Response, took time.Duration) error {
	failed := c.fail && res.StatusCode >= 400
	if c.include || c.head {
		fmt.Fprintf(s.Out, "%s %s\n", res.Proto, res.Status)
		if err := res.Header.Write(s.Out); err != nil {
			return err
		}
		fmt.Fprintln(s.Out)
	}
	to := s.Out
	if c.discard || failed && !c.failBody {
		to = io.Discard
	}
	n, err := io.Copy(to, io.LimitReader(res.Body, curlMaxBody+1))
	if err == nil && n > curlMaxBody {
		err = fmt.Errorf("the answer is larger than %d MiB", curlMaxBody>>20)
	}
	if c.format != "" {
		text := strings.NewReplacer("%{http_code}", fmt.Sprintf("%03d", res.StatusCode), "%{response_code}", fmt.Sprintf("%03d", res.StatusCode),
			"%{time_total}", fmt.Sprintf("%.6f", took.Seconds()), "%{size_download}", strconv.FormatInt(n, 10), "%{url_effective}", res.Request.URL.String(),
			"%{content_type}", res.Header.Get("Content-Type"), `\n`, "\n", `\t`, "\t", "%%", "%").Replace(c.format)
		if _, err := io.WriteString(s.Out, text); err != nil {
			return err
		}
	}
	if err == nil && failed {
		if !c.silent || c.show {
			fmt.Fprintf(s.Err, "curl: the server answered %s\n", res.Status)
		}
		return shell.Exit(22)
	}
	return err
}
