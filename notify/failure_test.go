package notify_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"syscall"
	"testing"
	"time"

	"muster/notify"
	"muster/outbox"
)

// TestFailuresForTheOutbox: what is told to the outbox decides whether a page is
// sent again, so each kind is its own error, and an unclear one is none of them.
func TestFailuresForTheOutbox(t *testing.T) {
	f := notify.Failure{Provider: "Pigeon", What: "fly", Why: "it rains", After: time.Minute}
	const text = "Pigeon: cannot fly: it rains"
	for kind, is := range map[notify.FailureKind]func(error) bool{
		notify.Unclear: func(err error) bool { _, ok := errors.AsType[*notify.Failure](err); return ok },
		notify.Unsent:  func(err error) bool { _, ok := errors.AsType[outbox.NotSentError](err); return ok },
		notify.Limited: func(err error) bool {
			e, ok := errors.AsType[outbox.RetryAfterError](err)
			return ok && e.After == time.Minute
		},
		notify.Refused: func(err error) bool {
			e, ok := errors.AsType[outbox.PermanentError](err)
			return ok && e.Reason == text
		},
	} {
		f := f
		f.Kind = kind
		err := notify.Classified(fmt.Errorf("page: %w", &f))
		_, unsent := errors.AsType[outbox.NotSentError](err)
		_, limited := errors.AsType[outbox.RetryAfterError](err)
		_, refused := errors.AsType[outbox.PermanentError](err)
		if !is(err) || kind == notify.Unclear && (unsent || limited || refused) || f.Error() != text {
			t.Errorf("kind %d becomes %#v", kind, err)
		}
	}
	if other := errors.New("other"); !errors.Is(notify.Classified(other), other) || notify.Classified(nil) != nil {
		t.Error("what is no failure was changed")
	}
}

type slow struct{ error }

func (slow) Timeout() bool { return true }

// TestBrokenRequests: only what may have arrived is looked up before it is sent
// again; everything else surely did not arrive.
func TestBrokenRequests(t *testing.T) {
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	ctx := context.Background()
	for _, c := range []struct {
		ctx  context.Context
		err  error
		want notify.Broke
		sent bool
	}{
		{ctx, &net.OpError{Op: "dial", Err: &net.DNSError{}}, notify.NoName, false},
		{ctx, &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}, notify.Closed, false},
		{ctx, &net.OpError{Op: "remote error", Err: &tls.CertificateVerificationError{}}, notify.Untrusted, false},
		{ctx, &net.OpError{Op: "dial", Err: slow{errors.New("slow")}}, notify.Unreachable, false},
		{ctx, &net.OpError{Op: "read", Err: slow{errors.New("slow")}}, notify.Late, true},
		{ended, errors.New("anything"), notify.Late, true},
		{ctx, &net.OpError{Op: "read", Err: syscall.ECONNRESET}, notify.Cut, true},
	} {
		if got := notify.BrokeBy(c.ctx, fmt.Errorf("post: %w", c.err)); got != c.want || got.Sent() != c.sent || got.Words("x") == "" {
			t.Errorf("%v is %d (sent: %v), want %d", c.err, got, got.Sent(), c.want)
		}
	}
}

func TestWait(t *testing.T) {
	now := time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)
	for header, want := range map[string]time.Duration{
		"7": 7 * time.Second, " 0 ": time.Second, "999999999999": time.Hour, "-1": 0, "": 0, "soon": 0,
		"Sun, 22 Nov 2026 03:00:30 GMT": 30 * time.Second, "Sun, 22 Nov 2026 02:00:00 GMT": time.Second, "Mon, 23 Nov 2026 03:00:00 GMT": time.Hour,
	} {
		if got, ok := notify.Wait(header, now); got != want || ok != (want > 0) {
			t.Errorf("%q is %v (%v), want %v", header, got, ok, want)
		}
	}
}
