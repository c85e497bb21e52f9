package alerts_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"muster/alerts"
)

// taker remembers what it takes.
type taker struct {
	err   error
	taken []alerts.Batch
}

func (k *taker) Take(_ context.Context, b alerts.Batch) error {
	if k.err == nil {
		k.taken = append(k.taken, b)
	}
	return k.err
}

// The whole exchange over a connection, in a bubble of its own time.
func TestStatus(t *testing.T) {
	firing := string(payload(t, "alertmanager-firing.json"))
	for name, c := range map[string]struct {
		path, method, auth string
		body               string
		length             int // declared; 0: that of the body
		slow               bool
		noToken            bool
		fails              bool
		status             int
		taken              int
		text               string
	}{
		"taken":           {body: firing, status: 200, taken: 2, text: "2 alerts are on record."},
		"one":             {path: "/generic", body: `{"name":"A"}`, status: 200, taken: 1, text: "1 alert is on record."},
		"lower case":      {auth: "bearer tok", body: firing, status: 200, taken: 2, text: "2 alerts are on record."},
		"no token":        {auth: "-", body: firing, status: 401, text: "The bearer token is missing or wrong: send MUSTER_API_TOKEN."},
		"wrong token":     {auth: "Bearer tol", body: firing, status: 401, text: "The bearer token is missing or wrong: send MUSTER_API_TOKEN."},
		"longer token":    {auth: "Bearer token", body: firing, status: 401, text: "The bearer token is missing or wrong: send MUSTER_API_TOKEN."},
		"other scheme":    {auth: "Basic tok", body: firing, status: 401, text: "The bearer token is missing or wrong: send MUSTER_API_TOKEN."},
		"none configured": {noToken: true, auth: "Bearer ", body: firing, status: 403, text: "Alerts are not taken: set MUSTER_API_TOKEN and start again."},
		"GET":             {method: "GET", status: 405, text: "Send alerts with POST."},
		"no JSON":         {body: "hello", status: 400, text: "The request is not a JSON object; send Alertmanager's webhook here."},
		"deep":            {body: strings.Repeat(`{"a":`, 500_000), status: 400, text: "The request is nested deeper than 32 levels."},
		"10 MB declared":  {body: "{", length: 10 << 20, status: 413, text: "The request is larger than 4 MiB; set max_alerts in Alertmanager's receiver."},
		"10 MB sent":      {body: strings.Repeat(" ", 10<<20), length: -1, status: 413, text: "The request is larger than 4 MiB; set max_alerts in Alertmanager's receiver."},
		"slow":            {body: firing, slow: true, status: 408, text: "The body did not come within 10s; send it again."},
		"not on disk":     {body: firing, fails: true, status: 503, text: "The alerts could not be put on record; send them again."},
		"some dropped":    {body: `{"alerts":[{"fingerprint":"f"},7]}`, status: 200, taken: 1, text: "1 alert is on record."},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				defer time.Sleep(time.Minute) // the connections end
				k := &taker{}
				if c.fails {
					k.err = errors.New("no space left")
				}
				token := "tok"
				if c.noToken {
					token = ""
				}
				var log bytes.Buffer
				counted := map[string]int{}
				in := alerts.NewInlet(alerts.InletConfig{
					Taker: k, Token: func() string { return token }, Log: slog.New(slog.NewTextHandler(&log, nil)),
					Counted: func(_, outcome string, n int) { counted[outcome] += n + 1 },
				})
				mux := http.NewServeMux()
				mux.Handle("/", in.Alertmanager())
				mux.Handle("/generic", in.Generic())
				here, there := net.Pipe()
				server := &http.Server{Handler: mux}
				go server.Serve(&oneConn{conn: there, closed: make(chan struct{})})
				defer server.Close()
				defer here.Close()

				head := fmt.Sprintf("%s %s HTTP/1.1\r\nHost: x\r\n", or(c.method, "POST"), or(c.path, "/"))
				if c.auth != "-" {
					head += "Authorization: " + or(c.auth, "Bearer tok") + "\r\n"
				}
				switch {
				case c.length < 0:
					head += fmt.Sprintf("Transfer-Encoding: chunked\r\n\r\n%x\r\n", len(c.body))
				case c.length > 0:
					head += fmt.Sprintf("Content-Length: %d\r\n\r\n", c.length)
				default:
					head += fmt.Sprintf("Content-Length: %d\r\n\r\n", len(c.body))
				}
				go func() {
					io.WriteString(here, head)
					if c.slow {
						for _, b := range []byte(c.body) {
							time.Sleep(100 * time.Millisecond)
							if _, err := here.Write([]byte{b}); err != nil {
								return
							}
						}
					}
					io.WriteString(here, c.body)
				}()
				began := time.Now()
				res, err := http.ReadResponse(bufio.NewReader(here), nil)
				if err != nil {
					t.Fatal(err)
				}
				var said struct {
					OK      bool
					Text    string
					Alerts  int
					Dropped []string
				}
				if err := json.NewDecoder(res.Body).Decode(&said); err != nil {
					t.Fatal(err)
				}
				if res.StatusCode != c.status || said.Text != c.text || said.OK != (c.status == 200) {
					t.Errorf("%d %+v", res.StatusCode, said)
				}
				n := 0
				for _, b := range k.taken {
					n += len(b.Alerts)
				}
				if n != c.taken || said.Alerts != n || len(counted) != 1 {
					t.Errorf("%d alerts taken, %+v, counted %v", n, said, counted)
				}
				if took := time.Since(began); took > 11*time.Second {
					t.Errorf("it took %s", took)
				}
				if refused := c.status == 401 || c.status == 403; refused != strings.Contains(log.String(), "MUSTER_API_TOKEN") {
					t.Errorf("answered with %d, the log says: %s", c.status, log.String())
				}
				if strings.Contains(log.String(), "tok") && !strings.Contains(log.String(), "token") {
					t.Errorf("the log has the token: %s", log.String())
				}
			})
		})
	}
}

func or(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// oneConn is a listener with a single connection.
type oneConn struct {
	conn   net.Conn
	closed chan struct{}
}

func (l *oneConn) Accept() (net.Conn, error) {
	if c := l.conn; c != nil {
		l.conn = nil
		return c, nil
	}
	<-l.closed
	return nil, net.ErrClosed
}

func (l *oneConn) Close() error {
	select {
	case <-l.closed:
	default:
		close(l.closed)
	}
	return nil
}

func (l *oneConn) Addr() net.Addr { return &net.TCPAddr{} }
