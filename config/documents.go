package config

import (
	"errors"
	"path"

	"muster/report"
)

// The post-mortem's templates, beside the messages' in the templates directory.
const (
	markdownTemplate = templateDir + "/postmortem.md.tmpl"
	pageTemplate     = templateDir + "/postmortem.html.tmpl"
)

// builtinDocuments are built-in files that another package brings.
var builtinDocuments = map[string]string{markdownTemplate: report.BuiltinMarkdown, pageTemplate: report.BuiltinHTML}

// documents reads the post-mortem's templates, and tries them.
func (l *loader) documents(t *Templates) {
	for name, kind := range map[string]struct {
		text *string
		try  func(report.Postmortem, string) ([]byte, error)
	}{
		markdownTemplate: {&t.PostmortemMarkdown, report.Markdown},
		pageTemplate:     {&t.PostmortemHTML, report.HTML},
	} {
		data, ok := l.read(name)
		if !ok {
			continue // empty: the built-in
		}
		*kind.text = string(data)
		if err := bounded(path.Base(name), string(data), maxRanges); err != nil {
			l.templateProblem(path.Clean(name), err)
			continue
		}
		for _, sample := range report.Samples() {
			if _, err := kind.try(sample, *kind.text); err != nil {
				if inner := errors.Unwrap(err); inner != nil {
					err = inner
				}
				l.templateProblem(path.Clean(name), err)
				break
			}
		}
	}
}
