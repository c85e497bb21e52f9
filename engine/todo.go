package engine

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"

	"muster/incident"
)

// Todo is the follow-up work of one incident that is not done.
type Todo struct {
	ID      string
	Title   string
	Writer  incident.Person // does what nobody owns
	Actions []incident.Action
	Circle  incident.Circle // who may see it
}

// todos knows the follow-up work of all incidents, those from before the start
// once somebody asked.
type todos struct {
	mu   sync.Mutex
	by   map[string]Todo
	read bool
}

func newTodos() *todos { return &todos{by: map[string]Todo{}} }

// undone is the follow-up work that waits; a drill has none.
func undone(s incident.Incident) []incident.Action {
	var out []incident.Action
	for _, a := range s.Actions {
		if !a.Done && !s.Drill.On && s.MergedInto == "" && s.Imported.From == "" {
			out = append(out, a)
		}
	}
	return out
}

// note files an incident's follow-up work. An entry without any says that it
// is all done, for whoever reads the listing later.
func (t *todos) note(s incident.Incident) {
	t.mu.Lock()
	defer t.mu.Unlock()
	_, known := t.by[s.ID]
	if left := undone(s); len(left) > 0 || known || !t.read {
		t.by[s.ID] = Todo{ID: s.ID, Title: s.Title, Writer: s.Writer(), Actions: left, Circle: s.Circle}
	}
	if t.read && len(t.by[s.ID].Actions) == 0 {
		delete(t.by, s.ID)
	}
}

// Todos lists the incidents with follow-up work that waits, the newest first.
func (e Incidents) Todos(ctx context.Context) ([]Todo, error) {
	e.todos.mu.Lock()
	read := e.todos.read
	e.todos.mu.Unlock()
	if !read {
		list, err := e.List(ctx, 0)
		if err != nil {
			return nil, err
		}
		e.todos.take(list)
	}
	e.todos.mu.Lock()
	defer e.todos.mu.Unlock()
	out := slices.Collect(maps.Values(e.todos.by))
	slices.SortFunc(out, func(a, b Todo) int { return cmp.Or(cmp.Compare(len(b.ID), len(a.ID)), cmp.Compare(b.ID, a.ID)) })
	return out, nil
}

// take files what the listing says of incidents to which nothing was said since
// the start.
func (t *todos) take(list []Summary) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, s := range list {
		if _, known := t.by[s.ID]; !known && len(s.Todo) > 0 {
			t.by[s.ID] = Todo{ID: s.ID, Title: s.Title, Writer: s.Writer, Actions: s.Todo, Circle: s.Circle}
		}
	}
	t.read = true
	maps.DeleteFunc(t.by, func(_ string, d Todo) bool { return len(d.Actions) == 0 })
}
