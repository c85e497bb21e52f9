package incident

import (
	"fmt"
	"strconv"
	"strings"
)

// Severity is how bad an incident is: P0 critical, P1 high, P2 medium, P3
// low. A smaller number is worse. The zero value is P0.
type Severity int

// The four severities.
const (
	P0 Severity = iota
	P1
	P2
	P3
)

// Severities lists all of them, worst first.
var Severities = []Severity{P0, P1, P2, P3}

// String gives "P0" to "P3".
func (s Severity) String() string { return "P" + strconv.Itoa(int(s)) }

// Word gives the severity's plain name: critical, high, medium, low.
func (s Severity) Word() string {
	switch s {
	case P0:
		return "critical"
	case P1:
		return "high"
	case P2:
		return "medium"
	default:
		return "low"
	}
}

// Class says which notification channels apply to the severity.
func (s Severity) Class() Class {
	switch s {
	case P0, P1:
		return Critical
	case P2:
		return Warning
	default:
		return Info
	}
}

// ParseSeverity reads P0 to P3 in either case.
func ParseSeverity(text string) (Severity, error) {
	for _, s := range Severities {
		if strings.EqualFold(strings.TrimSpace(text), s.String()) {
			return s, nil
		}
	}
	return 0, fmt.Errorf("%q is not a severity: use P0, P1, P2 or P3", text)
}

// MarshalText writes P0 to P3.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads P0 to P3.
func (s *Severity) UnmarshalText(b []byte) error {
	v, err := ParseSeverity(string(b))
	if err != nil {
		return err
	}
	*s = v
	return nil
}

// Class names a set of notification channels.
type Class string

// The three classes: critical is P0 and P1, warning P2, info P3.
const (
	Critical Class = "critical"
	Warning  Class = "warning"
	Info     Class = "info"
)

// Status is where an incident stands.
type Status string

// Status moves freely between the first three. Resolved comes only from
// resolving, Closed from the post-mortem done or waived.
const (
	Investigating Status = "Investigating"
	Identified    Status = "Identified"
	Mitigating    Status = "Mitigating"
	Resolved      Status = "Resolved"
	Closed        Status = "Closed"
)

// ParseStatus reads a status by its name in any case.
func ParseStatus(text string) (Status, error) {
	for _, s := range []Status{Investigating, Identified, Mitigating, Resolved, Closed} {
		if strings.EqualFold(strings.TrimSpace(text), string(s)) {
			return s, nil
		}
	}
	return "", fmt.Errorf("%q is not a status: use Investigating, Identified or Mitigating", text)
}

// Role is a part that one person holds in one incident.
type Role string

// The roles of an incident. Commander is the one who leads (IC).
const (
	Commander Role = "commander"
	Comms     Role = "comms"
	Ops       Role = "ops"
	Scribe    Role = "scribe"
)

// Person is somebody an incident knows. Key is the lower-case e-mail address
// where one is known, else "slack:U…"; it is what is compared. Name is for
// reading. The zero value is nobody.
type Person struct {
	Key  string `json:"key,omitempty"`
	Name string `json:"name,omitempty"`
}

// Self is Muster itself, where it acts without being told to.
var Self = Person{Key: "muster", Name: "Muster"}

// Nobody tells whether p is the zero value.
func (p Person) Nobody() bool { return p.Key == "" }

// Is tells whether both are the same person; nobody is never the same.
func (p Person) Is(q Person) bool { return p.Key != "" && p.Key == q.Key }

// String gives the name, else the key.
func (p Person) String() string {
	if p.Name != "" {
		return p.Name
	}
	return p.Key
}
