package playbooks

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"muster/incident"
)

// Param is one value that a person gives before a step runs.
type Param struct {
	// Name is in lower case with hyphens: <Pod Name>, ${POD_NAME} and
	// {{pod_name}} are all "pod-name".
	Name string    `json:"name"`
	Kind ParamKind `json:"kind"`
	// Label is what the form says; empty: the name.
	Label   string `json:"label,omitempty"`
	Default string `json:"default,omitempty"`
	// Choices are the only values; empty: whatever the kind allows.
	Choices []string `json:"choices,omitempty"`
	// Narrow says that the value becomes part of something that is read again
	// (a patch, a selector, a query), so that it may hold only letters, digits
	// and . _ - / : @ +
	Narrow bool `json:"narrow,omitempty"`
	// Line is where it comes first in the file.
	Line int `json:"line,omitempty"`
}

// ParamKind says what a value names, so that a form can offer what there is.
type ParamKind string

// The kinds. Of the first group the cluster knows which there are.
const (
	PodParam         ParamKind = "pod"
	DeploymentParam  ParamKind = "deployment"
	StatefulSetParam ParamKind = "statefulset"
	NamespaceParam   ParamKind = "namespace"
	NodeParam        ParamKind = "node"
	ServiceParam     ParamKind = "service"
	IngressParam     ParamKind = "ingress"

	ContainerParam  ParamKind = "container"
	NameParam       ParamKind = "name"       // of any other object of the cluster
	NumberParam     ParamKind = "number"     // a whole number
	DurationParam   ParamKind = "duration"   // 5m, 2h
	QuantityParam   ParamKind = "quantity"   // 500m, 2Gi
	AddressParam    ParamKind = "address"    // an IP address or network
	IdentifierParam ParamKind = "identifier" // a table, column, index or role
	ImageParam      ParamKind = "image"      // a container image
	TextParam       ParamKind = "text"
)

var paramKinds = []ParamKind{
	PodParam, DeploymentParam, StatefulSetParam, NamespaceParam, NodeParam, ServiceParam, IngressParam,
	ContainerParam, NameParam, NumberParam, DurationParam, QuantityParam, AddressParam, IdentifierParam, ImageParam, TextParam,
}

// paramName gives the name that all spellings of a parameter share.
func paramName(spelling string) string {
	return strings.Join(strings.FieldsFunc(strings.ToLower(spelling), func(r rune) bool {
		return r == '_' || r == '-' || r == '.' || unicode.IsSpace(r)
	}), "-")
}

// guesses finds a kind by a word of the name; the last word counts first.
var guesses = map[string]ParamKind{
	"pod": PodParam, "pods": PodParam,
	"deployment": DeploymentParam, "deploy": DeploymentParam, "app": NameParam,
	"statefulset": StatefulSetParam, "sts": StatefulSetParam,
	"namespace": NamespaceParam, "ns": NamespaceParam,
	"node":    NodeParam,
	"service": ServiceParam, "svc": ServiceParam,
	"ingress":   IngressParam,
	"container": ContainerParam,
	"secret":    NameParam, "configmap": NameParam, "job": NameParam, "cronjob": NameParam, "serviceaccount": NameParam,
	"pid": NumberParam, "number": NumberParam, "count": NumberParam, "replicas": NumberParam, "revision": NumberParam,
	"port": NumberParam, "lines": NumberParam, "limit": NumberParam, "size": NumberParam, "percent": NumberParam, "minutes": NumberParam,
	"duration": DurationParam, "since": DurationParam, "timeout": DurationParam, "window": DurationParam,
	"memory": QuantityParam, "cpu": QuantityParam, "quantity": QuantityParam, "mem": QuantityParam,
	"ip": AddressParam, "address": AddressParam, "cidr": AddressParam,
	"table": IdentifierParam, "column": IdentifierParam, "columns": IdentifierParam, "index": IdentifierParam,
	"role": IdentifierParam, "schema": IdentifierParam, "database": IdentifierParam,
	"image": ImageParam,
}

// guessKind guesses what a parameter names; NAME and ID at the end say
// nothing by themselves.
func guessKind(name string) ParamKind {
	words := strings.Split(name, "-")
	slices.Reverse(words)
	for _, w := range words {
		if k, ok := guesses[w]; ok {
			return k
		}
	}
	return TextParam
}

// Title is what a form says.
func (p Param) Title() string {
	if p.Label != "" {
		return p.Label
	}
	return strings.ReplaceAll(p.Name, "-", " ")
}

const (
	dnsLabel  = `[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?`
	longest   = 1000 // characters of a value
	longestIn = 253  // characters of a name in the cluster
)

var (
	labelValue     = regexp.MustCompile(`^` + dnsLabel + `$`)
	objectName     = regexp.MustCompile(`^` + dnsLabel + `(\.` + dnsLabel + `)*$`)
	wholeNumber    = regexp.MustCompile(`^[0-9]{1,18}$`)
	timeSpan       = regexp.MustCompile(`^([0-9]{1,9}(ms|s|m|h|d|w|y))+$`)
	quantity       = regexp.MustCompile(`^[0-9]{1,15}(\.[0-9]{1,9})?(m|k|Ki|M|Mi|G|Gi|T|Ti|P|Pi|E|Ei)?$`)
	identifier     = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,62}(\.[A-Za-z_][A-Za-z0-9_]{0,62})?$`)
	containerImage = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._/:-]{0,254}(@sha256:[0-9a-f]{64})?$`)
	narrowValue    = regexp.MustCompile(`^[A-Za-z0-9_/+@.:][A-Za-z0-9._/:@+-]*$`)
)

type format struct {
	matches func(string) bool
	example string
}

var formats = map[ParamKind]format{
	PodParam:         {longName, "a pod's name such as api-7d9c5b-x2x4z"},
	DeploymentParam:  {longName, "a deployment's name such as api"},
	StatefulSetParam: {longName, "a stateful set's name such as postgres"},
	NamespaceParam:   {labelValue.MatchString, "a namespace's name such as production"},
	NodeParam:        {longName, "a node's name such as worker-1"},
	ServiceParam:     {longName, "a service's name such as api"},
	IngressParam:     {longName, "an ingress's name such as api"},
	ContainerParam:   {labelValue.MatchString, "a container's name such as app"},
	NameParam:        {longName, "a name of small letters, digits, hyphens and dots"},
	NumberParam:      {wholeNumber.MatchString, "a whole number such as 3"},
	DurationParam:    {timeSpan.MatchString, "a time such as 15m or 2h"},
	QuantityParam:    {quantity.MatchString, "a quantity such as 500m or 2Gi"},
	AddressParam:     {isAddress, "an IP address or network such as 203.0.113.7 or 203.0.113.0/24"},
	IdentifierParam:  {identifier.MatchString, "a name such as orders or public.orders"},
	ImageParam:       {containerImage.MatchString, "an image such as registry.example.com/api:1.2.3"},
	TextParam:        {func(string) bool { return true }, ""},
}

func longName(v string) bool { return len(v) <= longestIn && objectName.MatchString(v) }

func isAddress(v string) bool {
	if a, err := netip.ParseAddr(v); err == nil {
		return a.Zone() == ""
	}
	_, err := netip.ParsePrefix(v)
	return err == nil
}

// Check says whether a value may be given. It refuses, as an
// incident.Refusal, what the kind does not allow and, for every kind, an
// empty value, one that begins with a hyphen and would be read as an option,
// control characters, and characters that cannot be seen.
func (p Param) Check(value string) error {
	refuse := func(format string, args ...any) error {
		return incident.Refusal{Code: "parameter", Text: fmt.Sprintf("%s: ", p.Title()) + fmt.Sprintf(format, args...)}
	}
	switch {
	case value == "":
		return refuse("a value is needed.")
	case !utf8.ValidString(value):
		return refuse("the value is not valid text.")
	case utf8.RuneCountInString(value) > longest:
		return refuse("the value is longer than %d characters.", longest)
	case strings.HasPrefix(value, "-"):
		return refuse("a value may not begin with a hyphen, it would be read as an option.")
	}
	for _, r := range value {
		if unseen(r) {
			return refuse("the value has a character that cannot be seen (U+%04X).", r)
		}
	}
	if len(p.Choices) > 0 && !slices.Contains(p.Choices, value) {
		return refuse("%q is none of %s.", value, strings.Join(p.Choices, ", "))
	}
	if f, ok := formats[p.Kind]; ok && !f.matches(value) {
		return refuse("%q is not %s.", value, f.example)
	}
	if p.Narrow && !narrowValue.MatchString(value) {
		return refuse("%q becomes part of something that is read again, so it may hold only letters, digits and . _ - / : @ +", value)
	}
	return nil
}

// unseen tells whether a character is a control character, a line break, or
// one that changes how a text looks without being seen itself.
func unseen(r rune) bool {
	return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Co, r) ||
		r == '\u2028' || r == '\u2029' || r == utf8.RuneError || unicode.Is(unicode.Variation_Selector, r) && r != '\ufe0f'
}
