// Package chart draws values over time as a picture: PNG for Slack and mail,
// SVG for a page. It is made to be read on a phone: large labels, few ticks,
// gaps where there is no value.
//
// The same chart always gives the same bytes. The package never asks for data,
// never reads the clock, and knows nothing of incidents.
package chart
