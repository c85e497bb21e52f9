package app

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// usualConfig is the configuration directory when none is named; that one may
// be missing.
const usualConfig = "config"

// given refuses a configuration directory that was named and is not there: its
// people would not be the ones that are woken.
func given(dir string) error {
	usual, err := filepath.Abs(usualConfig)
	if err != nil {
		return fmt.Errorf("find the working directory: %w", err)
	}
	if at, err := filepath.Abs(dir); dir == "" || err == nil && at == usual {
		return nil
	}
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("the configuration directory %s does not exist: correct --config, or write the built-in files there with muster config init --config %s", dir, dir)
	case err == nil && !info.IsDir():
		return fmt.Errorf("%s is a file: name the configuration's directory with --config", dir)
	}
	return nil // what else is wrong is said when its files are read
}
