package phone_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"
)

// described is the router over Twilio's published description.
var described = sync.OnceValues(func() (routers.Router, error) {
	doc, err := openapi3.NewLoader().LoadFromFile("testdata/twilio.yaml")
	if err != nil {
		return nil, err
	}
	if err := doc.Validate(context.Background()); err != nil {
		return nil, err
	}
	return legacy.NewRouter(doc)
})

// conforms checks one request against the description.
func conforms(q *http.Request) error {
	router, err := described()
	if err != nil {
		return err
	}
	route, params, err := router.FindRoute(q)
	if err != nil {
		return err
	}
	for name := range q.URL.Query() {
		if !slices.ContainsFunc(route.Operation.Parameters, func(p *openapi3.ParameterRef) bool { return p.Value.In == "query" && p.Value.Name == name }) {
			return fmt.Errorf("the query %s is not described", name)
		}
	}
	// The validator drops the fields of a form that it does not know.
	if route.Operation.RequestBody != nil {
		body, err := io.ReadAll(q.Body)
		if err != nil {
			return err
		}
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return err
		}
		schema := route.Operation.RequestBody.Value.Content["application/x-www-form-urlencoded"].Schema.Value
		for name := range form {
			if schema.Properties[name] == nil {
				return fmt.Errorf("the field %s is not described", name)
			}
		}
		q.Body = io.NopCloser(bytes.NewReader(body))
	}
	return openapi3filter.ValidateRequest(q.Context(), &openapi3filter.RequestValidationInput{
		Request: q, PathParams: params, Route: route,
		Options: &openapi3filter.Options{AuthenticationFunc: func(_ context.Context, in *openapi3filter.AuthenticationInput) error {
			if _, _, ok := in.RequestValidationInput.Request.BasicAuth(); !ok {
				return in.NewError(errors.New("there are no credentials"))
			}
			return nil
		}},
	})
}

// checked holds every request of a test to the description.
type checked struct {
	r    *rig
	next http.RoundTripper
}

func (c checked) RoundTrip(q *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(q.Body)
	if err != nil {
		return nil, err
	}
	copied := q.Clone(q.Context())
	copied.Body = io.NopCloser(bytes.NewReader(body))
	if err := conforms(copied); err != nil {
		c.r.t.Errorf("%s %s is not as Twilio describes it: %v", q.Method, q.URL, err)
	}
	if router, err := described(); err == nil {
		if route, _, err := router.FindRoute(q); err == nil {
			sent.Store(route.Operation.OperationID, true)
		}
	}
	q = q.Clone(q.Context())
	q.Body = io.NopCloser(bytes.NewReader(body))
	return c.next.RoundTrip(q)
}

func TestWrongRequestsAreNoticed(t *testing.T) {
	const account = "/2010-04-01/Accounts/ACdddddddddddddddddddddddddddddddd"
	good := "To=%2B12025550101&From=%2B15005550006&Twiml=x"
	for name, c := range map[string]struct {
		method, path, body string
		anonymous, right   bool
	}{
		"a right call":             {"POST", account + "/Calls.json", good, false, true},
		"a right look":             {"GET", account + "/Calls.json?PageSize=50&To=x", "", false, true},
		"no To":                    {"POST", account + "/Calls.json", "From=%2B15005550006&Twiml=x", false, false},
		"a misspelt field":         {"POST", account + "/Calls.json", good + "&StatusCallbackEvents=ringing", false, false},
		"an unknown event":         {"POST", account + "/Calls.json", good + "&StatusCallbackEvent=rung", false, false},
		"a time that is no number": {"POST", account + "/Calls.json", good + "&Timeout=soon", false, false},
		"too much TwiML":           {"POST", account + "/Calls.json", good + strings.Repeat("x", 4000), false, false},
		"too long a page":          {"GET", account + "/Calls.json?PageSize=5000", "", false, false},
		"an unknown filter":        {"GET", account + "/Calls.json?Number=x", "", false, false},
		"a wrong account":          {"POST", "/2010-04-01/Accounts/AC1/Calls.json", good, false, false},
		"an unknown path":          {"POST", account + "/Call.json", good, false, false},
		"no credentials":           {"POST", account + "/Calls.json", good, true, false},
		"a right text":             {"POST", account + "/Messages.json", "To=%2B12025550101&From=%2B15005550006&Body=x", false, true},
		"a text from nobody":       {"POST", account + "/Messages.json", "To=%2B12025550101&Body=x", false, false},
		"a text that says nothing": {"POST", account + "/Messages.json", "To=%2B12025550101&From=%2B15005550006", false, false},
		"too long a text":          {"POST", account + "/Messages.json", "To=%2B12025550101&From=x&Body=" + strings.Repeat("x", 1601), false, false},
	} {
		q, err := http.NewRequest(c.method, api+c.path, strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		if c.body != "" {
			q.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		if !c.anonymous {
			q.SetBasicAuth("AC", "x")
		}
		if err := conforms(q); (err == nil) != c.right {
			t.Errorf("%s: %v", name, err)
		}
	}
}
