//go:build !linux

package cluster

import "syscall"

// dieTogether has no way here to tie a child to its parent: the child's own deadline ends it.
func dieTogether() *syscall.SysProcAttr { return nil }
