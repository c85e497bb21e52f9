package phone_test

import (
	"flag"
	"fmt"
	"os"
	"sync"
	"testing"
)

// sent has the operations of Twilio's description that the tests of this
// package asked for, each request held to it.
var sent sync.Map

// TestMain fails when the tests leave an operation of the description out.
func TestMain(m *testing.M) {
	flag.Parse()
	code := m.Run()
	if flag.Lookup("test.run").Value.String() == "" && flag.Lookup("test.list").Value.String() == "" && code == 0 {
		for _, o := range []string{"CreateCall", "ListCall", "CreateMessage", "FetchAccount", "ListIncomingPhoneNumber", "ListOutgoingCallerId"} {
			if _, ok := sent.Load(o); !ok {
				fmt.Println("no test asks Twilio for", o)
				code = 1
			}
		}
	}
	os.Exit(code)
}
