package kube

import (
	"path"
	"strings"

	"muster/playbooks/run/shell"
)

// allowed tells whether an entry of exec_allow permits a command in a pod. An entry is a command, word by word, each of
// which may be a glob ("*" is one word, "..." at the end is any number of further words); in front of it may stand
// where: "namespace/pod:", both globs too.
//
//	pg_isready
//	cat /var/log/app/*
//	production/postgres-*: pg_dump ...
func allowed(entries []string, namespace, pod string, command []string) bool {
	for _, entry := range entries {
		words := strings.Fields(entry)
		if len(words) > 1 && strings.HasSuffix(words[0], ":") && strings.Contains(words[0], "/") {
			place := strings.SplitN(strings.TrimSuffix(words[0], ":"), "/", 2)
			if !glob(place[0], namespace) || !glob(place[1], pod) {
				continue
			}
			words = words[1:]
		}
		if matches(words, command) {
			return true
		}
	}
	return false
}

func matches(words, command []string) bool {
	if len(words) == 0 {
		return false
	}
	if words[len(words)-1] == "..." {
		words = words[:len(words)-1]
		if len(command) < len(words) || len(words) == 0 {
			return false
		}
		command = command[:len(words)]
	}
	if len(words) != len(command) {
		return false
	}
	for i := range words {
		if !glob(words[i], command[i]) {
			return false
		}
	}
	return true
}

// glob matches one word; * does not go over a slash, and ".." never passes a pattern.
func glob(pattern, word string) bool {
	if pattern == word {
		return true
	}
	if strings.Contains(word, "..") {
		return false
	}
	ok, err := path.Match(pattern, word)
	return err == nil && ok
}

func notAllowed(namespace, pod string, command []string) error {
	return shell.Refusef("kubectl exec may not run %q in pod %s/%s: playbooks.exec_allow in muster.yaml does not have it.",
		strings.Join(command, " "), namespace, pod)
}
