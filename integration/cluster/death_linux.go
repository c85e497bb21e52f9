package cluster

import "syscall"

// dieTogether makes a child end when the thread that started it does.
func dieTogether() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
}
