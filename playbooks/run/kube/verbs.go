package kube

import "strings"

// rule is what a verb may be given.
type rule struct {
	flags string // names, apart from those that every verb has
	// skip, when not empty, is why a preview leaves the command out.
	skip string
}

// everywhere are flags that every verb may have when it knows them. What they may say is in value.
const everywhere = "namespace selector all-namespaces output no-headers help show-managed-fields allow-missing-template-keys template field-selector chunk-size warnings-as-errors request-timeout match-server-version disable-compression"

const (
	writes = "dry-run field-manager filename "
	waits  = "it waits for what a preview does not change"
)

// rules are the verbs that exist here, by their words after kubectl. A flag that is not named does not exist: not those
// that choose another cluster or person (they are not even built in), not those that read files, follow without end, or
// touch everything at once.
var rules = map[string]rule{
	"get":           {flags: "filename ignore-not-found label-columns show-kind show-labels sort-by subresource server-print"},
	"describe":      {flags: "filename show-events"},
	"logs":          {flags: "all-containers all-pods container ignore-errors limit-bytes max-log-requests pod-running-timeout prefix previous since since-time tail timestamps"},
	"events":        {flags: "for types"},
	"explain":       {flags: "api-version max-depth recursive"},
	"top pod":       {flags: "containers sort-by sum show-swap"},
	"top node":      {flags: "sort-by show-capacity show-swap"},
	"version":       {flags: "client"},
	"cluster-info":  {},
	"api-resources": {flags: "api-group categories namespaced sort-by verbs"},
	"api-versions":  {},
	"auth can-i":    {flags: "list quiet subresource"},
	"auth whoami":   {},
	"wait":          {flags: "all filename for timeout", skip: waits},

	"rollout history": {flags: "filename revision"},
	"rollout status":  {flags: "filename revision timeout watch", skip: waits},
	"rollout undo":    {flags: "filename dry-run to-revision"},
	"rollout restart": {flags: "filename field-manager"},
	"rollout pause":   {flags: "filename field-manager"},
	"rollout resume":  {flags: "filename field-manager"},

	"scale":     {flags: "all current-replicas dry-run filename replicas resource-version timeout"},
	"autoscale": {flags: writes + "cpu cpu-percent max memory min name"},
	"patch":     {flags: writes + "patch subresource type"},
	"label":     {flags: writes + "all list local overwrite resource-version"},
	"annotate":  {flags: writes + "all list local overwrite resource-version"},
	"taint":     {flags: "dry-run field-manager overwrite all"},
	"cordon":    {flags: "dry-run"},
	"uncordon":  {flags: "dry-run"},
	"drain":     {flags: "delete-emptydir-data dry-run force grace-period ignore-daemonsets pod-selector skip-wait-for-delete-timeout timeout"},
	"apply":     {flags: writes + "force-conflicts grace-period overwrite server-side timeout validate wait"},
	"delete":    {flags: "all cascade dry-run filename force grace-period ignore-not-found now timeout wait"},
	"expose":    {flags: writes + "cluster-ip labels name port protocol session-affinity target-port type"},

	"set env":            {flags: writes + "all containers env from keys list local overwrite prefix resolve"},
	"set image":          {flags: writes + "all local"},
	"set resources":      {flags: writes + "all containers limits local requests"},
	"set selector":       {flags: writes + "all local resource-version"},
	"set serviceaccount": {flags: writes + "all local"},
	"set subject":        {flags: writes + "all group local serviceaccount user"},

	"create":                        {flags: writes + "validate"},
	"create clusterrole":            {flags: writes + "aggregation-rule non-resource-url resource resource-name validate verb"},
	"create clusterrolebinding":     {flags: writes + "clusterrole group serviceaccount user validate"},
	"create configmap":              {flags: writes + "append-hash from-literal validate"},
	"create cronjob":                {flags: writes + "image restart schedule validate"},
	"create deployment":             {flags: writes + "image port replicas validate"},
	"create ingress":                {flags: writes + "annotation class default-backend rule validate"},
	"create job":                    {flags: writes + "from image validate"},
	"create namespace":              {flags: writes + "validate"},
	"create poddisruptionbudget":    {flags: writes + "max-unavailable min-available validate"},
	"create priorityclass":          {flags: writes + "description global-default preemption-policy validate value"},
	"create quota":                  {flags: writes + "hard scopes validate"},
	"create role":                   {flags: writes + "resource resource-name validate verb"},
	"create rolebinding":            {flags: writes + "clusterrole group role serviceaccount user validate"},
	"create secret generic":         {flags: writes + "append-hash from-literal type validate"},
	"create secret docker-registry": {flags: writes + "append-hash docker-email docker-password docker-server docker-username validate"},
	"create service clusterip":      {flags: writes + "clusterip tcp validate"},
	"create service externalname":   {flags: writes + "external-name tcp validate"},
	"create service loadbalancer":   {flags: writes + "tcp validate"},
	"create service nodeport":       {flags: writes + "node-port tcp validate"},
	"create serviceaccount":         {flags: writes + "validate"},

	"exec": {flags: "container quiet stdin tty pod-running-timeout", skip: "it runs inside the pod"},
}

// others are verbs that kubectl has and steps do not, with what to do instead.
var others = map[string]string{
	"edit":         "An editor cannot be used here: write the change as kubectl patch.",
	"proxy":        "A step opens no ports.",
	"port-forward": "A step opens no ports.",
	"attach":       "A step cannot sit inside a pod.",
	"debug":        "A step cannot start a debugging container.",
	"run":          "A step cannot start a pod of its own: apply a manifest.",
	"config":       "A step cannot choose another cluster or person.",
	"plugin":       "There are no plug-ins here.",
	"kustomize":    "There are no files here: apply a manifest from a here-document.",
	"diff":         "The preview of a step shows the difference.",
	"replace":      "Use kubectl apply or kubectl patch.",
	"certificate":  "A step cannot sign certificates.",
	"completion":   "There is no shell to complete for.",
	"alpha":        "What kubectl calls alpha is not here.",
	"options":      "There are no options for all of kubectl here.",
}

// secretFlags are flags whose values are secret.
var secretFlags = map[string]bool{"from-literal": true, "docker-password": true}

// value says what is wrong with a flag's value; empty: nothing.
func value(verb, flag, v string) string {
	switch flag {
	case "filename":
		if v != "-" {
			return "kubectl reads manifests from its standard input only here (-f - with a here-document), not " + v + "."
		}
	case "output":
		if !formatAllowed(v) {
			return "kubectl's output form " + v + " is not here: json, yaml, wide, name, jsonpath=…, go-template=… or custom-columns=…"
		}
	case "watch":
		if v == "true" && verb != "rollout status" {
			return "kubectl cannot watch without end here: use watch -n 5 kubectl …"
		}
	}
	return ""
}

func formatAllowed(v string) bool {
	for _, plain := range []string{"", "json", "yaml", "wide", "name", "revision", "plaintext", "plaintext-openapiv2", "kyaml"} {
		if v == plain {
			return true
		}
	}
	for _, form := range []string{"jsonpath=", "jsonpath-as-json=", "go-template=", "template=", "custom-columns="} {
		if strings.HasPrefix(v, form) {
			return true
		}
	}
	return false
}
