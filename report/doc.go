// Package report looks back: what an incident's history and many of them say,
// as data, figures, and documents.
//
// It is pure: it reads no clock and no store, posts nothing, and changes no
// record.
package report
