package config

import (
	"os"
	"testing"
)

func noEnv(string) (string, bool) { return "", false }

func TestBuiltIn(t *testing.T) {
	cfg, err := Load(t.TempDir(), noEnv)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v", cfg)
	_ = os.Getenv
}
