// Package config loads and checks the configuration: who is on call, the
// ladder, the channels, the permissions and the message templates, each from
// its file or from the built-in default, and the settings of the environment.
//
// It never acts on what it loads, and never gives half a configuration: a
// load that has a problem gives nothing but its problems.
package config
