package integration

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	core "k8s.io/api/core/v1"
	policy "k8s.io/api/policy/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"

	"muster/integration/cluster"
	"muster/playbooks/run"
)

// stepper performs steps in a namespace as a cluster administrator.
type stepper struct {
	t  *testing.T
	c  *cluster.Cluster
	r  *run.Runner
	ns string
	n  int
}

func newStepper(t *testing.T, c *cluster.Cluster, ns string, cfg run.Config) *stepper {
	t.Helper()
	if cfg.Reading.Kubeconfig == nil {
		cfg.Reading.Kubeconfig = administrator(t, c)
	}
	return &stepper{t: t, c: c, r: run.New(cfg), ns: ns}
}

// administrator is the kubeconfig of somebody who may do everything.
func administrator(t *testing.T, c *cluster.Cluster) []byte {
	t.Helper()
	text, err := os.ReadFile(c.User(t, "chief", "system:masters"))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// do performs one block.
func (s *stepper) do(mode run.Mode, code string, more func(*run.Request)) run.Result {
	s.t.Helper()
	s.n++
	req := run.Request{
		Run: fmt.Sprintf("%s-%d", s.t.Name(), s.n), Mode: mode, Kind: run.Bash, Code: code, Namespace: s.ns,
		Limits: run.Limits{Deadline: time.Minute},
	}
	if more != nil {
		more(&req)
	}
	res, err := s.r.Do(s.t.Context(), req)
	if err != nil {
		s.t.Fatalf("%s: %v", code, err)
	}
	return res
}

// done performs one block that must come to its end.
func (s *stepper) done(mode run.Mode, code string, more func(*run.Request)) run.Result {
	s.t.Helper()
	res := s.do(mode, code, more)
	if res.Ended != run.Done {
		s.t.Fatalf("%s %s: %s: %s\n%s", mode, code, res.Ended, res.Why, res.Output)
	}
	return res
}

// approved previews a block and then changes, bound to what the preview saw.
func (s *stepper) approved(code string) (preview, change run.Result) {
	s.t.Helper()
	preview = s.done(run.Preview, code, nil)
	change = s.done(run.Change, code, func(r *run.Request) { r.Seen = preview.Touches })
	return preview, change
}

func (s *stepper) undo(journal json.RawMessage) run.Result {
	s.t.Helper()
	return s.do(run.Undo, "", func(r *run.Request) { r.Undo = journal })
}

// spec is what undo must bring back of an object.
func spec(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestStepsReadTheCluster(t *testing.T) {
	c := cluster.Get(t)
	ns := namespace(t, c, "steps-read")
	deploy(t, c, ns, "api", "example.com/api:1.0")
	s := newStepper(t, c, ns, run.Config{})
	for code, want := range map[string]string{
		`kubectl get pods -l app=api -o wide`:                                    "api-",
		`kubectl get deployment api -o jsonpath='{.spec.replicas}'`:              "3",
		`kubectl -n ` + ns + ` describe deployment api`:                          "RollingUpdateStrategy",
		`kubectl logs deployment/api --tail=5`:                                   "connecting to the database",
		`kubectl rollout history deployment/api`:                                 "REVISION",
		`kubectl rollout status deployment/api`:                                  "successfully rolled out",
		`kubectl get events --sort-by=.lastTimestamp`:                            "Scaled up",
		`kubectl auth can-i delete pods`:                                         "yes",
		`for p in $(kubectl get pods -o name); do echo "$p"; done`:               "pod/api-",
		`kubectl create configmap x --from-literal=a=b --dry-run=client -o yaml`: "kind: ConfigMap",
		`kubectl events --for deployment/api`:                                    "ScalingReplicaSet",
		`kubectl explain deployment.spec.replicas`:                               "Number of desired pods",
		`kubectl get pods -A -o custom-columns=N:.metadata.name`:                 "api-",
		`kubectl wait --for=condition=Available deployment/api --timeout=20s`:    "condition met",
		`kubectl version`: "Server Version",
		`kubectl get deploy/api -o go-template='{{.metadata.name}} {{len .spec.selector}}'`: "api 1",
	} {
		if res := s.done(run.Read, code, nil); !strings.Contains(string(res.Output), want) {
			t.Errorf("%s prints %q, want %q", code, res.Output, want)
		}
	}
}

func TestAReadingStepChangesNothing(t *testing.T) {
	c := cluster.Get(t)
	ns := namespace(t, c, "steps-refuse")
	deploy(t, c, ns, "api", "example.com/api:1.0")
	s := newStepper(t, c, ns, run.Config{})
	before := spec(t, deployment(t, c, ns, "api").Spec)
	for _, code := range []string{
		`kubectl scale deployment/api --replicas=0`, `kubectl delete deployment api`, `kubectl rollout restart deployment/api`,
		`kubectl set image deployment/api api=evil`, `kubectl label deployment api a=b`, `kubectl create namespace evil`,
		"kubectl apply -f - <<EOF\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: evil}\nEOF\n",
		`kubectl get pods; kubectl delete pods --all; echo after`,
	} {
		res := s.do(run.Read, code, nil)
		if res.Ended != run.Refused || strings.Contains(string(res.Output), "after") {
			t.Errorf("%s: %s %s %q", code, res.Ended, res.Why, res.Output)
		}
	}
	if after := spec(t, deployment(t, c, ns, "api").Spec); after != before {
		t.Errorf("the deployment is now %s", after)
	}
}

// Every kind of change: its preview changes nothing and shows what would differ, the change takes effect, and undoing
// it brings the object back exactly.
func TestPreviewChangeUndo(t *testing.T) {
	c := cluster.Get(t)
	ns := namespace(t, c, "steps-change")
	deploy(t, c, ns, "api", "example.com/api:1.0")
	setImage(t, c, ns, "api", "example.com/api:2.0")
	settled(t, c, ns, "api")
	one := intstr.FromInt32(1)
	if _, err := c.Clients.PolicyV1().PodDisruptionBudgets(ns).Create(t.Context(), &policy.PodDisruptionBudget{
		ObjectMeta: meta.ObjectMeta{Name: "keep-api"},
		Spec:       policy.PodDisruptionBudgetSpec{MaxUnavailable: &one, Selector: &meta.LabelSelector{MatchLabels: map[string]string{"app": "api"}}},
	}, meta.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	s := newStepper(t, c, ns, run.Config{})
	for _, x := range []struct {
		code, diff string
		pods       int
		holds      func(run.Result) bool
	}{
		{`kubectl rollout undo deployment/api`, "+      - image: example.com/api:1.0", 3, func(run.Result) bool {
			return deployment(t, c, ns, "api").Spec.Template.Spec.Containers[0].Image == "example.com/api:1.0"
		}},
		{`kubectl rollout restart deployment/api`, "restartedAt", 3, func(run.Result) bool {
			return deployment(t, c, ns, "api").Spec.Template.Annotations["kubectl.kubernetes.io/restartedAt"] != ""
		}},
		{`kubectl scale deployment/api --replicas=1`, "+  replicas: 1", 2, func(run.Result) bool {
			return *deployment(t, c, ns, "api").Spec.Replicas == 1
		}},
		{`kubectl set resources deployment/api --limits=memory=1Gi`, "+            memory: 1Gi", 3, func(run.Result) bool {
			return deployment(t, c, ns, "api").Spec.Template.Spec.Containers[0].Resources.Limits.Memory().String() == "1Gi"
		}},
		{`kubectl patch deployment api -p '{"spec":{"minReadySeconds":7}}'`, "+  minReadySeconds: 7", 0, func(run.Result) bool {
			return deployment(t, c, ns, "api").Spec.MinReadySeconds == 7
		}},
		{`kubectl patch deployment api --type=json -p '[{"op":"add","path":"/metadata/labels/incident","value":"INC-1"}]'`, "+    incident: INC-1", 0, func(run.Result) bool {
			return deployment(t, c, ns, "api").Labels["incident"] == "INC-1"
		}},
		{`kubectl set env deployment/api DB_PASSWORD=hunter2hunter2 POOL=20`, "+        - name: POOL", 3, func(r run.Result) bool {
			return len(deployment(t, c, ns, "api").Spec.Template.Spec.Containers[0].Env) == 2
		}},
		{"kubectl apply --server-side --force-conflicts -f - <<EOF\napiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: api\nspec:\n  progressDeadlineSeconds: 77\n  selector: {matchLabels: {app: api}}\n  template:\n    metadata: {labels: {app: api}}\n    spec: {containers: [{name: api, image: 'example.com/api:2.0'}]}\nEOF\n", "+  progressDeadlineSeconds: 77", 0, func(run.Result) bool {
			return *deployment(t, c, ns, "api").Spec.ProgressDeadlineSeconds == 77
		}},
	} {
		settled(t, c, ns, "api")
		before := deployment(t, c, ns, "api")
		preview := s.done(run.Preview, x.code, nil)
		if now := deployment(t, c, ns, "api"); spec(t, now.Spec) != spec(t, before.Spec) {
			t.Fatalf("the preview of %s changed the deployment", x.code)
		}
		if !strings.Contains(preview.Diff, x.diff) || len(preview.Touches) != 1 || preview.Touches[0].Pods != x.pods || strings.Contains(preview.Diff, "hunter2") {
			t.Errorf("%s would touch %+v:\n%s", x.code, preview.Touches, preview.Diff)
		}
		if x.pods > 0 && (len(preview.Disruption) != 1 || !strings.Contains(preview.Disruption[0], "keep-api")) {
			t.Errorf("%s: the budget is not named: %q", x.code, preview.Disruption)
		}
		change := s.done(run.Change, x.code, func(r *run.Request) { r.Seen = preview.Touches })
		if !x.holds(change) {
			t.Fatalf("%s has not taken effect:\n%s", x.code, change.Output)
		}
		settled(t, c, ns, "api")
		undo := s.undo(change.Undo)
		after := deployment(t, c, ns, "api")
		after.Annotations["deployment.kubernetes.io/revision"] = before.Annotations["deployment.kubernetes.io/revision"]
		if undo.Ended != run.Done || spec(t, after.Spec) != spec(t, before.Spec) || spec(t, after.Labels) != spec(t, before.Labels) || spec(t, after.Annotations) != spec(t, before.Annotations) {
			t.Errorf("undo of %s: %s %s %s\n%s\n%s", x.code, undo.Ended, undo.Why, undo.Output, spec(t, before), spec(t, after))
		}
	}
}

func TestCreateAndDeleteAreUndone(t *testing.T) {
	c := cluster.Get(t)
	ns := namespace(t, c, "steps-create")
	deploy(t, c, ns, "api", "example.com/api:1.0")
	s := newStepper(t, c, ns, run.Config{})
	manifest := "kubectl apply -f - <<EOF\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: maintenance}\nspec:\n  rules:\n  - host: www.example.com\n    http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: sorry, port: {number: 80}}}}]}\nEOF\n"
	preview, made := s.approved(manifest)
	if !strings.Contains(preview.Diff, "+  - host: www.example.com") || preview.Touches[0].Version != "" {
		t.Errorf("the preview of an Ingress: %+v\n%s", preview.Touches, preview.Diff)
	}
	_, gone := s.approved(`kubectl delete ingress maintenance`)
	if res := s.undo(gone.Undo); res.Ended != run.Done {
		t.Errorf("undo of a deletion: %s %s", res.Ended, res.Why)
	}
	if res := s.done(run.Read, `kubectl get ingress maintenance -o jsonpath='{.spec.rules[0].host}'`, nil); string(res.Output) != "www.example.com" {
		t.Errorf("the Ingress is back with %q", res.Output)
	}
	// It was deleted and made again since: what the first step created is no longer there.
	if res := s.undo(made.Undo); res.Ended != run.Changed {
		t.Errorf("undo of a creation that somebody else replaced: %s %s", res.Ended, res.Why)
	}
	s.done(run.Change, `kubectl delete ingress maintenance`, nil)
	_, made = s.approved(manifest)
	if res := s.undo(made.Undo); res.Ended != run.Done {
		t.Errorf("undo of a creation: %s %s", res.Ended, res.Why)
	}
	if res := s.done(run.Read, `kubectl get ingress -o name`, nil); strings.Contains(string(res.Output), "maintenance") {
		t.Errorf("the created Ingress is still there: %s", res.Output)
	}

	pods, err := podsOf(t.Context(), c, ns, "api")
	if err != nil {
		t.Fatal(err)
	}
	preview, gone = s.approved(`kubectl delete pod ` + pods[0].Name)
	if preview.Touches[0].Pods != 1 || !strings.Contains(gone.UndoNote, "makes a new one") {
		t.Errorf("deleting a pod: %+v %q", preview.Touches, gone.UndoNote)
	}
	if res := s.undo(gone.Undo); res.Ended != run.Done || !strings.Contains(string(res.Output), "Nothing to undo") {
		t.Errorf("undo of a deleted pod: %s %s %s", res.Ended, res.Why, res.Output)
	}
}

// What changed between approval and run is not changed again; what only moved by itself is.
func TestAChangeIsBoundToWhatWasApproved(t *testing.T) {
	c := cluster.Get(t)
	ns := namespace(t, c, "steps-bound")
	deploy(t, c, ns, "api", "example.com/api:1.0")
	s := newStepper(t, c, ns, run.Config{})
	const scale = `kubectl scale deployment/api --replicas=5`
	preview := s.done(run.Preview, scale, nil)
	setImage(t, c, ns, "api", "example.com/api:1.1")
	settled(t, c, ns, "api")
	res := s.do(run.Change, scale, func(r *run.Request) { r.Seen = preview.Touches })
	if res.Ended != run.Changed || !strings.Contains(res.Why, "has changed since this was approved") || *deployment(t, c, ns, "api").Spec.Replicas != 3 || res.Undo != nil {
		t.Errorf("%s %q, undo %s", res.Ended, res.Why, res.Undo)
	}
	preview = s.done(run.Preview, `kubectl delete pods -l app=api`, nil)
	pods, err := podsOf(t.Context(), c, ns, "api")
	if err != nil || len(preview.Touches) != 3 {
		t.Fatal(preview.Touches, err)
	}
	s.done(run.Change, `kubectl delete pod `+pods[0].Name, nil)
	settled(t, c, ns, "api")
	res = s.do(run.Change, `kubectl delete pods -l app=api`, func(r *run.Request) { r.Seen = preview.Touches })
	if res.Ended != run.Changed {
		t.Errorf("other pods than were approved: %s %s", res.Ended, res.Why)
	}

	// Only the status moves: that is not a change to who approved.
	settled(t, c, ns, "api")
	preview = s.done(run.Preview, scale, nil)
	d := deployment(t, c, ns, "api")
	d.Status.Conditions[0].Message = "moved by a test"
	if _, err := c.Clients.AppsV1().Deployments(ns).UpdateStatus(t.Context(), d, meta.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	s.done(run.Change, scale, func(r *run.Request) { r.Seen = preview.Touches })

	// Undo does not overwrite what came after.
	_, change := s.approved(`kubectl scale deployment/api --replicas=2`)
	s.done(run.Change, `kubectl scale deployment/api --replicas=4`, nil)
	if res := s.undo(change.Undo); res.Ended != run.Changed || *deployment(t, c, ns, "api").Spec.Replicas != 4 {
		t.Errorf("undo over a later change: %s %s", res.Ended, res.Why)
	}
}

func TestTheClusterRefusesInItsOwnWords(t *testing.T) {
	c := cluster.Get(t)
	ns := namespace(t, c, "steps-forbidden")
	deploy(t, c, ns, "api", "example.com/api:1.0")
	nobody, err := os.ReadFile(c.User(t, "nobody"))
	if err != nil {
		t.Fatal(err)
	}
	s := newStepper(t, c, ns, run.Config{Reading: run.Cluster{Kubeconfig: nobody}})
	res := s.do(run.Read, `kubectl get pods`, nil)
	if res.Ended != run.Failed || !strings.Contains(string(res.Output), `User "nobody" cannot list resource "pods"`) {
		t.Errorf("%s %s %s", res.Ended, res.Why, res.Output)
	}
	// A class of its own: reading as nobody, changing as somebody who may, and impersonated.
	chief := administrator(t, c)
	s = newStepper(t, c, ns, run.Config{Reading: run.Cluster{Kubeconfig: nobody}, Changing: run.Cluster{Kubeconfig: chief}})
	s.done(run.Change, `kubectl scale deployment/api --replicas=2`, nil)
	s = newStepper(t, c, ns, run.Config{Reading: run.Cluster{Kubeconfig: chief, As: "someone"}})
	if res := s.do(run.Read, `kubectl get pods`, nil); !strings.Contains(string(res.Output), `User "someone" cannot list`) {
		t.Errorf("impersonated: %s %s", res.Ended, res.Output)
	}
}

func TestSecretsAreMasked(t *testing.T) {
	c := cluster.Get(t)
	ns := namespace(t, c, "steps-secret")
	if _, err := c.Clients.CoreV1().Secrets(ns).Create(t.Context(), &core.Secret{
		ObjectMeta: meta.ObjectMeta{Name: "db"}, StringData: map[string]string{"dsn": "very-hidden-value", "user": "postgres"},
	}, meta.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	s := newStepper(t, c, ns, run.Config{})
	for _, code := range []string{
		`kubectl get secret db -o yaml`, `kubectl get secrets -o json`, `kubectl get secret db -o jsonpath='{.data.dsn}'`,
		`kubectl get secret db -o go-template='{{.data.dsn | base64decode}}'`, `kubectl describe secret db`,
		`X=$(kubectl get secret db -o jsonpath='{.data.dsn}'); echo "a${X}b"`,
	} {
		res := s.do(run.Read, code, nil)
		if out := string(res.Output) + res.Why; strings.Contains(out, "very-hidden") || strings.Contains(out, "dmVyeS1oaWRkZW4tdmFsdWU") {
			t.Errorf("%s prints %s", code, out)
		}
	}
	const rotate = `P=$(openssl rand -base64 24)
kubectl create secret generic db --from-literal=dsn="$P" --dry-run=client -o yaml | kubectl apply -f -
echo "new: $P"`
	preview := s.done(run.Preview, rotate, nil)
	if strings.Contains(preview.Diff, "dmVyeS1oaWRkZW4tdmFsdWU") || !strings.Contains(preview.Diff, "dsn: ") {
		t.Errorf("the diff of a secret:\n%s", preview.Diff)
	}
	res := s.done(run.Change, rotate, func(r *run.Request) { r.Seen = preview.Touches })
	now, err := c.Clients.CoreV1().Secrets(ns).Get(t.Context(), "db", meta.GetOptions{})
	if err != nil || string(now.Data["dsn"]) == "very-hidden-value" || strings.Contains(string(res.Output), string(now.Data["dsn"])) {
		t.Errorf("the secret is %q, said %q (%v)", now.Data, res.Output, err)
	}
	if strings.Contains(string(res.Undo), "dmVyeS1oaWRkZW4tdmFsdWU") || !strings.Contains(res.UndoNote, "not kept") {
		t.Errorf("undo: %s, %s", res.UndoNote, res.Undo)
	}
}

// A step that dies in the middle leaves a journal of what it had begun.
func TestAStepThatIsEndedKeepsItsJournal(t *testing.T) {
	c := cluster.Get(t)
	ns := namespace(t, c, "steps-ended")
	deploy(t, c, ns, "api", "example.com/api:1.0")
	s := newStepper(t, c, ns, run.Config{})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		for ctx.Err() == nil {
			if d, err := c.Clients.AppsV1().Deployments(ns).Get(ctx, "api", meta.GetOptions{}); err == nil && *d.Spec.Replicas == 6 {
				cancel()
			}
			time.Sleep(20 * time.Millisecond)
		}
	}()
	res, err := s.r.Do(ctx, run.Request{Run: "ended", Mode: run.Change, Kind: run.Bash, Namespace: ns, Code: "kubectl scale deployment/api --replicas=6\nsleep 60"})
	if err != nil || res.Ended != run.Cancelled || len(res.Touches) != 1 {
		t.Fatalf("%+v %v", res, err)
	}
	if undo := s.undo(res.Undo); undo.Ended != run.Done || *deployment(t, c, ns, "api").Spec.Replicas != 3 {
		t.Errorf("undo: %s %s", undo.Ended, undo.Why)
	}
}

func TestAKubeconfigThatStartsProgramsIsRefused(t *testing.T) {
	cfg := api.NewConfig()
	cfg.Clusters["c"] = &api.Cluster{Server: "https://127.0.0.1:1"}
	cfg.AuthInfos["u"] = &api.AuthInfo{Exec: &api.ExecConfig{Command: "aws", APIVersion: "client.authentication.k8s.io/v1"}}
	cfg.Contexts["x"] = &api.Context{Cluster: "c", AuthInfo: "u"}
	cfg.CurrentContext = "x"
	text, err := clientcmd.Write(*cfg)
	if err != nil {
		t.Fatal(err)
	}
	res, err := run.New(run.Config{Reading: run.Cluster{Kubeconfig: text}}).Do(t.Context(), run.Request{Run: "r", Mode: run.Read, Kind: run.Bash, Code: "kubectl get pods"})
	if err != nil || res.Ended != run.Refused || !strings.Contains(res.Why, "service account") {
		t.Errorf("%s %s %v", res.Ended, res.Why, err)
	}
}
