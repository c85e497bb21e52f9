package cluster

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// process is one part of the control plane.
type process struct {
	name string
	cmd  *exec.Cmd
	log  string
	err  error         // why it ended; to be read once done is closed
	done chan struct{} // closed when it has ended
}

// run starts a part. It dies with this process, and by itself at the deadline.
func (c *Cluster) run(bin, part string, args ...string) error {
	p := &process{name: part, log: filepath.Join(c.dir, part+".log"), done: make(chan struct{})}
	out, err := os.Create(p.log)
	if err != nil {
		return err
	}
	defer out.Close()
	p.cmd = exec.Command(bin, append([]string{part}, args...)...)
	p.cmd.Dir = c.dir
	p.cmd.Env = []string{"HOME=" + c.dir, "PATH=" + filepath.Join(c.dir, "bin") + ":" + os.Getenv("PATH"), "KUBE_DEADLINE=" + deadline.String()}
	p.cmd.Stdout, p.cmd.Stderr = out, out
	p.cmd.SysProcAttr = dieTogether()
	started := make(chan error, 1)
	go func() {
		// The parent whose death is signalled is a thread: this one stays as long as the child.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer close(p.done)
		err := p.cmd.Start()
		started <- err
		if err == nil {
			p.err = p.cmd.Wait()
		}
	}()
	if err := <-started; err != nil {
		return fmt.Errorf("start %s: %w", part, err)
	}
	c.procs = append(c.procs, p)
	return nil
}

func (p *process) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// end asks the process to end, and kills it when it does not within 10 seconds.
func (p *process) end() error {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(10 * time.Second):
		if err := p.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
			return fmt.Errorf("end %s: %w", p.name, err)
		}
		<-p.done
	}
	return nil
}

// logs is the end of what every part has written.
func (c *Cluster) logs() string {
	var b strings.Builder
	for _, p := range c.procs {
		text, err := os.ReadFile(p.log)
		if err != nil {
			continue
		}
		lines := strings.Split(strings.TrimSpace(string(text)), "\n")
		if len(lines) > 8 {
			lines = lines[len(lines)-8:]
		}
		fmt.Fprintf(&b, "-- %s\n%s\n", p.name, strings.Join(lines, "\n"))
	}
	return b.String()
}

// freePorts are ports of this machine that nothing listens on.
func freePorts(n int) ([]int, error) {
	var ports []int
	for range n {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer ln.Close()
		ports = append(ports, ln.Addr().(*net.TCPAddr).Port)
	}
	return ports, nil
}
