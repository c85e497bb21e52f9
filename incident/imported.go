package incident

// Imported is the last record of an incident that came from another
// installation: it can be read here, and nothing is done about it any more.
type Imported struct {
	// From is its number there, Head the hash of its last record there.
	From string `json:"from"`
	Head string `json:"head"`
}

func (Imported) event() {}

// applyImported ends the incident here. Where it stood in the other Slack means
// nothing in this one.
func (s Incident) applyImported(e Imported, r Record) Incident {
	s.Imported = e
	if s.ClosedAt.IsZero() {
		s.ClosedAt, s.Status = r.At, Closed
	}
	s.Card, s.Room, s.RoomCard, s.AlertList = Spot{}, Spot{}, Spot{}, Spot{}
	return s
}

// readOnly refuses what is said about an imported incident.
func (s Incident) readOnly() error {
	if s.Imported.From == "" {
		return nil
	}
	return Refusal{"imported", s.ID + " was imported from another installation, where it is " + s.Imported.From + ": it can only be read here.", ""}
}
