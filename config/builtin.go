package config

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
)

//go:embed builtin
var builtin embed.FS

const (
	rotationFile   = "oncall/rotation.yaml"
	escalationFile = "escalation.yaml"
	musterFile     = "muster.yaml"
	templateDir    = "templates"
	playbookDir    = "playbooks"
)

// builtinNames lists the built-in files, relative to a configuration's
// directory, sorted.
func builtinNames() []string {
	var names []string
	_ = fs.WalkDir(builtin, "builtin", func(p string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			names = append(names, p[len("builtin/"):])
		}
		return err
	})
	names = slices.AppendSeq(names, maps.Keys(builtinDocuments))
	slices.Sort(names)
	return names
}

func builtinFile(name string) []byte {
	if text, ok := builtinDocuments[name]; ok {
		return []byte(text)
	}
	data, err := builtin.ReadFile(path.Join("builtin", name))
	if err != nil {
		panic("config: no built-in file " + name)
	}
	return data
}

// Init writes the built-in files into dir, which it makes where needed. A file
// that is there stays as it is. It says which files it wrote and which it
// left, relative to dir.
func Init(dir string) (wrote, left []string, err error) {
	if code, err := filepath.Glob(filepath.Join(dir, "*.go")); err == nil && len(code) > 0 {
		return nil, nil, fmt.Errorf("%s holds a program's source (%s): name another directory with --config", dir, filepath.Base(code[0]))
	}
	for _, name := range builtinNames() {
		target := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			return wrote, left, fmt.Errorf("make the configuration's directory: %w", err)
		}
		done, err := writeNew(target, builtinFile(name))
		switch {
		case err != nil:
			return wrote, left, fmt.Errorf("write the default configuration: %w", err)
		case done:
			wrote = append(wrote, name)
		default:
			left = append(left, name)
		}
	}
	return wrote, left, nil
}

// writeNew writes a file that is not there yet. A write that fails leaves no
// half file behind.
func writeNew(target string, data []byte) (bool, error) {
	f, err := os.OpenFile(target, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Close()); err != nil {
		return false, errors.Join(err, os.Remove(target))
	}
	return true, nil
}
