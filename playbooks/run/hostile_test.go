package run

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"muster/playbooks"
)

// watchedCluster is an API server that has nothing, and remembers what would have changed it.
type watchedCluster struct {
	mu      sync.Mutex
	changed []string
}

func (w *watchedCluster) ServeHTTP(out http.ResponseWriter, req *http.Request) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if req.Method != http.MethodGet || strings.Contains(req.URL.Path, "/exec") {
		w.changed = append(w.changed, req.Method+" "+req.URL.String())
	}
	out.Header().Set("Content-Type", "application/json")
	switch req.URL.Path {
	case "/api":
		fmt.Fprint(out, `{"kind":"APIVersions","versions":["v1"]}`)
	case "/apis":
		fmt.Fprint(out, `{"kind":"APIGroupList","apiVersion":"v1","groups":[]}`)
	case "/api/v1":
		fmt.Fprint(out, `{"kind":"APIResourceList","groupVersion":"v1","resources":[{"name":"pods","singularName":"pod","namespaced":true,"kind":"Pod","verbs":["get","list","delete","create","patch"],"shortNames":["po"]}]}`)
	default:
		out.WriteHeader(http.StatusNotFound)
		fmt.Fprint(out, `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"NotFound","code":404,"message":"nothing is here"}`)
	}
}

// kubeconfigFor names a server without credentials.
func kubeconfigFor(url string) []byte {
	return []byte(`{"apiVersion":"v1","kind":"Config","current-context":"x","clusters":[{"name":"c","cluster":{"server":"` + url +
		`"}}],"users":[{"name":"u","user":{}}],"contexts":[{"name":"x","context":{"cluster":"c","user":"u"}}]}`)
}

// Whatever a block was judged as: run as a reading step, none of the hostile ones changes anything, starts a program,
// sees a file or the environment, or runs past its limits; and each that does not come to its end says why.
func TestHostileBlocksAreRefusedOrContained(t *testing.T) {
	t.Setenv("SLACK_BOT_TOKEN", "do-not-show-this")
	archive, err := txtar.ParseFile("../testdata/hostile.txtar")
	if err != nil {
		t.Fatal(err)
	}
	watched := &watchedCluster{}
	server := httptest.NewServer(watched)
	defer server.Close()
	r := New(Config{Reading: Cluster{Kubeconfig: kubeconfigFor(server.URL)}})
	var all sync.WaitGroup
	for i, f := range archive.Files {
		if underRace && i%4 != 0 {
			continue // each is a process, slow to start with the race detector; without it all of them run
		}
		kind := map[string]Kind{".sh": Bash, ".sql": SQL, ".promql": PromQL, ".logql": LogQL}[filepath.Ext(f.Name)]
		code := strings.TrimSuffix(string(f.Data), "\n")
		all.Go(func() {
			res, err := r.Do(t.Context(), Request{Run: f.Name, Mode: Read, Kind: kind, Code: code, Limits: Limits{Deadline: 5 * time.Second, MaxMemory: 192 << 20, MaxOutput: 1 << 20}})
			if err != nil {
				t.Errorf("%s: %v", f.Name, err)
				return
			}
			shown := string(res.Output) + res.Why + strings.Join(res.Remarks, " ")
			if strings.Contains(shown, "do-not-show-this") || strings.Contains(shown, "root:x:0") || strings.Contains(shown, "uid=") {
				t.Errorf("%s shows %s", f.Name, shown)
			}
			if res.Ended != Done && res.Why == "" {
				t.Errorf("%s ended as %s and says nothing", f.Name, res.Ended)
			}
			if class := classOf(kind, code); class == playbooks.Changing && res.Ended == Done {
				t.Errorf("%s was judged as changing and ran as reading: %s", f.Name, res.Output)
			}
		})
	}
	all.Wait()
	if len(watched.changed) > 0 {
		t.Errorf("the cluster was asked to change: %q", watched.changed)
	}
}

// classOf judges a block as a playbook's step.
func classOf(kind Kind, code string) playbooks.Class {
	p := playbooks.Parse("x.md", []byte("# X\n\n## Y\n\n~~~~"+string(kind)+"\n"+code+"\n~~~~\n"))
	for _, s := range p.Steps() {
		return s.Class
	}
	return playbooks.Impossible
}

// While steps hang, print, eat memory and loop, the parent's own clock keeps its times.
func TestTheParentKeepsItsTimes(t *testing.T) {
	r := New(Config{})
	done := make(chan struct{})
	var steps sync.WaitGroup
	for i, code := range []string{
		`while true; do :; done`, `x=yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy; while true; do echo $x$x$x$x; done`,
		`x=aaaaaaaaaaaaaaaa; while true; do x=$x$x; done`, `awk 'BEGIN{while(1){i++; a[i]=i}}'`, `sed ':a;s/^/x/;ba' <<< x`, `jq -n '[range(1e12)]'`,
	} {
		steps.Go(func() {
			res, err := r.Do(t.Context(), Request{Run: fmt.Sprint("bad", i), Mode: Read, Kind: Bash, Code: code, Limits: Limits{Deadline: 4 * time.Second, MaxMemory: 128 << 20, MaxOutput: 256 << 10}})
			if err != nil || res.Ended == Done || res.Why == "" || res.Took > time.Minute {
				t.Errorf("%s: %s %q after %s (%v)", code, res.Ended, res.Why, res.Took, err)
			}
			t.Logf("%-10s after %-6s %s", res.Ended, res.Took.Round(10*time.Millisecond), code)
		})
	}
	go func() { steps.Wait(); close(done) }()
	worst, last := time.Duration(0), time.Now()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-done:
			t.Logf("a clock of 10 ms was late by at most %s", worst)
			if worst > 3*time.Second {
				t.Errorf("the parent stood still for %s", worst)
			}
			return
		case <-tick.C:
			now := time.Now()
			worst, last = max(worst, now.Sub(last)-10*time.Millisecond), now
		}
	}
}
