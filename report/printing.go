package report

import (
	"errors"
	"fmt"
	"text/template"
)

// maxPrinted is the longest text that a template may print at once, in bytes,
// so that one that doubles a text again and again is an error.
const maxPrinted = 64 << 10

// Printing gives the functions for templates that make one text of several,
// print, printf, println, html, js and urlquery, so that they refuse to make
// more than 64 KiB.
func Printing() map[string]any {
	short := func(text string) (string, error) {
		if len(text) > maxPrinted {
			return "", errors.New("it prints a text longer than 64 KiB")
		}
		return text, nil
	}
	return map[string]any{
		"print":    func(args ...any) (string, error) { return short(fmt.Sprint(args...)) },
		"println":  func(args ...any) (string, error) { return short(fmt.Sprintln(args...)) },
		"printf":   func(format string, args ...any) (string, error) { return short(fmt.Sprintf(format, args...)) },
		"html":     func(args ...any) (string, error) { return short(template.HTMLEscaper(args...)) },
		"js":       func(args ...any) (string, error) { return short(template.JSEscaper(args...)) },
		"urlquery": func(args ...any) (string, error) { return short(template.URLQueryEscaper(args...)) },
	}
}
