// Package openapi holds what PagerDuty publishes about the requests that Muster
// makes, as two OpenAPI descriptions, and checks requests against them. The
// limits that PagerDuty only tells in words (the longest dedup_key and summary,
// the headers) are in them too.
//
// It never answers a request and looks at no response.
package openapi

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"
)

//go:embed events.yaml rest.yaml
var files embed.FS

// Description checks requests. It may be used from several goroutines at once.
type Description struct {
	events, rest routers.Router
}

// New reads both descriptions.
func New() (*Description, error) {
	events, err := read("events.yaml")
	if err != nil {
		return nil, err
	}
	rest, err := read("rest.yaml")
	if err != nil {
		return nil, err
	}
	return &Description{events, rest}, nil
}

func read(name string) (routers.Router, error) {
	data, err := files.ReadFile(name)
	if err != nil {
		return nil, err
	}
	doc, err := openapi3.NewLoader().LoadFromData(data)
	if err != nil {
		return nil, fmt.Errorf("read the description %s: %w", name, err)
	}
	return legacy.NewRouter(doc)
}

// Check says what is wrong with a request; nil: nothing is. It leaves the body
// to be read again.
func (d *Description) Check(r *http.Request) error {
	router := d.rest
	if strings.HasPrefix(r.URL.Path, "/v2/") {
		router = d.events
	}
	route, params, err := router.FindRoute(r)
	if err != nil {
		return fmt.Errorf("%s %s is not described: %w", r.Method, r.URL.Path, err)
	}
	for name := range r.URL.Query() {
		if route.Operation.Parameters.GetByInAndName("query", name) == nil {
			return fmt.Errorf("%s %s knows no query parameter %q", r.Method, r.URL.Path, name)
		}
	}
	return openapi3filter.ValidateRequest(context.Background(), &openapi3filter.RequestValidationInput{
		Request: r, PathParams: params, Route: route,
		Options: &openapi3filter.Options{AuthenticationFunc: authenticated, RejectWhenRequestBodyNotSpecified: r.ContentLength > 0},
	})
}

// authenticated wants a key in the form that REST v2 takes; which one is not
// its business.
func authenticated(_ context.Context, in *openapi3filter.AuthenticationInput) error {
	key, ok := strings.CutPrefix(in.RequestValidationInput.Request.Header.Get("Authorization"), "Token token=")
	if !ok || key == "" {
		return errors.New("the Authorization header is not \"Token token=KEY\"")
	}
	return nil
}
