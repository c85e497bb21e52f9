// Package playbooks reads runbooks: Markdown into sections and steps, every
// command of a step into what it would run and whether that reads, changes or
// cannot run at all, and values into a step's parameters.
//
// It never runs anything, reads no clock and no file, and never fails: what
// is wrong with a playbook is part of the playbook.
package playbooks
