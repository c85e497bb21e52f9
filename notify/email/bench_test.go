package email

import (
	"fmt"
	"sync"
	"testing"

	"muster/workspace/inbox"
)

// BenchmarkSixtyPeopleAtOnce mails 60 pages at the same moment, each over a
// connection of its own with STARTTLS and AUTH; one operation is all of them.
func BenchmarkSixtyPeopleAtOnce(b *testing.B) {
	server, client := certificate(b, "127.0.0.1")
	_, port := onLoopback(b, inbox.Config{TLS: server, Users: map[string]string{"muster": password}})
	c := channel(b, Config{URL: withUser(port, "127.0.0.1", "?tls=required"), TLS: client})
	n := 0
	for b.Loop() {
		var all sync.WaitGroup
		for range 60 {
			n++
			m := page()
			m.Delivery = fmt.Sprint("INC-3/", n)
			all.Go(func() {
				if _, err := c.Deliver(b.Context(), m, false); err != nil {
					b.Error(err)
				}
			})
		}
		all.Wait()
	}
}
