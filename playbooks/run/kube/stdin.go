package kube

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"

	"muster/playbooks/run/shell"
)

// maxManifest bounds what -f - reads.
const maxManifest = 4 << 20

// manifest gives the command's standard input to kubectl's -f -. Its library reads the standard input of the process,
// of which there is one for all commands of a step; so it is given a pipe of its own by name. release must be called
// when the command has ended.
//
// files is how many times the flags name it, as they were understood: a form that is not seen here, such as -Rf -, would
// read the process's own.
func manifest(args []string, files int, s shell.Streams) ([]string, shell.Streams, func(), error) {
	at, seen := -1, 0
	out := append([]string(nil), args...)
	for i, a := range out {
		switch {
		case a == "--":
			i = len(out)
		case (a == "-f" || a == "--filename") && i+1 < len(out) && out[i+1] == "-":
			at, out[i+1] = i+1, ""
			seen++
		case a == "-f-" || a == "-f=-" || a == "--filename=-":
			at, out[i] = i, ""
			seen++
		}
		if i == len(out) {
			break
		}
	}
	if files != seen || files > 1 {
		return nil, s, nil, shell.Refusal("kubectl reads one manifest here, and its -f - stands alone: write kubectl apply -f -.")
	}
	if at < 0 {
		return args, s, func() {}, nil
	}
	text, err := io.ReadAll(io.LimitReader(s.In, maxManifest+1))
	if err != nil {
		return nil, s, nil, fmt.Errorf("read the manifest: %w", err)
	}
	if len(text) > maxManifest {
		return nil, s, nil, shell.Refusef("The manifest is larger than %d MiB.", maxManifest>>20)
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, s, nil, fmt.Errorf("pass the manifest on: %w", err)
	}
	path := fmt.Sprintf("/dev/fd/%d", r.Fd())
	if strings.HasPrefix(args[at], "-f") && args[at] != "-" {
		out[at] = "-f=" + path
	} else if strings.HasPrefix(args[at], "--") {
		out[at] = "--filename=" + path
	} else {
		out[at] = path
	}
	written := make(chan struct{})
	go func() {
		defer close(written)
		_, _ = w.Write(text) // who does not read it all says why
		w.Close()
	}()
	named := renaming{to: s.Err, from: []byte(path)}
	s.Err = named
	return out, s, func() { r.Close(); w.Close(); <-written }, nil
}

// renaming calls the pipe what a person called it.
type renaming struct {
	to   io.Writer
	from []byte
}

func (r renaming) Write(p []byte) (int, error) {
	_, err := r.to.Write(bytes.ReplaceAll(p, r.from, []byte("standard input")))
	return len(p), err
}
