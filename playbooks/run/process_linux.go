package run

import (
	"bytes"
	"os"
	"os/exec"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// alone gives the child a process group of its own and ends it when its parent ends.
func alone(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

func killGroup(p *os.Process) {
	_ = syscall.Kill(-p.Pid, syscall.SIGKILL)
	_ = p.Kill()
}

// residentBytes is the memory that a process holds; 0 when it cannot be told.
func residentBytes(pid int) int64 {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/statm")
	if err != nil {
		return 0
	}
	fields := bytes.Fields(text)
	if len(fields) < 2 {
		return 0
	}
	pages, err := strconv.ParseInt(string(fields[1]), 10, 64)
	if err != nil {
		return 0
	}
	return pages * int64(os.Getpagesize())
}

// confine takes from the child what no step needs: memory beyond the limit, files, other programs, and its place
// before the paging of the parent. What the kernel refuses is returned; the limits of the parent hold without it.
func confine(limits Limits) error {
	hard := uint64(limits.MaxMemory + 2*overhead)
	for _, l := range []struct {
		what int
		max  uint64
	}{
		{unix.RLIMIT_DATA, hard},
		{unix.RLIMIT_FSIZE, 0},
		{unix.RLIMIT_CORE, 0},
		{unix.RLIMIT_NOFILE, 256},
		{unix.RLIMIT_CPU, uint64(limits.Deadline.Seconds()) + 10},
	} {
		var now unix.Rlimit
		if err := unix.Getrlimit(l.what, &now); err != nil {
			return err
		}
		l.max = min(l.max, now.Max) // only a privileged process may raise what it was given
		if err := unix.Setrlimit(l.what, &unix.Rlimit{Cur: l.max, Max: l.max}); err != nil {
			return err
		}
	}
	_ = unix.Setpriority(unix.PRIO_PROCESS, 0, 10)
	return nil
}
