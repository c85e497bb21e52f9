package pagerduty

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strings"

	"muster/incident"
)

// maxKey is the longest dedup_key:
// https://developer.pagerduty.com/docs/send-alert-event
const maxKey = 255

// incidentID is how our incidents, our groups of alerts, and test pages are
// called.
var incidentID = regexp.MustCompile(`^(INC-[1-9][0-9]*|ALR-[0-9a-f]{6,40}|TEST)$`)

// refID is what PagerDuty's own incident IDs look like. A dedup key never
// does: it has slashes.
var refID = regexp.MustCompile(`^[A-Za-z0-9]+$`)

// providerKey makes a dedup key fit; incident and level stay readable.
func providerKey(dedup string) string {
	if len(dedup) <= maxKey {
		return dedup
	}
	parts := strings.SplitN(dedup, "/", 3)
	sum := sha256.Sum256([]byte(dedup))
	digest := "sha256:" + hex.EncodeToString(sum[:])
	if len(parts) == 3 && len(parts[0])+len(parts[1])+2+len(digest) <= maxKey {
		return parts[0] + "/" + parts[1] + "/" + digest
	}
	return digest + "/"
}

// paged is what a key says about a page.
type paged struct {
	incident string
	level    string
	person   string // a Person's key; empty: not known
}

// readKey reads a key that this package made; ok is false for any other.
func readKey(key string) (p paged, ok bool) {
	parts := strings.SplitN(key, "/", 3)
	if len(parts) != 3 || !incidentID.MatchString(parts[0]) {
		return paged{}, false
	}
	p = paged{incident: parts[0], level: parts[1], person: parts[2]}
	if strings.HasPrefix(p.person, "sha256:") {
		p.person = ""
	}
	return p, true
}

// receipt carries PagerDuty's own name of a page.
func receipt(ref string) incident.Receipt {
	return incident.Receipt{Ref: ref}
}

// Ours tells whether an incident's key in PagerDuty is one of a page of ours.
func Ours(key string) bool {
	_, ok := readKey(key)
	return ok
}
