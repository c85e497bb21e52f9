// Package monitoring holds the tests that need a real Prometheus and a real
// Alertmanager. They are started on loopback with folders of their own, and
// die with the tests.
//
// It never holds anything that the program uses.
package monitoring
