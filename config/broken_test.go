package config

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

var update = flag.Bool("update", false, "write the expected messages anew")

// TestBrokenFiles loads each archive of testdata/broken and compares what is
// said with its last file, "said".
func TestBrokenFiles(t *testing.T) {
	archives, err := filepath.Glob("testdata/broken/*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatal("no archives", err)
	}
	for _, name := range archives {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			want := ""
			var files []string
			for i, f := range a.Files {
				if f.Name == "said" {
					want = string(f.Data)
					a.Files = a.Files[:i]
					break
				}
				files = append(files, f.Name, string(f.Data))
			}
			cfg, err := Load(write(t, files...), env("SECRET_NUMBER", "hunter2"))
			if err == nil {
				t.Fatal("it loads")
			}
			if cfg != nil {
				t.Error("there is a configuration beside the problems")
			}
			got := err.Error() + "\n"
			if strings.Contains(got, "hunter2") {
				t.Errorf("the value of a variable is in a message: %s", got)
			}
			if *update {
				a.Files = append(a.Files, txtar.File{Name: "said", Data: []byte(got)})
				if err := os.WriteFile(name, txtar.Format(a), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if got != want {
				t.Errorf("said:\n%swant:\n%s", got, want)
			}
		})
	}
}
