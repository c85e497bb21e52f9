package playbooks

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
)

var factLine = regexp.MustCompile(`(?i)^[ \t]*(?:[-*+][ \t]+|[0-9]+[.)][ \t]+|>[ \t]*)?[*_]{0,3}(severity|impact|response time|response|sla|escalation|escalate to|alerts?|alert names?|triggers?|detection|detected by|services?|affected services?|data source)[*_]{0,3}[ \t]*:[*_]{0,3}[ \t]*(\S.*)$`)

// facts reads lines such as "**Impact:** customers cannot pay", and what
// stands below a heading such as Impact.
func (p *parser) facts(text string, n int) {
	found := false
	for i, l := range strings.Split(text, "\n") {
		if m := factLine.FindStringSubmatch(l); m != nil {
			found = true
			p.fact(strings.ToLower(m[1]), strings.TrimSpace(m[2]), n+i)
		}
	}
	if found {
		return
	}
	where := strings.ToLower(strings.TrimSpace(p.heading))
	if where == "" && p.section != nil {
		where = strings.ToLower(strings.TrimSpace(p.section.Title))
	}
	switch where {
	case "severity", "impact", "response time", "escalation":
		p.fact(where, strings.TrimSpace(strings.TrimLeft(text, "-*+ ")), n)
	case "detection", "alerts", "alert", "alert names", "triggers", "how it is detected":
		p.fact("detection", text, n)
	case "services", "affected services":
		p.fact("services", text, n)
	}
}

func (p *parser) fact(name, value string, n int) {
	clean := strings.TrimSpace(strings.Trim(value, "*_ "))
	set := func(field *string) {
		if *field == "" {
			*field = oneLine(clean, 500)
		}
	}
	switch name {
	case "severity":
		if !p.out.Rated {
			if s, ok := findSeverity(clean); ok {
				p.out.Severity, p.out.Rated = s, true
			} else if p.early {
				p.problem(n, "the severity "+oneLine(clean, 60)+" is none of P0, P1, P2 and P3")
			}
		}
	case "impact":
		set(&p.out.Impact)
	case "response time", "response", "sla":
		set(&p.out.ResponseTime)
	case "escalation", "escalate to":
		set(&p.out.Escalation)
	case "service", "services", "affected service", "affected services":
		p.out.Services = names(p.out.Services, value, false)
	default:
		p.out.Alerts = names(p.out.Alerts, value, true)
	}
}

var (
	codeSpan  = regexp.MustCompile("`([^`\n]+)`")
	aName     = regexp.MustCompile(`^[A-Za-z_:][A-Za-z0-9_:.-]*$`)
	listMark  = regexp.MustCompile(`^[ \t]*(?:[-*+]|[0-9]+[.)])[ \t]+(?:\[[ xX]?\][ \t]+)?`)
	notAlerts = wordSet("PagerDuty PostgreSQL GitHub GitLab OpsGenie DataDog NewRelic JavaScript TypeScript MySQL MongoDB RabbitMQ DynamoDB CloudWatch StatusPage PromQL LogQL OpenShift CloudFlare LaunchDarkly")
)

// maxNames is the most alerts or services that a playbook is for.
const maxNames = 1000

// names collects names: those in code spans, else, of alerts, words such as
// HighErrorRate at the beginning of an entry, of services, all between commas.
func names(have []string, text string, alerts bool) []string {
	add := func(name string) {
		if len(have) < maxNames && aName.MatchString(name) && !slices.Contains(have, name) && !notAlerts[name] {
			have = append(have, name)
		}
	}
	for l := range strings.SplitSeq(text, "\n") {
		l = listMark.ReplaceAllString(l, "")
		if spans := codeSpan.FindAllStringSubmatch(l, -1); len(spans) > 0 {
			for _, m := range spans {
				if name := strings.TrimSpace(m[1]); !alerts || camel(name) {
					add(name)
				}
			}
			continue
		}
		if !alerts {
			for item := range strings.SplitSeq(l, ",") {
				add(strings.Trim(item, " .*_"))
			}
			continue
		}
		for item := range strings.SplitSeq(strings.NewReplacer(":", ",", " and ", ",", " or ", ",").Replace(l), ",") {
			word, rest, _ := strings.Cut(strings.Trim(item, " .*_()"), " ")
			if camel(word) && (rest == "" || strings.HasPrefix(rest, "-") || strings.HasPrefix(rest, "(") || strings.HasPrefix(rest, "–") || strings.HasPrefix(rest, "fires") || strings.HasPrefix(rest, "alert")) {
				add(word)
			}
		}
	}
	return have
}

// camel tells whether a word is written like an alert's name: HighErrorRate.
func camel(w string) bool {
	humps, small := 0, false
	for _, r := range w {
		switch {
		case unicode.IsUpper(r):
			humps++
		case unicode.IsLower(r):
			small = true
		case !unicode.IsDigit(r) && r != '_' && r != ':':
			return false
		}
	}
	return humps >= 2 && small && len(w) >= 5
}
