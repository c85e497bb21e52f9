// Package rota says who is on call for a role at a moment: rotations in civil
// time, and the overrides and swaps that replace a person for a span.
//
// It never reads a clock, a file or a socket: the moment, the rotas and the
// overrides are arguments, and the same arguments give the same answer.
package rota
