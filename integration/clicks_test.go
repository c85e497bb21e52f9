package integration

import (
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	apps "k8s.io/api/apps/v1"
	networking "k8s.io/api/networking/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"

	"muster/bot/render"
	"muster/integration/cluster"
	"muster/playbooks"
	"muster/workspace"
)

const incidents = "#incidents"

// asPod makes Muster speak as in deploy/, and says who may do what.
const asPod = `
incident_channel: {P0: false, P1: false, P2: false, P3: false}
permissions:
  operate: [alice@example.com]
  approve: [bob@example.com, alice@example.com]
playbooks:
  read_as: ` + reader + `
  change_as: ` + operator + `
`

// desk is a playbook that people go through in the thread of an incident.
type desk struct {
	*office
	c    *cluster.Cluster
	ns   string
	book playbooks.Playbook
	runs int
}

// open declares an incident and opens a playbook in it.
func open(t *testing.T, c *cluster.Cluster, ns, book, title string, config string, env ...string) *desk {
	t.Helper()
	env = append(env, "KUBECONFIG="+c.ServiceAccount(t, "muster", own))
	d := &desk{c: c, ns: ns, office: newOffice(t, map[string]string{"muster.yaml": config}, env...)}
	for _, p := range builtin(t) {
		if p.ID == book {
			d.book = p
		}
	}
	d.say("alice", incidents, fmt.Sprintf("create P0 %q", title))
	d.say("alice", incidents, "playbook "+book)
	last := d.book.Sections[len(d.book.Sections)-1]
	d.see("alice", incidents, "📖", last.Title)
	return d
}

// step finds a step of the playbook by its title.
func (d *desk) step(title string) playbooks.Step {
	d.Helper()
	for _, s := range d.book.Steps() {
		if s.Title == title {
			return s
		}
	}
	d.Fatalf("%s has no step %q", d.book.ID, title)
	return playbooks.Step{}
}

// ask clicks a step's button, fills its form in, and gives the run's number.
func (d *desk) ask(who, title string, values map[string]string) int {
	d.Helper()
	s := d.step(title)
	button := render.ActPick + ":step " + s.ID
	if len(s.Params) > 0 {
		button = render.ActStepForm + ":" + s.ID
	}
	d.until("the step "+title+" is shown and clicked", func() error {
		for _, m := range d.all(who, incidents) {
			if strings.Contains(string(m.Blocks), `"`+button+`"`) {
				_, err := d.ws.Person(who).Click(incidents, m.TS, button) // the message may have changed since
				return err
			}
		}
		return errors.New("it is not")
	})
	if len(s.Params) > 0 {
		fields := map[string]any{}
		for _, p := range s.Params {
			for name, v := range values {
				if name == p.Name {
					fields[p.Title()] = v
				}
			}
			if p.Name == "namespace" {
				fields[p.Title()] = d.ns
			}
		}
		form := d.form(who)
		answer, err := d.ws.Person(who).Submit(form.ID, fields)
		if err != nil || len(answer.Errors) > 0 {
			d.Fatalf("the form of %s: %v %v", title, answer.Errors, err)
		}
	}
	d.runs++
	return d.runs
}

// run waits until the message of a run says all the words.
func (d *desk) run(who string, n int, words ...string) workspace.Message {
	d.Helper()
	head := regexp.MustCompile(fmt.Sprintf(`\* · run %d\b`, n)) // others say "run 12 undoes it"
	var found workspace.Message
	d.until(fmt.Sprintf("run %d says %q", n, words), func() error {
		said := ""
		for _, m := range d.all(who, incidents) {
			if !head.MatchString(text(m)) {
				continue
			}
			said += "\n" + text(m)
			if !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(text(m), w) }) {
				found = m
				return nil
			}
		}
		return fmt.Errorf("it says %s", said)
	})
	return found
}

// ended waits until a run has ended.
func (d *desk) ended(n int, words ...string) workspace.Message {
	d.Helper()
	return d.run("alice", n, append([]string{"Asked by"}, words...)...)
}

// reads goes through a reading step.
func (d *desk) reads(title string, values map[string]string, words ...string) {
	d.Helper()
	n := d.ask("alice", title, values)
	d.ended(n, append([]string{"✅"}, words...)...)
}

// changes goes through a changing step: alice asks, and reads the preview; bob approves.
func (d *desk) changes(title string, values map[string]string, preview ...string) (n int, done workspace.Message) {
	d.Helper()
	n = d.ask("alice", title, values)
	return n, d.approved(n, preview...)
}

func (d *desk) approved(n int, preview ...string) workspace.Message {
	d.Helper()
	waiting := d.run("bob", n, append([]string{"This would run", "Approve"}, preview...)...)
	d.click("bob", incidents, waiting, "Approve")
	return d.ended(n, "✅", "approved by")
}

// undoes takes a run back by its button.
func (d *desk) undoes(done workspace.Message) {
	d.Helper()
	d.click("alice", incidents, done, "Undo")
	d.runs++
	d.approved(d.runs)
}

func (d *desk) deployment() *apps.Deployment { return deployment(d.T, d.c, d.ns, "api") }

func (d *desk) ingress() *networking.Ingress {
	d.Helper()
	i, err := d.c.Clients.NetworkingV1().Ingresses(d.ns).Get(d.Context(), "api", meta.GetOptions{})
	d.must(err)
	return i
}

// the part of an object's metadata that people make
func made(m meta.ObjectMeta) string {
	delete(m.Annotations, "deployment.kubernetes.io/revision")
	return fmt.Sprint(m.Name, m.UID, m.Labels, m.Annotations)
}

// Every step of Critical service down, clicked through in Slack by two people against a real cluster.
func TestCriticalServiceDownClickedThrough(t *testing.T) {
	t.Parallel()
	c := cluster.Get(t)
	ns := namespace(t, c, "production")
	manifests(t, c, ns)
	f := furnish(t, c, ns)
	pod := map[string]string{"pod-name": f.values["pod"]}
	d := open(t, c, ns, "critical-service-down", "API service down", asPod)
	done := map[string]bool{}
	reads := func(title string, values map[string]string, words ...string) {
		t.Helper()
		done[title] = true
		d.reads(title, values, words...)
	}
	changes := func(title string, values map[string]string, preview ...string) workspace.Message {
		t.Helper()
		done[title] = true
		_, m := d.changes(title, values, preview...)
		return m
	}

	reads("Acknowledge", nil)
	d.see("alice", incidents, "acknowledged")
	reads("See the pods", nil, "CrashLoopBackOff")
	reads("See what happened lately", nil, "BackOff")
	reads("Describe the pod", pod, "CrashLoopBackOff", badImage)
	reads("Read its log", pod, cluster.PodLog[2])
	reads("Read the log of the container before", pod, cluster.PreviousLog[1])
	reads("See what it uses", nil, "900Mi")
	reads("See the last rollouts", nil, "REVISION")
	reads("See the nodes", nil, "node-2")

	crashing := d.deployment()
	back := changes("Roll back the deployment", nil, badImage, goodImage, "update Deployment")
	if image := d.deployment().Spec.Template.Spec.Containers[0].Image; image != goodImage {
		t.Fatalf("after the rollback the image is %s", image)
	}
	reads("Follow the rollout", nil, "successfully rolled out")
	settled(t, c, ns, "api")
	reads("Check that it is healthy", nil, "3/3")
	d.undoes(back)
	if now := d.deployment(); !reflect.DeepEqual(now.Spec, crashing.Spec) || made(now.ObjectMeta) != made(crashing.ObjectMeta) {
		t.Errorf("undo brought back\n%v\nand not\n%v", now.Spec, crashing.Spec)
	}
	changes("Roll back the deployment", nil)
	settled(t, c, ns, "api")

	before, err := podsOf(t.Context(), c, ns, "api")
	d.must(err)
	changes("Restart the deployment", nil, "pods that end or start anew: 3", "Disruption budget api")
	reads("Follow the restart", nil, "successfully rolled out")
	settled(t, c, ns, "api")
	after, err := podsOf(t.Context(), c, ns, "api")
	d.must(err)
	for _, old := range before {
		for _, now := range after {
			if old.UID == now.UID {
				t.Errorf("%s was not replaced", old.Name)
			}
		}
	}
	changes("Delete a pod that is stuck", map[string]string{"pod-name": after[0].Name}, "delete Pod")
	if _, err := c.Clients.CoreV1().Pods(ns).Get(t.Context(), after[0].Name, meta.GetOptions{}); err == nil {
		t.Errorf("%s is still there", after[0].Name)
	}
	settled(t, c, ns, "api")

	three := d.deployment()
	more := changes("Scale out", map[string]string{"replicas": "5"}, "replicas: 5")
	reads("Check that the pods came", nil, "successfully rolled out")
	if n := d.deployment().Status.ReadyReplicas; n != 5 {
		t.Errorf("%d replicas are ready after scaling to 5", n)
	}
	d.undoes(more)
	if now := d.deployment(); !reflect.DeepEqual(now.Spec, three.Spec) {
		t.Errorf("undo of scaling brought back %v", now.Spec)
	}
	settled(t, c, ns, "api")

	plain := d.deployment()
	limits := changes("Raise the limits", map[string]string{"memory-limit": "2Gi"}, "memory: 2Gi")
	if l := d.deployment().Spec.Template.Spec.Containers[0].Resources.Limits; l.Memory().String() != "2Gi" || l.Cpu().String() != "1" {
		t.Errorf("the limits are %v", l)
	}
	reads("Follow the new limits", nil, "successfully rolled out")
	d.undoes(limits)
	if now := d.deployment(); !reflect.DeepEqual(now.Spec, plain.Spec) || made(now.ObjectMeta) != made(plain.ObjectMeta) {
		t.Errorf("undo of the limits brought back %v", now.Spec)
	}

	reads("See the Ingress", nil, "api.example.com")
	page := d.ingress()
	maintenance := changes("Show the maintenance page", nil, "maintenance")
	if s := d.ingress().Spec.DefaultBackend; s == nil || s.Service.Name != "maintenance" {
		t.Errorf("the Ingress sends to %v", s)
	}
	d.undoes(maintenance)
	if now := d.ingress(); !reflect.DeepEqual(now.Spec, page.Spec) || made(now.ObjectMeta) != made(page.ObjectMeta) {
		t.Errorf("undo of the page brought back %v %v", now.Spec, now.ObjectMeta)
	}
	reads("Collect the data", nil, "Scheduled")

	for _, s := range d.book.Steps() {
		if s.Kind == playbooks.Bash && s.Runs() && !done[s.Title] {
			t.Errorf("%q was not clicked", s.Title)
		}
	}
}

// A change that the cluster forbids shows the cluster's own refusal; one whose object was changed meanwhile is asked
// again; and who asks does not approve.
func TestWhatStandsInAChangesWay(t *testing.T) {
	c := cluster.Get(t)
	ns := namespace(t, c, "guarded")
	manifests(t, c, ns)
	furnish(t, c, ns).heal(t)
	d := open(t, c, ns, "critical-service-down", "API service down", asPod)

	n := d.ask("alice", "Scale out", map[string]string{"replicas": "4"})
	waiting := d.run("alice", n, "Approve", "replicas: 4")
	d.click("alice", incidents, waiting, "Approve")
	d.onlyFor("alice", incidents, "asked for")
	if r := *d.deployment().Spec.Replicas; r != 3 {
		t.Fatalf("the one who asked approved: there are %d replicas", r)
	}

	// Somebody else scales before bob approves.
	two := []byte(`{"spec": {"replicas": 2}}`)
	_, err := c.Clients.AppsV1().Deployments(ns).Patch(t.Context(), "api", "application/merge-patch+json", two, meta.PatchOptions{})
	d.must(err)
	d.click("bob", incidents, waiting, "Approve")
	again := d.run("bob", n, "asked again", "has changed since", "Approve", "replicas: 2")
	if r := *d.deployment().Spec.Replicas; r != 2 {
		t.Errorf("an approval of something else ran: there are %d replicas", r)
	}
	d.click("bob", incidents, again, "Approve")
	d.ended(n, "✅")
	if r := *d.deployment().Spec.Replicas; r != 4 {
		t.Errorf("after the second approval there are %d replicas", r)
	}

	d.must(c.Clients.RbacV1().RoleBindings(ns).Delete(t.Context(), "muster-change", meta.DeleteOptions{}))
	n = d.ask("alice", "Scale out", map[string]string{"replicas": "6"})
	d.run("alice", n, `is forbidden: User \"`+operator+`\" cannot patch resource`)
	if r := *d.deployment().Spec.Replicas; r != 4 {
		t.Errorf("a forbidden change was made: there are %d replicas", r)
	}
}
