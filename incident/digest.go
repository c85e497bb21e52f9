package incident

import "time"

// DigestDue records that people are to be told of the time from From to At.
type DigestDue struct {
	From time.Time `json:"from"`
	At   time.Time `json:"at"`
}

func (DigestDue) event() {}

// digestEffects post it.
func digestEffects(e DigestDue, seq uint64) []Effect {
	return []Effect{Post{Seq: seq, What: EventKind(e)}}
}
