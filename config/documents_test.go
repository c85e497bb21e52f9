package config

import (
	"strings"
	"testing"
)

// A team's own template of the post-mortem is taken, and a wrong one is refused
// with its file and line.
func TestOwnPostmortemTemplates(t *testing.T) {
	own := mustLoad(t, write(t, markdownTemplate, "# {{.ID}}\n{{range shown}}{{roles .Said}}{{end}}\n"))
	if !strings.HasPrefix(own.Templates.PostmortemMarkdown, "# {{.ID}}") || own.Templates.PostmortemHTML != "" {
		t.Errorf("%+v", own.Templates)
	}
	for name, text := range map[string]string{
		"line 2": "fine\n{{.Nonsense}}\n", "line 3": "fine\n\n{{range}\n", "line 1": "{{range $i := 99999999999}}" + strings.Repeat("x", 10_000) + "{{end}}", "line 4": "\n\n\n{{unknown .ID}}",
	} {
		for _, file := range []string{markdownTemplate, pageTemplate} {
			_, err := Load(write(t, file, text), env())
			if err == nil || !strings.Contains(err.Error(), file) || !strings.Contains(err.Error(), strings.TrimPrefix(name, "line ")) {
				t.Errorf("%s with %q: %v", file, text, err)
			}
		}
	}
}

// What config init writes out is what is used without it.
func TestBuiltInPostmortemTemplatesAreGood(t *testing.T) {
	dir := t.TempDir()
	if _, _, err := Init(dir); err != nil {
		t.Fatal(err)
	}
	cfg := mustLoad(t, dir)
	if cfg.BuiltIn(markdownTemplate) || cfg.BuiltIn(pageTemplate) || cfg.Templates.PostmortemHTML == "" {
		t.Errorf("the files %v were read", cfg.Files)
	}
}
