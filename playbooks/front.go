package playbooks

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"muster/incident"
)

// maxFront is the longest front matter, in bytes.
const maxFront = 64 << 10

var frontKeys = []string{"title", "severity", "impact", "response_time", "escalation", "alerts", "services", "words", "params", "data_source", "watch"}

// front takes the front matter from the lines.
func (p *parser) front(lines []line) []line {
	if len(lines) == 0 || strings.TrimRight(lines[0].text, " \t\r") != "---" {
		return lines
	}
	end := slices.IndexFunc(lines[1:], func(l line) bool {
		t := strings.TrimRight(l.text, " \t\r")
		return t == "---" || t == "..."
	}) + 1
	if end == 0 {
		p.problem(1, "the front matter is not closed by a line ---; it is read as text")
		return lines[1:]
	}
	var text strings.Builder
	for _, l := range lines[1:end] {
		text.WriteString(hiddenBreaks.Replace(l.text) + "\n")
	}
	if text.Len() > maxFront {
		p.problem(1, "the front matter is longer than 64 KiB and is left out")
		return lines[end+1:]
	}
	var root yaml.Node
	if err := decodeYAML(text.String(), &root); err != nil {
		at, text := 1, strings.TrimPrefix(err.Error(), "yaml: ")
		if m := yamlLine.FindStringSubmatch(text); m != nil {
			n, _ := strconv.Atoi(m[1])
			at, text = n+1, m[2]
		}
		p.problem(at, "the front matter is no YAML ("+text+"), so it is left out")
		return lines[end+1:]
	}
	if len(root.Content) == 1 && root.Content[0].Kind == yaml.MappingNode {
		p.frontKeys(root.Content[0])
	} else if len(root.Content) > 0 {
		p.problem(2, "the front matter must have keys such as title: and alerts:")
	}
	return lines[end+1:]
}

var yamlLine = regexp.MustCompile(`^line (\d+): (.*)$`)

// hiddenBreaks takes away the characters at which YAML begins a new line and a
// reader of the file sees none.
var hiddenBreaks = strings.NewReplacer("\u0085", " ", "\u2028", " ", "\u2029", " ")

// decodeYAML gives an error also where the library gives up by panicking.
func decodeYAML(text string, into *yaml.Node) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("it cannot be read: %v", r)
		}
	}()
	return yaml.Unmarshal([]byte(text), into)
}

func (p *parser) frontKeys(m *yaml.Node) {
	for i := 0; i+1 < len(m.Content); i += 2 {
		key, v := m.Content[i], m.Content[i+1]
		switch key.Value {
		case "title":
			p.out.Title = p.scalar(v, "title")
		case "severity":
			p.severity(p.scalar(v, "severity"), v.Line+1)
		case "impact":
			p.out.Impact = p.scalar(v, "impact")
		case "response_time":
			p.out.ResponseTime = p.scalar(v, "response_time")
		case "escalation":
			p.out.Escalation = p.scalar(v, "escalation")
		case "alerts":
			p.out.Alerts = p.list(v, "alerts")
		case "services":
			p.out.Services = p.list(v, "services")
		case "words":
			p.out.Words = p.list(v, "words")
		case "data_source":
			p.out.DataSource = p.scalar(v, "data_source")
		case "params":
			p.frontParams(v)
		case "watch":
			p.frontWatch(v)
		default:
			p.problem(key.Line+1, fmt.Sprintf("the front matter has no key %q; the keys are %s", oneLine(key.Value, 40), strings.Join(frontKeys, ", ")))
		}
	}
}

func (p *parser) scalar(v *yaml.Node, what string) string {
	if v.Kind == yaml.ScalarNode && v.Tag != "!!null" {
		return strings.TrimSpace(v.Value)
	}
	if v.Tag != "!!null" {
		p.problem(v.Line+1, what+" must be one text")
	}
	return ""
}

func (p *parser) list(v *yaml.Node, what string) []string {
	switch {
	case v.Kind == yaml.ScalarNode && v.Tag != "!!null":
		return []string{strings.TrimSpace(v.Value)}
	case v.Kind == yaml.SequenceNode:
		var all []string
		for _, item := range v.Content {
			if t := p.scalar(item, "each of "+what); t != "" {
				all = append(all, t)
			}
		}
		return all
	case v.Tag != "!!null":
		p.problem(v.Line+1, what+" must be a list of texts")
	}
	return nil
}

func (p *parser) frontParams(v *yaml.Node) {
	if v.Kind != yaml.MappingNode {
		p.problem(v.Line+1, "params must be names with their kind, default, label or choices")
		return
	}
	for i := 0; i+1 < len(v.Content); i += 2 {
		key, body := v.Content[i], v.Content[i+1]
		q := Param{Name: paramName(strings.Trim(key.Value, "<>${} ")), Line: key.Line + 1}
		switch body.Kind {
		case yaml.ScalarNode: // pod-name: default
			if body.Tag != "!!null" {
				q.Default = body.Value
			}
		case yaml.MappingNode:
			p.frontParam(&q, body)
		default:
			p.problem(body.Line+1, "a parameter has a default, or kind, default, label and choices")
		}
		if q.Kind == "" {
			q.Kind = guessKind(q.Name)
		}
		for _, v := range append([]string{q.Default}, q.Choices...) {
			if v == "" {
				continue
			}
			if err := (Param{Name: q.Name, Kind: q.Kind, Label: q.Label}).Check(v); err != nil {
				p.problem(q.Line, "the default or a choice cannot be used: "+err.Error())
			}
		}
		p.declared = append(p.declared, q)
	}
}

func (p *parser) frontParam(q *Param, body *yaml.Node) {
	for i := 0; i+1 < len(body.Content); i += 2 {
		key, v := body.Content[i], body.Content[i+1]
		switch key.Value {
		case "kind":
			if kind := ParamKind(p.scalar(v, "kind")); slices.Contains(paramKinds, kind) {
				q.Kind = kind
			} else {
				p.problem(v.Line+1, fmt.Sprintf("there is no kind %q; the kinds are %s", oneLine(string(kind), 40), kindNames()))
			}
		case "default":
			q.Default = p.scalar(v, "default")
		case "label":
			q.Label = p.scalar(v, "label")
		case "choices":
			q.Choices = p.list(v, "choices")
		default:
			p.problem(key.Line+1, fmt.Sprintf("a parameter has no key %q; the keys are kind, default, label, choices", oneLine(key.Value, 40)))
		}
	}
}

func kindNames() string {
	names := make([]string, len(paramKinds))
	for i, k := range paramKinds {
		names[i] = string(k)
	}
	return strings.Join(names, ", ")
}

func (p *parser) frontWatch(v *yaml.Node) {
	if v.Kind != yaml.SequenceNode {
		p.problem(v.Line+1, "watch must be a list of {name, query, unit, above}")
		return
	}
	for _, item := range v.Content {
		var w Watch
		if item.Kind != yaml.MappingNode {
			p.problem(item.Line+1, "each of watch has name, query, unit and above")
			continue
		}
		for i := 0; i+1 < len(item.Content); i += 2 {
			key, f := item.Content[i], item.Content[i+1]
			switch key.Value {
			case "name":
				w.Name = p.scalar(f, "name")
			case "query":
				w.Query = p.scalar(f, "query")
			case "unit":
				w.Unit = p.scalar(f, "unit")
			case "above":
				var limit float64
				if err := f.Decode(&limit); err != nil || math.IsNaN(limit) || math.IsInf(limit, 0) {
					p.problem(f.Line+1, "above must be a number")
				} else {
					w.Above = &limit
				}
			default:
				p.problem(key.Line+1, fmt.Sprintf("a watch has no key %q; the keys are name, query, unit, above", oneLine(key.Value, 40)))
			}
		}
		if w.Query == "" {
			p.problem(item.Line+1, "a watch needs its query, in PromQL")
			continue
		}
		if _, broken := lexQuery(w.Query); broken != "" {
			p.problem(item.Line+1, "the query cannot be read: "+broken)
		}
		p.out.Watch = append(p.out.Watch, w)
	}
}

// severity reads "P0", "P0 - Critical", "critical", "SEV1".
func (p *parser) severity(text string, n int) {
	if s, ok := findSeverity(text); ok {
		p.out.Severity, p.out.Rated = s, true
	} else if text != "" {
		p.problem(n, fmt.Sprintf("%q names no severity; use P0, P1, P2 or P3", oneLine(text, 60)))
	}
}

func findSeverity(text string) (incident.Severity, bool) {
	words := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= '0' && r <= '9')
	})
	for _, w := range words {
		if s, err := incident.ParseSeverity(w); err == nil {
			return s, true
		}
	}
	for _, w := range words {
		for _, s := range incident.Severities {
			if w == s.Word() {
				return s, true
			}
		}
	}
	return 0, false
}
