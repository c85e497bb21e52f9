// Package faults makes the disks and deaths that tests of durability need: a
// disk that loses its power, a full one, a read-only one, writes that fail, a
// process that is killed.
//
// It never touches anything but what it made. Most of it needs root on Linux:
// without, the test is skipped with one line, except where the environment says
// CI=true and root is there, where a missing tool is a failure.
package faults

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// Need skips the test without root or without the tools.
func Need(t testing.TB, tools ...string) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("needs root")
	}
	for _, tool := range tools {
		if _, err := exec.LookPath(tool); err != nil {
			missing(t, "needs "+tool)
		}
	}
}

func missing(t testing.TB, what string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(what)
	}
	t.Skip(what)
}

func run(name string, args ...string) error {
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, strings.TrimSpace(string(out)))
	}
	return nil
}

// Disk is a file system in a file.
type Disk struct {
	// Dir is where it is mounted.
	Dir   string
	image string
	t     testing.TB
}

// NewDisk makes an ext4 disk of some mebibytes and mounts it. It goes with the
// test.
func NewDisk(t testing.TB, mebibytes int) *Disk {
	t.Helper()
	Need(t, "mkfs.ext4", "mount", "umount")
	d := &Disk{Dir: filepath.Join(t.TempDir(), "disk"), image: filepath.Join(t.TempDir(), "disk.img"), t: t}
	f, err := os.Create(d.image)
	if err == nil {
		err = errors.Join(f.Truncate(int64(mebibytes)<<20), f.Close())
	}
	err = errors.Join(err, os.Mkdir(d.Dir, 0o755), run("mkfs.ext4", "-q", "-F", d.image))
	if err != nil {
		t.Fatal(err)
	}
	if err := d.mount(); err != nil {
		missing(t, fmt.Sprintf("needs loop mounts: %v", err))
	}
	t.Cleanup(func() {
		if err := run("umount", d.Dir); err != nil {
			t.Error(err)
		}
	})
	return d
}

func (d *Disk) mount() error { return run("mount", "-o", "loop", d.image, d.Dir) }

// The ioctl by which a file system is shut down, and the way of doing so that
// throws away what was not synced.
const (
	ioctlShutdown   = 0x8004587d
	shutdownNoFlush = 2
)

// CutPower makes the disk forget everything that was not synced and fail from
// then on. End the processes that use it, then Restore it.
func (d *Disk) CutPower() {
	d.t.Helper()
	f, err := os.Open(d.Dir)
	if err != nil {
		d.t.Fatal(err)
	}
	defer f.Close()
	if err := unix.IoctlSetPointerInt(int(f.Fd()), ioctlShutdown, shutdownNoFlush); err != nil {
		missing(d.t, fmt.Sprintf("needs the shutdown ioctl: %v", err))
	}
}

// Restore mounts the disk again after a power cut; its journal is replayed.
func (d *Disk) Restore() {
	d.t.Helper()
	if err := errors.Join(run("umount", d.Dir), d.mount()); err != nil {
		d.t.Fatal(err)
	}
}

// ReadOnly remounts the disk read-only, or for writing again. Nothing on it may
// be open for writing.
func (d *Disk) ReadOnly(on bool) {
	d.t.Helper()
	mode := "remount,rw"
	if on {
		mode = "remount,ro"
	}
	if err := run("mount", "-o", mode, d.Dir); err != nil {
		d.t.Fatal(err)
	}
}

// Small is a folder that holds some mebibytes and no more.
func Small(t testing.TB, mebibytes int) (dir string) {
	t.Helper()
	Need(t, "mount", "umount")
	dir = t.TempDir()
	if err := run("mount", "-t", "tmpfs", "-o", fmt.Sprintf("size=%dm", mebibytes), "tmpfs", dir); err != nil {
		missing(t, fmt.Sprintf("needs mounts: %v", err))
	}
	t.Cleanup(func() {
		if err := run("umount", dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// FillUp takes all the room in a folder and returns what gives it back.
func FillUp(t testing.TB, dir string) (free func()) {
	t.Helper()
	f, err := os.Create(filepath.Join(dir, "ballast"))
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range []int{1 << 20, 4096} {
		for b := make([]byte, size); ; {
			if _, err := f.Write(b); err != nil {
				break
			}
		}
	}
	if err := f.Close(); err != nil && !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
	return func() {
		if err := os.Remove(f.Name()); err != nil {
			t.Fatal(err)
		}
	}
}

// Inject wraps a command so that a system call of it fails, in strace's words:
// "fdatasync:error=EIO:when=20+" fails every one from the twentieth of each
// thread on.
func Inject(t testing.TB, what string, cmd *exec.Cmd) *exec.Cmd {
	t.Helper()
	Need(t, "strace")
	args := append([]string{"-f", "-qq", "-o", "/dev/null", "-e", "signal=none", "-e", "inject=" + what}, cmd.Args...)
	wrapped := exec.Command("strace", args...)
	wrapped.Env = cmd.Env
	return wrapped
}
