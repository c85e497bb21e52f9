package run

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"muster/playbooks/run/shell"
)

// here performs a reading step in this process, with the hosts that curl may read.
func here(t *testing.T, code string, allow ...string) Result {
	t.Helper()
	o := order{Request: Request{Run: t.Name(), Mode: Read, Kind: Bash, Code: code, Limits: Limits{Deadline: time.Minute, MaxOutput: 16 << 20, MaxRows: DefaultMaxRows}}}
	o.Reach.CurlAllow = allow
	return perform(t.Context(), o, &framer{w: json.NewEncoder(io.Discard)})
}

// site serves what curl reads in these tests, and counts what reached it.
func site(t *testing.T) (host string, asked *atomic.Int64) {
	asked = &atomic.Int64{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		switch r.URL.Path {
		case "/to":
			http.Redirect(w, r, r.URL.Query().Get("it"), http.StatusFound)
		case "/loop":
			http.Redirect(w, r, "/loop", http.StatusFound)
		case "/down":
			http.Error(w, "nobody is here", http.StatusServiceUnavailable)
		case "/large":
			_, _ = w.Write([]byte(strings.Repeat("x", curlMaxBody+1)))
		case "/bomb":
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			for range 8 {
				_, _ = z.Write(make([]byte, 1<<20))
			}
			_ = z.Close()
		case "/drip":
			for r.Context().Err() == nil {
				_, _ = io.WriteString(w, "drop\n")
				w.(http.Flusher).Flush()
				time.Sleep(10 * time.Millisecond)
			}
		case "/silent":
			<-r.Context().Done()
		default:
			fmt.Fprintf(w, "%s %s %s agent=%s", r.Method, r.URL.Path, r.URL.RawQuery, r.Header.Get("User-Agent"))
		}
	}))
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://"), asked
}

func TestCurlReadsAllowedHosts(t *testing.T) {
	host, _ := site(t)
	other, _ := site(t)
	for code, want := range map[string]string{
		"curl -s http://HOST/health":              "GET /health  agent=muster",
		"curl HOST/health":                        "GET /health",
		"curl -sS --url http://HOST/health -A me": "agent=me",
		"curl -sI http://HOST/health":             "200 OK",
		"curl -s -o /dev/null -w '%{http_code} %{size_download}\\n' http://HOST/x": "200 20\n",
		"curl -sG --data-urlencode 'q=a b' http://HOST/x":                          "q=a+b",
		"curl -s http://HOST/to?it=/there":                                         "Found",
		"curl -sL http://HOST/to?it=/there":                                        "GET /there",
		"curl -sL http://HOST/to?it=http://OTHER/there":                            "GET /there",
		"curl -s http://HOST/down":                                                 "nobody is here",
		"curl -s http://HOST/health | cut -d ' ' -f 2":                             "/health\n",
	} {
		code = strings.NewReplacer("HOST", host, "OTHER", other).Replace(code)
		if res := here(t, code, host, other); res.Ended != Done || !strings.Contains(string(res.Output), want) {
			t.Errorf("%s: %s %s\n%s", code, res.Ended, res.Why, res.Output)
		}
	}
	for code, want := range map[string]string{
		"curl -sf http://HOST/down":              "status 22",
		"curl -sSf http://HOST/down":             "status 22",
		"curl -sL http://HOST/loop":              "status 7",
		"curl -s -o /dev/null http://HOST/large": "larger than 4 MiB",
		"curl -s -o /dev/null http://HOST/bomb":  "larger than 4 MiB",
		"curl -s -m 0.2 http://HOST/drip":        "",
		"curl -s -m 1 http://HOST/silent":        "status 7",
		"curl -s http://HOST/large | head -c 10": "",
	} {
		code = strings.ReplaceAll(code, "HOST", host)
		res := here(t, code, host)
		if piped := strings.Contains(code, "|"); res.Ended != Failed && !piped || !strings.Contains(res.Why+string(res.Output), want) || len(res.Output) > curlMaxBody+1<<10 {
			t.Errorf("%s: %s %s, %d bytes", code, res.Ended, res.Why, len(res.Output))
		}
	}
}

// Whatever a block, a redirection or a name says, curl connects only to hosts on the list, only to read.
func TestCurlRefusesOtherHosts(t *testing.T) {
	host, asked := site(t)
	secret, reached := site(t)
	for _, code := range []string{
		"curl http://SECRET/", "curl http://169.254.169.254/latest/meta-data/", "curl http://[fd00:ec2::254]/latest/", "curl http://metadata.google.internal/",
		"curl http://127.0.0.1/", "curl http://localhost/", "curl http://2130706433/", "curl http://0x7f000001/", "curl http://127.1/", "curl http://[::1]/",
		"curl http://[::ffff:169.254.169.254]/", "curl http://[64:ff9b::a9fe:a9fe]/", "curl http://HOST.evil.example.com/", "curl http://evil.example.com/HOST",
		"curl http://HOST@SECRET/", "curl http://SECRET#HOST", `curl 'http://HOST\@SECRET/'`, "curl ftp://HOST/", "curl file:///etc/passwd", "curl gopher://HOST/x", "curl dict://HOST/x",
		"curl -L http://HOST/to?it=http://SECRET/", "curl -L http://HOST/to?it=//SECRET/", "curl -L http://HOST/to?it=http://169.254.169.254/latest/", "curl -L http://HOST/to?it=file:///etc/passwd",
		"curl -L http://HOST/to?it=http://u:p@HOST/", "curl -L 'http://HOST/to?it=http://HOST/to?it=http://SECRET/'", "curl -X DELETE http://HOST/", "curl -d a=b http://HOST/", "curl -T - http://HOST/",
		"curl -H 'Host: SECRET' http://HOST/", "curl -H 'X-HTTP-Method-Override: DELETE' http://HOST/", "curl -H 'X-Method-Override: DELETE' http://HOST/", "curl -x http://SECRET http://HOST/",
		"curl --connect-to HOST:SECRET http://HOST/", "curl -o /tmp/x http://HOST/", "curl http://HOST/ http://SECRET/", "curl -K - http://HOST/", `U=http://SECRET/; curl "$U"`,
		"curl -sL http://HOST/to?it=http://SECRET/ | cat",
	} {
		code = strings.NewReplacer("HOST", host, "SECRET", secret).Replace(code)
		res := here(t, code, host)
		if res.Ended != Refused || res.Why == "" || strings.Contains(string(res.Output), "agent=") {
			t.Errorf("%s: %s %s\n%s", code, res.Ended, res.Why, res.Output)
		}
	}
	if reached.Load() != 0 {
		t.Errorf("a host that is not on the list was asked %d times", reached.Load())
	}
	t.Logf("the allowed host was asked %d times, the other one never", asked.Load())
	if res := here(t, "curl http://"+host+"/"); res.Ended != Refused || !strings.Contains(res.Why, "curl_allow") {
		t.Errorf("with no list: %s %s", res.Ended, res.Why)
	}
}

// A name on the list that leads to this machine, or to what a cloud tells its machines, is not connected to, whichever
// of its addresses that is; an address that the list names itself is.
func TestCurlLooksWhereANameLeads(t *testing.T) {
	dial := func(allow, at string, addresses ...string) error {
		transport := curlTransport([]string{allow}, func(context.Context, string, string) (out []netip.Addr, _ error) {
			for _, a := range addresses {
				out = append(out, netip.MustParseAddr(a))
			}
			return out, nil
		})
		ctx, stop := context.WithCancel(t.Context())
		stop() // nothing is connected to in this test
		_, err := transport.DialContext(ctx, "tcp", at)
		return err
	}
	var refused shell.Refusal
	for _, a := range []string{
		"127.0.0.1", "127.9.9.9", "0.0.0.0", "::", "::1", "169.254.169.254", "169.254.170.2", "fe80::1", "fd00:ec2::254", "fd20:ce::254", "100.100.100.200", "192.0.0.192", "168.63.129.16",
		"::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "64:ff9b::7f00:1", "2002:7f00:1::", "::127.0.0.1", "224.0.0.1", "255.255.255.255",
	} {
		if err := dial("status.example.com", "status.example.com:80", a); !errors.As(err, &refused) {
			t.Errorf("a name that leads to %s: %v", a, err)
		}
		if err := dial("status.example.com", "status.example.com:80", "203.0.113.7", a); !errors.As(err, &refused) {
			t.Errorf("a name that leads to %s too: %v", a, err)
		}
	}
	for _, ok := range [][2]string{{"status.example.com", "203.0.113.7"}, {"internal.example.com", "10.1.2.3"}, {"status.example.com", "64:ff9b::cb00:7107"}, {"169.254.169.254", "169.254.169.254"}} {
		if err := dial(ok[0], ok[0]+":80", ok[1]); errors.As(err, &refused) {
			t.Errorf("%s at %s is refused: %v", ok[0], ok[1], err)
		}
	}
}

// What never ends, ends with the step, as a step that took too long.
func TestCurlEndsWithTheStep(t *testing.T) {
	host, _ := site(t)
	for _, path := range []string{"/drip", "/silent"} {
		res := reading(t, Config{CurlAllow: []string{host}}, "curl -s --retry 3 http://"+host+path, Limits{Deadline: 3 * time.Second})
		if res.Ended != Deadline || !strings.Contains(res.Why, "3s") {
			t.Errorf("%s: %s %s", path, res.Ended, res.Why)
		}
	}
}
