// Package alerts takes in what monitoring systems tell: it reads their
// requests and hands them on as batches of alerts.
//
// It never decides what an alert leads to, and never answers that something
// was taken before it is on disk.
package alerts
