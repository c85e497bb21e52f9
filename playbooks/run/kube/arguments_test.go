package kube

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"muster/playbooks/run/shell"
)

// closed opens a cluster in which there is nothing.
func closed(t *testing.T, mode Mode) *Cluster {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","message":"there is nothing here","code":404}`)
	}))
	t.Cleanup(server.Close)
	config := fmt.Sprintf(`{"apiVersion":"v1","kind":"Config","current-context":"a","clusters":[{"name":"a","cluster":{"server":%q}}],
		"contexts":[{"name":"a","context":{"cluster":"a","user":"a"}}],"users":[{"name":"a","user":{"token":"t"}}]}`, server.URL)
	c, err := Open(t.Context(), Options{Access: Access{Kubeconfig: []byte(config)}, Mode: mode, ExecAllow: []string{"pg_isready", "a/b*: cat /x/*", "echo ..."},
		Secret: func(...string) {}, Until: time.Now().Add(time.Minute)})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// A manifest that kubectl's own flags would read from the process is refused.
func TestManifestsStandAlone(t *testing.T) {
	c := closed(t, Read)
	for _, line := range []string{"get -Af -", "apply --dry-run=client -Rf -", "get -f - -f -", "get -A -f- --filename=-", "get -l -f - pods", "delete -Af-"} {
		err := c.Kubectl(t.Context(), shell.Streams{In: strings.NewReader("{}"), Out: io.Discard, Err: io.Discard}, append([]string{"kubectl"}, strings.Fields(line)...))
		if _, ok := err.(shell.Refusal); !ok { //nolint:errorlint // it is given as it is
			t.Errorf("kubectl %s ends with %v", line, err)
		}
	}
	for _, args := range [][]string{{"get", "-f", "-"}, {"get", "-f-"}, {"get", "-f=-"}, {"get", "--filename", "-"}, {"get", "--filename=-"}} {
		out, _, release, err := manifest(args, 1, shell.Streams{In: strings.NewReader("{}"), Err: io.Discard})
		if err != nil || !strings.Contains(strings.Join(out, " "), "/dev/fd/") {
			t.Fatalf("%q are %q, %v", args, out, err)
		}
		release()
	}
}

// Words of kubectl in any order never make reading them panic.
func TestArgumentsComposed(t *testing.T) {
	words := []string{"-n", "-n=", "--namespace", "--namespace=x", "-A", "-l", "-o", "-ojson", "--output=jsonpath={.a}", "jsonpath={range", "-o=go-template={{", "custom-columns=A:", "-c", "-f", "-", "--filename=-", "-f-", "--", "--help", "-h", "-w", "--watch=1",
		"-", "", "--=", "--=x", "-=", "---", "pods", "pod/a", "deploy", "a", "a=b", "a-", "cat", "/x/y", "echo", "pg_isready", "-it", "--tail=-1", "--tail=99999999999999999999", "--since=1x", "--timeout", "--timeout=-1s", "--replicas=-1", "--dry-run", "--dry-run=x",
		"a/b:/c", "a:/b", ":/", "x", "--all", "--raw=/x", "-k", "--kubeconfig=x", "--as=x", "é", "\xff", "--\xff", "-é", "--type=json", "-p", "{", "[{}]", "--from-literal=a", "--from-literal==", "--for=", "--for=condition", "--for=jsonpath={.a}=b", "status", "get"}
	var verbs []string
	for v := range rules {
		verbs = append(verbs, v)
	}
	for v := range others {
		verbs = append(verbs, v)
	}
	slices.Sort(verbs)
	r := rand.New(rand.NewPCG(7, 23))
	for _, mode := range []Mode{Read, Preview, Change} {
		c := closed(t, mode)
		for range 250 {
			args := append([]string{"kubectl"}, strings.Fields(verbs[r.IntN(len(verbs))])...)
			for range r.IntN(5) {
				args = slices.Insert(args, 1+r.IntN(len(args)), words[r.IntN(len(words))])
			}
			var bad bytes.Buffer
			s := shell.Streams{In: strings.NewReader("{}"), Out: io.Discard, Err: &bad}
			if plain(args) != nil || args[1] == "cp" {
				continue
			}
			tree, rest, err := c.build(s, args[1:])
			if err != nil {
				continue
			}
			if rest, s, release, err := manifest(rest, tree.files, s); err == nil {
				over, cancel := context.WithCancel(t.Context())
				cancel() // it is read, and nothing is waited for
				if err := execute(over, tree, rest, s); err != nil && strings.Contains(err.Error(), "failed in itself") {
					t.Errorf("%q: %v", args, err)
				}
				release()
			}
			_, _, _, _ = copyArgs(args[1:])
		}
	}
}

// Addresses of any form are read without a panic, and an object's is found in every place.
func TestTargetsComposed(t *testing.T) {
	parts := []string{"api", "apis", "v1", "apps", "namespaces", "a", "pods", "b", "status", "finalize", "exec", "proxy", "", "/", "%2F", ".."}
	r := rand.New(rand.NewPCG(7, 24))
	for range 20000 {
		var b strings.Builder
		for range r.IntN(9) {
			b.WriteString("/" + parts[r.IntN(len(parts))])
		}
		u := &url.URL{Path: b.String()}
		if to, ok := parseTarget(u); ok && !strings.HasPrefix(strings.Trim(u.Path, "/"), strings.Trim(to.path, "/")) && !strings.Contains(u.Path, "//") {
			t.Errorf("%q is about %+v", u.Path, to)
		}
		allowed([]string{b.String(), "a/b: " + b.String() + " ...", "...", "/: a", "[: x"}, parts[r.IntN(len(parts))], "b", strings.Split(b.String(), "/"))
	}
}
