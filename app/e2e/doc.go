// Package e2e plays the story of an incident in a browser, against the real
// program: declared, paged, reminded, escalated, resolved. It also makes the
// pictures of the README.
//
// It never reaches behind the page while the story runs, and never opens a
// connection beyond this machine.
package e2e
