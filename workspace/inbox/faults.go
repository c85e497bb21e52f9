package inbox

import (
	"net"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-smtp"
)

// Stage is a point of the conversation.
type Stage string

// The points at which something can go wrong. At Text the mail is not kept
// yet, at Answer it is.
const (
	Hello     Stage = "hello"
	SignIn    Stage = "sign in"
	Sender    Stage = "sender"
	Recipient Stage = "recipient"
	Text      Stage = "text"
	Answer    Stage = "answer"
)

// Faults are what goes wrong. The zero value: nothing.
type Faults struct {
	// Down closes every connection at once, also those that are open.
	Down bool
	// At says where Code and Slow apply; empty: nowhere.
	At Stage
	// Code is the answer there: 4xx or 5xx; zero: none.
	Code int
	// Enhanced is the code of three numbers that goes with it.
	Enhanced [3]int
	// Only limits a fault at Recipient to one address; empty: all of them.
	Only string
	// Slow is how long the server thinks first.
	Slow time.Duration
	// Lose keeps the mail and closes the connection instead of an answer.
	Lose bool
}

// Break sets what goes wrong from now on.
func (i *Inbox) Break(f Faults) {
	i.mu.Lock()
	i.faults = f
	var cut []net.Conn
	if f.Down {
		for c := range i.conns {
			cut = append(cut, c)
		}
	}
	i.mu.Unlock()
	for _, c := range cut {
		c.Close()
	}
}

// errEnd is what a conversation gets when the server ends.
var errEnd = &smtp.SMTPError{Code: 421, EnhancedCode: smtp.EnhancedCode{4, 3, 2}, Message: "the server ends"}

func (i *Inbox) broken() Faults {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.faults
}

func (i *Inbox) loses() bool { return i.broken().Lose }

func (i *Inbox) fault(at Stage) error { return i.faultFor(at, "") }

func (i *Inbox) faultFor(at Stage, to string) error {
	f := i.broken()
	if f.At != at || f.Only != "" && !strings.EqualFold(f.Only, to) {
		return nil
	}
	if f.Slow > 0 {
		wait := time.NewTimer(f.Slow)
		defer wait.Stop()
		select {
		case <-wait.C:
		case <-i.done:
			return errEnd
		}
	}
	if f.Code == 0 {
		return nil
	}
	// Real servers repeat the address in their answers.
	return &smtp.SMTPError{Code: f.Code, EnhancedCode: f.Enhanced, Message: "<" + to + ">: refused for a test"}
}

// gate is a listener that can be down.
type gate struct {
	net.Listener
	inbox *Inbox
}

// Accept waits for a connection that may stay.
func (g gate) Accept() (net.Conn, error) {
	for {
		c, err := g.Listener.Accept()
		if err != nil {
			return nil, err
		}
		g.inbox.mu.Lock()
		g.inbox.tries++
		down := g.inbox.faults.Down
		if !down {
			g.inbox.conns[c] = true
		}
		g.inbox.mu.Unlock()
		if !down {
			g.inbox.open.Add(1)
			return &counted{Conn: c, inbox: g.inbox}, nil
		}
		c.Close()
	}
}

// counted is a connection that leaves the list when it ends.
type counted struct {
	net.Conn
	inbox *Inbox
	once  sync.Once
}

// Close ends the connection.
func (c *counted) Close() error {
	c.once.Do(func() {
		c.inbox.mu.Lock()
		delete(c.inbox.conns, c.Conn)
		c.inbox.mu.Unlock()
		c.inbox.open.Done()
	})
	return c.Conn.Close()
}
