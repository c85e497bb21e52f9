package pagerduty_test

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"

	stand "muster/workspace/pagerduty"
)

// operations are all that the package asks PagerDuty for. Each request of its
// tests is held to PagerDuty's description.
var operations = []string{
	"POST /v2/enqueue", "GET /incidents", "POST /incidents", "PUT /incidents", "GET /incidents/ID", "GET /incidents/ID/notes", "POST /incidents/ID/notes", "GET /incidents/ID/alerts",
	"GET /users", "GET /users/me", "GET /users/ID", "GET /services", "GET /services/ID", "GET /schedules", "GET /schedules/ID", "GET /schedules/ID/overrides",
}

// sent is what the tests of this package asked for.
var sent requested

type requested struct {
	mu  sync.Mutex
	all map[string]int
}

var pathID = regexp.MustCompile(`^(/(?:incidents|users|services|schedules))/([A-Za-z0-9]+)`)

func (s *requested) add(c stand.Call) {
	path, _, _ := strings.Cut(c.Path, "?")
	if m := pathID.FindStringSubmatch(path); m != nil && m[2] != "me" {
		path = m[1] + "/ID" + path[len(m[0]):]
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all == nil {
		s.all = map[string]int{}
	}
	s.all[c.Method+" "+path]++
}

// TestMain fails when the tests leave out an operation, or know one more.
func TestMain(m *testing.M) {
	flag.Parse()
	code := m.Run()
	if flag.Lookup("test.run").Value.String() == "" && flag.Lookup("test.list").Value.String() == "" && code == 0 {
		for _, o := range operations {
			if sent.all[o] == 0 {
				fmt.Println("no test asks PagerDuty for", o)
				code = 1
			}
			delete(sent.all, o)
		}
		for o := range sent.all {
			fmt.Println("the tests ask PagerDuty for more than is listed:", o)
			code = 1
		}
	}
	os.Exit(code)
}
