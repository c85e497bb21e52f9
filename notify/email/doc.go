// Package email pages people by mail: one SMTP conversation for each mail, in
// text and HTML, threaded by incident, with a link that acknowledges.
//
// SMTP cannot be asked whether a mail arrived. So a conversation that the
// caller stopped waiting for goes on by itself, a repeat joins it, and what is
// sent again after an unclear end carries the same Message-ID, by which most
// mailboxes show it once: a page that comes twice is better than none.
//
// It never receives mail, never follows a link, keeps nothing on disk, and puts
// no address, password or answer of a mail server into an error or a log.
package email
