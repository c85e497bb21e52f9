package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"muster/config"
)

func TestSenderMayHaveAName(t *testing.T) {
	for from, ok := range map[string]bool{"muster@example.com": true, "Muster <muster@example.com>": true, "Muster": false, "Muster <x": false} {
		env, err := config.LoadEnv(func(name string) (string, bool) {
			return map[string]string{"SMTP_FROM": from}[name], name == "SMTP_FROM"
		})
		if (err == nil) != ok || ok && env.SMTPFrom != from {
			t.Errorf("SMTP_FROM=%q: %q, %v", from, env.SMTPFrom, err)
		}
	}
}

func TestInitLeavesSourceAlone(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "main.go"), []byte("package main\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if wrote, _, err := config.Init(dir); err == nil || len(wrote) > 0 || !strings.Contains(err.Error(), "--config") {
		t.Errorf("wrote %v among source files: %v", wrote, err)
	}
}
