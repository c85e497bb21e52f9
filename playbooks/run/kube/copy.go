package kube

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"path"
	"strings"

	"muster/playbooks/run/shell"
)

// maxCopy bounds what is copied out of a pod.
const maxCopy = 64 << 20

// copyOut performs `kubectl cp [namespace/]pod:/path name` out of a pod into the evidence, as a tar file. The pod's own
// tar does it, so that exec_allow must have "tar cf - /path".
func (c *Cluster) copyOut(ctx context.Context, s shell.Streams, args []string) error {
	namespace, container, words, err := copyArgs(args[1:])
	if err != nil {
		return err
	}
	where, from, ok := strings.Cut(words[0], ":")
	if !ok || strings.Contains(words[1], ":") || !strings.HasPrefix(from, "/") {
		return shell.Refusal("kubectl cp only copies out of a pod here: kubectl cp NAMESPACE/POD:/path name.")
	}
	if ns, pod, ok := strings.Cut(where, "/"); ok {
		namespace, where = ns, pod
	}
	if c.opts.Evidence == nil {
		return shell.Refusal("There is no evidence to copy into here.")
	}
	call := []string{"kubectl", "exec"}
	if namespace != "" {
		call = append(call, "--namespace="+namespace)
	}
	if container != "" {
		call = append(call, "--container="+container)
	}
	call = append(call, where, "--", "tar", "cf", "-", from)
	if c.opts.Mode == Preview {
		_, _, err := c.build(s, call[1:])
		if err == nil {
			fmt.Fprintf(s.Out, "(would copy %s out of pod %s into the evidence)\n", from, where)
		}
		return err
	}
	archive := &bounded{max: maxCopy}
	if err := c.Kubectl(ctx, shell.Streams{In: strings.NewReader(""), Out: archive, Err: s.Err}, call); err != nil {
		return err
	}
	name := path.Base(path.Clean("/"+words[1])) + ".tar"
	if err := c.opts.Evidence(name, archive.Bytes()); err != nil {
		return err
	}
	fmt.Fprintf(s.Out, "%s of pod %s is in the evidence as %s (%d bytes).\n", from, where, name, archive.Len())
	return nil
}

func copyArgs(args []string) (namespace, container string, words []string, err error) {
	for i := 0; i < len(args); i++ {
		name, v, given := strings.Cut(args[i], "=")
		switch name {
		case "-n", "--namespace", "-c", "--container":
			if !given {
				if i++; i >= len(args) {
					return "", "", nil, shell.Refusef("kubectl cp %s needs a value.", name)
				}
				v = args[i]
			}
			if strings.HasPrefix(name, "-c") || name == "--container" {
				container = v
			} else {
				namespace = v
			}
		default:
			if strings.HasPrefix(args[i], "-") {
				return "", "", nil, shell.Refusef("kubectl cp %s is not here.", name)
			}
			words = append(words, args[i])
		}
	}
	if len(words) != 2 {
		return "", "", nil, shell.Refusal("kubectl cp needs from and to: kubectl cp NAMESPACE/POD:/path name.")
	}
	return namespace, container, words, nil
}

// bounded is a buffer that refuses more than its size.
type bounded struct {
	bytes.Buffer
	max int
}

func (b *bounded) Write(p []byte) (int, error) {
	if b.Len()+len(p) > b.max {
		return 0, fmt.Errorf("more than %d MiB: %w", b.max>>20, io.ErrShortWrite)
	}
	return b.Buffer.Write(p)
}
