package config

import (
	"fmt"
	"log/slog"
)

const hidden = "[hidden]"

// Secret holds a token, a password or an address that carries one. Every way
// of printing, logging or encoding it gives "[hidden]"; only Reveal gives the
// text. The zero value is not set.
type Secret struct {
	// A pointer, so that a struct that is printed with its private fields
	// shows an address and not the text.
	text *string
}

// NewSecret wraps a text; an empty one is not set.
func NewSecret(text string) Secret {
	if text == "" {
		return Secret{}
	}
	return Secret{&text}
}

// Reveal gives the text, for the one request that needs it.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// IsSet tells whether there is a text.
func (s Secret) IsSet() bool { return s.text != nil }

// String gives "[hidden]".
func (s Secret) String() string { return hidden }

// GoString gives "[hidden]".
func (s Secret) GoString() string { return hidden }

// Format writes "[hidden]" for every verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(hidden)) }

// LogValue gives "[hidden]".
func (s Secret) LogValue() slog.Value { return slog.StringValue(hidden) }

// MarshalText gives "[hidden]", in JSON and everywhere else.
func (s Secret) MarshalText() ([]byte, error) { return []byte(hidden), nil }
