package incident

import "slices"

// TellErased says which incidents were given up and have not left the file yet.
// All are named each time: who is missing may be forgotten.
type TellErased struct {
	Incidents []string
	// Private are told of by their number alone.
	Private []string
}

func (TellErased) intent() {}

// ErasedTold records that the operations channel is told of incidents that
// retention erased.
type ErasedTold struct {
	Incidents []string `json:"incidents,omitempty"`
	Private   []string `json:"private,omitempty"`
	// Before are those that it was told of earlier, and that have not left the
	// file.
	Before []string `json:"before,omitempty"`
}

func (ErasedTold) event() {}

// tellErased gives the news; what was told already is none.
func (d Desk) tellErased(in TellErased) []Event {
	var e ErasedTold
	sort := func(ids []string) (fresh []string) {
		for _, id := range ids {
			if slices.Contains(d.Erased, id) {
				e.Before = append(e.Before, id)
			} else {
				fresh = append(fresh, id)
			}
		}
		return fresh
	}
	e.Incidents, e.Private = sort(in.Incidents), sort(in.Private)
	if len(e.Incidents)+len(e.Private) == 0 {
		return nil
	}
	return []Event{e}
}
