package alerts

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"time"

	"golang.org/x/time/rate"
)

// A sender has readTimeout to send its body and then waits takeTimeout at most.
const (
	readTimeout = 10 * time.Second
	takeTimeout = 15 * time.Second
)

// What became of a request, for the metric.
const (
	Taken        = "taken"
	Failed       = "failed"     // it could not be put on record; the sender keeps it
	Refused      = "refused"    // it cannot be read or is too large
	Unauthorised = "no_access"  // its token is missing or wrong
	BrokenOff    = "broken_off" // its body came too slowly or not at all
)

// InletConfig is what an inlet needs.
type InletConfig struct {
	Taker Taker
	// Token gives the bearer token that senders must bring; empty: nobody may send.
	Token func() string
	Log   *slog.Logger
	// Counted is told of each request; nil: nobody is.
	Counted func(source, outcome string, alerts int)
}

// Inlet takes alerts in over HTTP. It answers 200 after they are on disk and
// 503 when that failed, so that the sender tries again; never 429, which
// Alertmanager would not try again.
type Inlet struct {
	cfg InletConfig
	// strangers lets the log have one line of many refusals alike.
	strangers rate.Sometimes
}

// NewInlet makes an inlet.
func NewInlet(cfg InletConfig) *Inlet {
	if cfg.Counted == nil {
		cfg.Counted = func(string, string, int) {}
	}
	return &Inlet{cfg: cfg, strangers: rate.Sometimes{First: 1, Interval: time.Minute}}
}

// Alertmanager receives Alertmanager's webhooks.
func (in *Inlet) Alertmanager() http.Handler { return in.handler("alertmanager", ReadAlertmanager) }

// Generic receives the alerts of any sender; [ReadGeneric] says what they look like.
func (in *Inlet) Generic() http.Handler { return in.handler("generic", ReadGeneric) }

// receipt is the answer's body.
type receipt struct {
	OK      bool     `json:"ok"`
	Text    string   `json:"text"`
	Alerts  int      `json:"alerts,omitempty"`
	Dropped []string `json:"dropped,omitempty"`
}

func (in *Inlet) handler(source string, read func([]byte) (Batch, []string, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		status, outcome, said := in.take(w, r, source, read)
		in.cfg.Counted(source, outcome, said.Alerts)
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(said) // a sender that is gone reads no answer
	})
}

func (in *Inlet) take(w http.ResponseWriter, r *http.Request, source string, read func([]byte) (Batch, []string, error)) (status int, outcome string, said receipt) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return http.StatusMethodNotAllowed, Refused, receipt{Text: "Send alerts with POST."}
	}
	if status, text := in.allowed(r); status != 0 {
		if status == http.StatusUnauthorized {
			w.Header().Set("WWW-Authenticate", `Bearer realm="muster"`)
		}
		in.strangers.Do(func() {
			in.cfg.Log.Warn("alerts are refused, here and perhaps more within this minute", "source", source, "why", text)
		})
		return status, Unauthorised, receipt{Text: text}
	}
	body, status, text := readBody(w, r)
	if status != 0 {
		if status == http.StatusRequestEntityTooLarge {
			return status, Refused, receipt{Text: text}
		}
		return status, BrokenOff, receipt{Text: text}
	}
	b, dropped, err := read(body)
	if err != nil {
		in.cfg.Log.Warn("a request with alerts is refused", "source", source, "why", err.Error())
		var u Unreadable
		if errors.As(err, &u) && u.TooLarge {
			return http.StatusRequestEntityTooLarge, Refused, receipt{Text: err.Error()}
		}
		return http.StatusBadRequest, Refused, receipt{Text: err.Error()}
	}
	if len(dropped) > 0 {
		in.cfg.Log.Warn("some alerts of a request are dropped", "source", source, "why", strings.Join(dropped, " "))
	}
	ctx, cancel := context.WithTimeout(r.Context(), takeTimeout)
	defer cancel()
	if err := in.cfg.Taker.Take(ctx, b); err != nil {
		in.cfg.Log.Error("alerts could not be put on record; their sender has to send them again", "source", source, "error", err)
		return http.StatusServiceUnavailable, Failed, receipt{Text: "The alerts could not be put on record; send them again."}
	}
	return http.StatusOK, Taken, receipt{OK: true, Text: count(len(b.Alerts)) + " on record.", Alerts: len(b.Alerts), Dropped: dropped}
}

// allowed gives zero, or the status and sentence of a refusal.
func (in *Inlet) allowed(r *http.Request) (status int, text string) {
	want := in.cfg.Token()
	if want == "" {
		return http.StatusForbidden, "Alerts are not taken: set MUSTER_API_TOKEN and start again."
	}
	kind, got, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(kind, "Bearer") || subtle.ConstantTimeCompare([]byte(strings.TrimSpace(got)), []byte(want)) != 1 {
		return http.StatusUnauthorized, "The bearer token is missing or wrong: send MUSTER_API_TOKEN."
	}
	return 0, ""
}

// readBody gives the body, or the status and sentence of a refusal. A sender
// that is slow loses its connection.
func readBody(w http.ResponseWriter, r *http.Request) (body []byte, status int, text string) {
	tooLarge := fmt.Sprintf("The request is larger than %d MiB; set max_alerts in Alertmanager's receiver.", MaxBody>>20)
	if r.ContentLength > MaxBody {
		w.Header().Set("Connection", "close")
		return nil, http.StatusRequestEntityTooLarge, tooLarge
	}
	control := http.NewResponseController(w)
	bounded := control.SetReadDeadline(time.Now().Add(readTimeout)) == nil
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxBody))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return nil, http.StatusRequestEntityTooLarge, tooLarge
	case errors.Is(err, os.ErrDeadlineExceeded):
		w.Header().Set("Connection", "close")
		return nil, http.StatusRequestTimeout, fmt.Sprintf("The body did not come within %s; send it again.", readTimeout)
	case err != nil:
		w.Header().Set("Connection", "close")
		return nil, http.StatusBadRequest, "The body broke off; send it again."
	}
	if bounded {
		_ = control.SetReadDeadline(time.Time{}) // the server's own bounds count again with the next request
	}
	return body, 0, ""
}

func count(n int) string {
	if n == 1 {
		return "1 alert is"
	}
	return fmt.Sprintf("%d alerts are", n)
}
