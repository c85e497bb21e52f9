package render

import (
	"fmt"
	"time"

	"muster/incident"
)

// book is a playbook with a step of each kind.
func (x sample) book() incident.Playbook {
	t := x.text
	p := incident.Playbook{
		ID: "critical-service-down", Title: t(0), Digest: "d1", Severity: "P0", Impact: t(2), Response: t(3), Escalation: t(4), Detection: []string{t(0), t(1)},
	}
	code := "kubectl get pods -n <namespace>\n" + t(3)
	p.Sections = []incident.BookSection{{Title: t(1), Text: "**" + t(2) + "**\n- " + t(3) + " [" + t(4) + "](https://example.com/a)", Steps: []incident.Step{
		{ID: "aa", N: 1, Title: t(0), Text: t(2), Kind: "bash", Code: code, Class: incident.Reading},
		{ID: "bb", N: 2, Title: t(3), Kind: "bash", Code: "kubectl rollout undo deployment/<deployment>", Class: incident.Changing, Why: t(4), Approval: true, Params: []incident.Param{{Name: "deployment"}}},
		{ID: "cc", N: 3, Title: t(3), Kind: "sql", Code: "select 1", Class: incident.Reading, Needs: t(4)},
		{ID: "dd", N: 4, Title: t(3), Kind: "show", Code: t(4), Class: incident.Impossible, Why: t(2)},
		{ID: "ee", N: 5, Title: t(3), Kind: "checklist", Class: incident.Reading},
		{ID: "ff", N: 6, Title: t(3), Kind: "template", Code: t(3), Class: incident.Reading},
		{ID: "gg", N: 7, Title: t(3), Kind: "open", Code: "https://grafana.example.com/d/api", Class: incident.Reading},
	}}}
	for i := range max(1, x.many) {
		p.Sections[0].Steps[4].Items = append(p.Sections[0].Steps[4].Items, fmt.Sprintf("%d %s, and a long second half of it", i, Cut(t(i), 120)))
	}
	return p
}

// steps are the records of a playbook that is shown, and of runs that end in
// every way.
func (x sample) steps() []incident.Event {
	t, at := x.text, storyStart
	ask := func(n int, class incident.Effort, undoes int) incident.StepAsked {
		step := "aa"
		if class == incident.Changing {
			step = "bb"
		}
		return incident.StepAsked{
			N: n, By: x.person(1), Playbook: "critical-service-down", Book: t(0), Step: step, Title: t(3), Class: class, Command: t(4), Sure: n != 5,
			Approval: n != 6, Approvers: []incident.Person{x.person(2), x.person(3)}, Undoes: undoes, Until: at.Add(10 * time.Minute),
		}
	}
	preview := incident.Preview{
		Commands: []string{"kubectl rollout undo deployment/api -n prod", t(3)}, Diff: "- image: api:2\n+ image: api:1\n" + t(4), Cut: true, Undo: t(2),
		Disruption: []string{t(3)}, Remarks: []string{t(4)},
	}
	for i := range max(1, x.many) {
		preview.Objects = append(preview.Objects, incident.Object{Kind: "Deployment", Namespace: "prod", Name: fmt.Sprintf("api-%d", i), Verb: "update", Pods: i, Version: "v"})
	}
	digest := "3fa9c1d2e4b5a697"
	outcome := incident.Outcome{
		End: incident.EndDone, Took: 12 * time.Second, Output: "deployment.apps/api rolled back\n" + t(4), Cut: true, Size: 9000, Ref: "INC-1/run-3.txt", SHA256: digest,
		Check: t(3), Journal: "INC-1/undo-3.json", UndoNote: t(2), Links: []string{"https://example.com/x"}, Remarks: []string{t(1)}, Said: []string{t(2)}, Files: []string{t(1)},
	}
	unknown := incident.Outcome{End: incident.EndUnknown, Why: t(4)}
	return []incident.Event{
		incident.PlaybookSuggested{Playbooks: []incident.Suggestion{{ID: "critical-service-down", Title: t(0), Why: t(1)}}},
		incident.PlaybookSuggested{Playbooks: []incident.Suggestion{{ID: "database slow", Title: t(2), Why: t(1)}, {ID: "security", Title: t(3)}}},
		incident.PlaybookOpened{By: x.person(1), Playbook: x.book()},
		incident.PlaybookPosted{Playbook: "critical-service-down", Section: 1, Channel: "C0000001", TS: "1772333702.000100", Seq: 1},
		incident.ItemTicked{By: x.person(2), Playbook: "critical-service-down", Item: "ee.1", Text: t(1)},
		incident.ItemTicked{By: x.person(2), Playbook: "critical-service-down", Item: "ee.2", Text: t(1), Off: true},
		ask(1, incident.Reading, 0), incident.StepStarted{N: 1}, incident.StepPosted{N: 1, Channel: "C0000001", TS: "1772333703.000100"}, incident.StepStopped{N: 1, By: x.person(2)},
		incident.StepEnded{N: 1, Outcome: incident.Outcome{End: incident.EndFailed, Exit: 1, Why: t(3), Output: t(4), Took: time.Second}},
		ask(2, incident.Changing, 0), incident.StepPreviewed{N: 2, Preview: preview, Digest: digest, Until: at.Add(time.Hour)},
		incident.StepApproved{N: 2, By: x.person(2), Digest: digest, Until: at.Add(time.Hour)}, incident.StepStarted{N: 2},
		incident.StepChanged{N: 2, Reason: t(3), Until: at.Add(time.Hour)}, incident.StepPreviewed{N: 2, Preview: preview, Digest: digest, Until: at.Add(time.Hour)},
		incident.StepApproved{N: 2, By: x.person(2), Digest: digest, Until: at.Add(time.Hour)}, incident.StepStarted{N: 2}, incident.StepEnded{N: 2, Outcome: outcome},
		ask(3, incident.Changing, 2), incident.StepPreviewed{N: 3, Preview: incident.Preview{}, Digest: digest, Until: at.Add(time.Hour)},
		incident.StepRefused{N: 3, By: x.person(2), Reason: t(4)},
		ask(4, incident.Changing, 0), incident.StepLapsed{N: 4, Was: incident.Previewing, Late: time.Hour},
		ask(5, incident.Changing, 0), incident.StepPreviewed{N: 5, Preview: preview, Digest: digest, Until: at.Add(time.Hour)},
		incident.StepConfirmed{N: 5, By: x.person(2), Digest: digest, Approvers: []incident.Person{x.person(3)}, Until: at.Add(time.Hour)}, incident.StepWithdrawn{N: 5, By: x.person(1)},
		ask(6, incident.Changing, 0), incident.StepPreviewed{N: 6, Preview: preview, Digest: digest, Until: at.Add(time.Hour)},
		incident.StepConfirmed{N: 6, By: x.person(2), Digest: digest, Until: at.Add(time.Hour)}, incident.StepLapsed{N: 6, Was: incident.Ready},
		ask(7, incident.Changing, 0), incident.StepPreviewed{N: 7, Preview: preview, Digest: digest, Until: at.Add(time.Hour)},
		incident.StepApproved{N: 7, By: x.person(2), Digest: digest, Until: at.Add(time.Hour)}, incident.StepStarted{N: 7}, incident.StepEnded{N: 7, Outcome: unknown},
	}
}

// playbooks are the messages of a playbook and its runs after each record.
func (t *teller) playbooks(first incident.Record) {
	s := incident.Apply(incident.Incident{}, first)
	for i, e := range t.sample.steps() {
		r := incident.Record{Seq: s.Seq + 1, At: first.At.Add(time.Duration(i) * time.Minute), Event: e}
		was := s
		s = incident.Apply(s, r)
		f := t.sample.frame(r.At)
		name := fmt.Sprintf("%02d %s", i+1, incident.EventKind(r.Event))
		for n := range 2 {
			if m, ok := f.Section(s, "critical-service-down", n); ok && shelfChanged(r.Event) {
				t.message(fmt.Sprintf("playbook section %d after %s", n, name), m)
			}
		}
		for _, run := range s.Shelf.Runs {
			if before, known := was.Shelf.Run(run.N); known && before.Seq == run.Seq {
				continue
			}
			if m, ok := f.Step(s, run.N); ok {
				t.message(fmt.Sprintf("playbook run %d after %s", run.N, name), m)
			}
			if m, ok := f.StepProgress(s, run.N, t.sample.text(4)); ok {
				t.message(fmt.Sprintf("playbook progress of run %d after %s", run.N, name), m)
			}
			if run.Again > 0 {
				t.message(fmt.Sprintf("playbook old run %d after %s", run.N, name), f.OldStep(run))
			}
		}
	}
	for i := range s.Shelf.Runs {
		s.Shelf.Runs[i].Phase, s.Shelf.Runs[i].Approval, s.Shelf.Runs[i].Sure = incident.Waiting, true, true
	}
	t.view("home with approvals", t.sample.frame(storyStart).Home(Home{Person: t.sample.person(3), Open: []incident.Incident{s}}))
}

func shelfChanged(e incident.Event) bool {
	switch e.(type) {
	case incident.PlaybookOpened, incident.ItemTicked, incident.StepStarted, incident.StepEnded:
		return true
	default:
		return false
	}
}
