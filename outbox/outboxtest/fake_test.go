package outboxtest_test

import (
	"fmt"
	"testing"
	"time"

	"muster/outbox"
	"muster/outbox/outboxtest"
)

func TestTheFakeQueueIsAQueue(t *testing.T) {
	outboxtest.TestQueue(t, func(*testing.T) outboxtest.Subject {
		q := &outboxtest.Queue{}
		return outboxtest.Subject{
			Queue: q,
			Commit: func(n int) []outbox.Delivery {
				var ds []outbox.Delivery
				for i := range n {
					ds = append(ds, outbox.Delivery{ID: fmt.Sprintf("a/1/%d", i), Stream: "a",
						Lane: outbox.Page, Kind: "page", Body: []byte{byte(i)}, At: time.Now()})
				}
				q.Store(ds...)
				return ds
			},
			Reopen: func() outbox.Queue { return q },
		}
	})
}
