package workspace

import (
	"context"
	"net"
	"sync"
)

// Pipe is a network of one address in memory: a listener for a server and a Dial for its clients. It uses no sockets, so that
// it works in a testing/synctest bubble; make it inside the bubble.
type Pipe struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

// NewPipe makes a Pipe.
func NewPipe() *Pipe {
	return &Pipe{conns: make(chan net.Conn), done: make(chan struct{})}
}

// Accept waits for a Dial.
func (p *Pipe) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

// Close ends Accept and Dial. Connections stay.
func (p *Pipe) Close() error {
	p.once.Do(func() { close(p.done) })
	return nil
}

// Addr is a made-up address.
func (p *Pipe) Addr() net.Addr { return pipeAddr{} }

// Dial connects to whoever accepts.
func (p *Pipe) Dial(ctx context.Context) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case p.conns <- server:
		return client, nil
	case <-p.done:
		return nil, &net.OpError{Op: "dial", Net: "pipe", Err: net.ErrClosed}
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// DialContext is Dial with the arguments that http.Transport and websocket.Dialer give; they do not matter.
func (p *Pipe) DialContext(ctx context.Context, _, _ string) (net.Conn, error) { return p.Dial(ctx) }

type pipeAddr struct{}

func (pipeAddr) Network() string { return "pipe" }
func (pipeAddr) String() string  { return "workspace.pipe:80" }
