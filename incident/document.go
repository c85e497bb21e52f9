package incident

// ShowDocument posts the post-mortem into the thread: as a canvas where the
// workspace allows one, else as files.
type ShowDocument struct {
	Seq uint64 `json:"seq"` // of the record that finished it
}

func (ShowDocument) effect() {}

// document is what is posted once a post-mortem is done; one that was waived
// is none.
func document(s Incident, e ClosedEvent, r Record) []Effect {
	if s.Drill.On || e.Reason != "" {
		return nil
	}
	return []Effect{ShowDocument{Seq: r.Seq}}
}
