package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	_ "time/tzdata" // zones exist wherever the program runs

	"muster/incident"
	"muster/playbooks"
)

// Load reads the configuration of a directory. Every file is optional, and so
// is the directory: what is missing has its built-in default. env looks up the
// variables that the files name. An error is of type Problems and holds
// everything that is wrong with all files; there is then no configuration.
func Load(dir string, env func(string) (string, bool)) (*Config, error) {
	l := &loader{dir: dir, env: env, cfg: &Config{Dir: dir}}
	l.misnamed()
	l.rotation()
	l.escalation()
	l.muster()
	l.templates()
	l.runbooks()
	l.references()
	if err := l.problems.err(); err != nil {
		return nil, err
	}
	slices.Sort(l.cfg.Files)
	return l.cfg, nil
}

// loader is one load under way.
type loader struct {
	dir      string
	env      func(string) (string, bool)
	cfg      *Config
	problems Problems
	// refs are the names of rotas that the files mention.
	refs []reference
	// broken says that oncall_schedule could not be read, so that nothing can
	// be said about names of rotas.
	broken bool
	// matrix says that the user has an escalation.yaml.
	matrix bool
}

// reference is a mention of a rota by its name.
type reference struct {
	file string
	line int
	name string
	what string // "the level L4 pages the role"
}

// read gives a file of the directory, or false when it is not there or cannot
// be read.
func (l *loader) read(name string) ([]byte, bool) {
	full := filepath.Join(l.dir, filepath.FromSlash(name))
	info, err := os.Stat(full)
	if err == nil && !info.Mode().IsRegular() {
		l.problems.add(name, 0, "this is not a file; put the configuration's text there, or remove it for the default")
		return nil, false
	}
	if err == nil && info.Size() > maxFileBytes {
		l.problems.add(name, 0, "the file is larger than 1 MiB; a configuration is not")
		return nil, false
	}
	var data []byte
	if err == nil {
		data, err = os.ReadFile(full)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, false
	case err != nil:
		l.problems.add(name, 0, "the file cannot be read (%s); make it readable, or remove it for the default", cause(err))
		return nil, false
	}
	l.cfg.Files = append(l.cfg.Files, name)
	return data, true
}

// cause is the part of a file error that does not repeat the file's name.
func cause(err error) string {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err.Error()
	}
	return err.Error()
}

// file parses a file of the directory. Without the file there is no reader;
// without a value the file is empty, or what is wrong with it is reported.
func (l *loader) file(name string) (*reader, *value) {
	before := len(l.problems)
	data, ok := l.read(name)
	if !ok && len(l.problems) == before {
		return nil, nil
	}
	r := &reader{file: name, env: l.env, problems: &l.problems}
	if !ok {
		return r, nil
	}
	return r, r.parse(data)
}

// fallback parses a built-in file.
func (l *loader) fallback(name string) (*reader, *value) {
	r := &reader{file: name + " (built in)", env: l.env, problems: &l.problems}
	return r, r.parse(builtinFile(name))
}

// misnamed reports files that look like configuration and are never read.
func (l *loader) misnamed() {
	for _, name := range []string{rotationFile, escalationFile, musterFile} {
		wrong := strings.TrimSuffix(name, ".yaml") + ".yml"
		if _, err := os.Stat(filepath.Join(l.dir, filepath.FromSlash(wrong))); err == nil {
			l.problems.add(wrong, 0, "this file is never read; rename it to %s", path.Base(name))
		}
	}
	if _, err := os.Stat(filepath.Join(l.dir, "rotation.yaml")); err == nil {
		l.problems.add("rotation.yaml", 0, "this file is never read here; move it to %s", rotationFile)
	}
}

// references checks that each mentioned rota exists.
func (l *loader) references() {
	if l.broken {
		return
	}
	roles := l.cfg.Schedule.Roles()
	for _, ref := range l.refs {
		if slices.Contains(roles, ref.name) {
			continue
		}
		meant := ""
		if near := nearest(ref.name, roles); edits(ref.name, near) <= 2 {
			meant = fmt.Sprintf(" (did you mean %q?)", near)
		}
		l.problems.add(ref.file, ref.line, "%s %q, and no rota has that name%s; add %q with its members under oncall_schedule in %s",
			ref.what, ref.name, meant, ref.name+":", rotationFile)
	}
}

func (l *loader) runbooks() {
	entries, err := os.ReadDir(filepath.Join(l.dir, playbookDir))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		l.problems.add(playbookDir, 0, "the directory cannot be read (%s); make it readable, or remove it for the default", cause(err))
		return
	}
	if err != nil {
		for _, name := range builtinNames() {
			if path.Dir(name) == playbookDir {
				l.runbook(name, builtinFile(name))
			}
		}
		return
	}
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".md") && !strings.HasPrefix(e.Name(), ".") {
			if data, ok := l.read(path.Join(playbookDir, e.Name())); ok {
				l.runbook(path.Join(playbookDir, e.Name()), data)
			}
		}
	}
}

func (l *loader) runbook(file string, data []byte) {
	l.cfg.Runbooks = append(l.cfg.Runbooks, Runbook{
		Name: strings.TrimSuffix(path.Base(file), ".md"), File: file, Text: string(data),
	})
	l.cfg.Books = append(l.cfg.Books, playbooks.Parse(file, data))
}

func severityNames() []string {
	names := make([]string, len(incident.Severities))
	for i, s := range incident.Severities {
		names[i] = s.String()
	}
	return names
}
