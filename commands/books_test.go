package commands_test

import (
	"context"
	"strings"

	"muster/commands"
	"muster/incident"
)

// books are two playbooks, one of which fits what has "API" in its title.
type books struct{}

var apiBook = incident.Playbook{
	ID: "api-down", Title: "API down", Digest: "d1", Severity: "P0",
	Sections: []incident.BookSection{
		{Title: "Look", Steps: []incident.Step{
			{ID: "pods", N: 1, Title: "Pods", Kind: "bash", Class: incident.Reading, Code: "kubectl get pods -n <namespace>", Params: []incident.Param{{Name: "namespace", Kind: "namespace"}}},
			{ID: "slow", N: 2, Title: "Slow queries", Kind: "sql", Class: incident.Reading, Code: "SELECT 1", Needs: "Set DATABASE_URL."},
		}},
		{Title: "Mend", Steps: []incident.Step{
			{ID: "back", N: 3, Title: "Roll back", Kind: "bash", Class: incident.Changing, Code: "kubectl rollout undo deployment/api"},
			{ID: "list", N: 4, Title: "After", Kind: "checklist", Items: []string{"Traffic is back", "Support was told"}},
			{ID: "ssh", N: 5, Title: "Log in", Kind: "show", Class: incident.Impossible, Code: "ssh api-1", Why: "ssh is no command here"},
			{ID: "tell", N: 6, Title: "Tell people", Kind: "template", Code: "Actions taken: Rolled back {{service}}.\nNext step: Watch"},
		}},
	},
	Templates: []incident.Template{{Name: "Tell people", Text: "Actions taken: Rolled back {{service}}.\nNext step: Watch"}},
}

func (books) All() []incident.Suggestion {
	return []incident.Suggestion{{ID: apiBook.ID, Title: apiBook.Title}, {ID: "bank", Title: "The bank is away"}}
}

func (b books) Fitting(s incident.Incident) []incident.Suggestion {
	if strings.Contains(s.Title, "API") {
		return []incident.Suggestion{{ID: apiBook.ID, Title: apiBook.Title, Why: "the title has the word API"}}
	}
	return nil
}

func (books) Book(id string, _ incident.Incident) (incident.Playbook, bool) {
	if id == "bank" {
		return incident.Playbook{ID: id, Title: "The bank is away", Digest: "d2"}, true
	}
	return apiBook, id == apiBook.ID
}

func (books) Bind(_, name string, _ incident.Incident, values map[string]string) (commands.Bound, error) {
	step, _, ok := apiBook.Step(name)
	if !ok || !step.Runs() {
		return commands.Bound{}, incident.Refusal{Code: "impossible", Text: "That step cannot run here.", Hint: "Copy it and run it where it belongs."}
	}
	out := commands.Bound{Step: step, Values: map[string]string{}, Wrong: map[string]string{}, Class: step.Class, Needs: step.Needs, Approval: step.Class == incident.Changing, Command: step.Code}
	for _, p := range step.Params {
		switch v := values[p.Name]; {
		case v == "":
			out.Missing = append(out.Missing, p)
		case strings.HasPrefix(v, "-"):
			out.Wrong[p.Name] = "It begins with a hyphen."
		default:
			out.Values[p.Name] = v
			out.Command = strings.ReplaceAll(out.Command, "<"+p.Name+">", v)
		}
	}
	out.Block = incident.Block{Kind: step.Kind, Code: out.Command, Params: out.Values}
	return out, nil
}

func (books) Approval(string, string, incident.Incident) bool { return true }

func (books) Choices(context.Context, string, string) []string { return nil }

// stepVerb carries out what the runner of steps says; false: it is no such
// verb.
//
//	books                          has two playbooks
//	looked INC-1 2                 says what run 2 would change
//	began INC-1 2                  begins it
//	ended INC-1 2 failed why …     says what came of it
func (w *world) stepVerb(word string, f []string) bool {
	n := 0
	if len(f) > 1 {
		for _, r := range f[1] {
			n = n*10 + int(r-'0')
		}
	}
	switch word {
	case "books":
		w.commands.Runbooks = books{}
	case "looked":
		w.tell(f[0], incident.PreviewStep{N: n, Preview: incident.Preview{Commands: []string{"kubectl rollout undo deployment/api"}, Objects: []incident.Object{{Kind: "Deployment", Name: "api", Version: "v1"}}}})
	case "began":
		w.tell(f[0], incident.StartStep{N: n})
	case "ended":
		o := incident.Outcome{End: incident.End(f[2]), Why: strings.Join(f[3:], " ")}
		if o.End == incident.EndDone {
			o.Journal, o.Output = "run-undo.json", "rolled back"
		}
		w.tell(f[0], incident.EndStep{N: n, Outcome: o})
	default:
		return false
	}
	return true
}
