package playbooks

import "strings"

// flagKind says how a flag of kubectl takes its value.
type flagKind byte

const (
	noValue  flagKind = 'b' // --watch, or --watch=false
	valued   flagKind = 'v' // --output wide, or --output=wide
	optional flagKind = 'o' // --dry-run, or --dry-run=client
)

// flags are the flags of one verb by their long names without --, and letters
// by the long names that they stand for.
type flags struct {
	kinds   map[string]flagKind
	letters map[byte]string
}

// flagList reads "watch/w:b output/o:v dry-run:o".
func flagList(texts ...string) flags {
	f := flags{map[string]flagKind{}, map[byte]string{}}
	for _, text := range texts {
		for item := range strings.FieldsSeq(text) {
			name, kind, _ := strings.Cut(item, ":")
			name, letter, _ := strings.Cut(name, "/")
			f.kinds[name] = flagKind(kind[0])
			if letter != "" {
				f.letters[letter[0]] = name
			}
		}
	}
	return f
}

const (
	everyVerb = "namespace/n:v request-timeout:v warnings-as-errors:b match-server-version:b disable-compression:b help/h:b"
	selecting = "selector/l:v field-selector:v"
	printing  = "output/o:v show-managed-fields:b allow-missing-template-keys:b"
	dryRun    = "dry-run:o field-manager:v"
	fromInput = "filename/f:v recursive/R:b"
)

// verbs are kubectl's verbs that can run, two words where the second one
// decides.
var verbs = map[string]verb{
	"get": {class: Reading, does: "it reads objects", flags: flagList(everyVerb, selecting, printing,
		"all-namespaces/A:b chunk-size:v ignore-not-found:b label-columns/L:v no-headers:b server-print:b show-kind:b show-labels:b sort-by:v watch/w:b watch-only:b output-watch-events:b subresource:v raw:v template:v", fromInput)},
	"describe":        {class: Reading, does: "it reads objects", flags: flagList(everyVerb, "selector/l:v all-namespaces/A:b chunk-size:v show-events:b", fromInput)},
	"logs":            {class: Reading, does: "it reads logs", flags: flagList(everyVerb, "selector/l:v all-containers:b all-pods:b ignore-errors:b prefix:b timestamps:b follow/f:b previous/p:b since:v limit-bytes:v max-log-requests:v tail:v since-time:v container/c:v pod-running-timeout:v insecure-skip-tls-verify-backend:b")},
	"events":          {class: Reading, does: "it reads events", flags: flagList(everyVerb, printing, "no-headers:b all-namespaces/A:b watch/w:b types:v for:v chunk-size:v")},
	"top pod":         {class: Reading, does: "it reads what pods use", flags: flagList(everyVerb, selecting, "containers:b no-headers:b sum:b sort-by:v all-namespaces/A:b show-swap:b use-protocol-buffers:b")},
	"top node":        {class: Reading, does: "it reads what nodes use", flags: flagList(everyVerb, "selector/l:v no-headers:b sort-by:v show-capacity:b show-swap:b use-protocol-buffers:b")},
	"explain":         {class: Reading, does: "it reads what fields mean", flags: flagList(everyVerb, "recursive/R:b api-version:v output/o:v max-depth:v")},
	"rollout status":  {class: Reading, does: "it follows a rollout", flags: flagList(everyVerb, "selector/l:v watch/w:b timeout:v revision:v", fromInput)},
	"rollout history": {class: Reading, does: "it reads earlier revisions", flags: flagList(everyVerb, "selector/l:v revision:v", printing, fromInput)},
	"auth can-i":      {class: Reading, does: "it asks what is allowed", flags: flagList(everyVerb, "list:b no-headers:b all-namespaces/A:b quiet/q:b subresource:v")},
	"wait":            {class: Reading, does: "it waits for a condition", flags: flagList(everyVerb, selecting, printing, "timeout:v for:v all:b all-namespaces/A:b local:b", fromInput)},
	"auth whoami":     {class: Reading, does: "it asks who Muster is to the cluster", flags: flagList(everyVerb, "output/o:v")},
	"cluster-info":    {class: Reading, does: "it reads where the cluster is", flags: flagList(everyVerb)},
	"api-versions":    {class: Reading, does: "it reads which kinds there are", flags: flagList(everyVerb)},
	"api-resources":   {class: Reading, does: "it reads which kinds there are", flags: flagList(everyVerb, "output/o:v api-group:v categories:v namespaced:b no-headers:b sort-by:v verbs:v")},
	"version":         {class: Reading, does: "it reads versions", flags: flagList(everyVerb, "output/o:v client:b")},

	"rollout undo":       {class: Changing, does: "it brings back an earlier revision", trial: true, flags: flagList(everyVerb, printing, dryRun, "selector/l:v to-revision:v", fromInput)},
	"rollout restart":    {class: Changing, does: "it restarts all pods of a workload", flags: flagList(everyVerb, printing, "selector/l:v field-manager:v", fromInput)},
	"rollout pause":      {class: Changing, does: "it stops a rollout", flags: flagList(everyVerb, printing, "selector/l:v field-manager:v", fromInput)},
	"rollout resume":     {class: Changing, does: "it goes on with a rollout", flags: flagList(everyVerb, printing, "selector/l:v field-manager:v", fromInput)},
	"scale":              {class: Changing, does: "it changes how many pods run", trial: true, flags: flagList(everyVerb, printing, "dry-run:o selector/l:v replicas:v current-replicas:v resource-version:v timeout:v all:b", fromInput)},
	"autoscale":          {class: Changing, does: "it makes an autoscaler", trial: true, flags: flagList(everyVerb, printing, dryRun, "min:v max:v cpu-percent:v cpu:v memory:v name:v save-config:b", fromInput)},
	"patch":              {class: Changing, does: "it changes fields of an object", trial: true, flags: flagList(everyVerb, printing, dryRun, "patch/p:v type:v subresource:v local:b patch-file:v", fromInput)},
	"set image":          {class: Changing, does: "it changes a container's image", trial: true, flags: flagList(everyVerb, printing, dryRun, "all:b local:b selector/l:v", fromInput)},
	"set env":            {class: Changing, does: "it changes environment variables", trial: true, flags: flagList(everyVerb, printing, dryRun, "all:b local:b selector/l:v containers/c:v env/e:v from:v keys:v list:b overwrite:b prefix:v resolve:b", fromInput)},
	"set resources":      {class: Changing, does: "it changes requests and limits", trial: true, flags: flagList(everyVerb, printing, dryRun, "all:b local:b selector/l:v containers/c:v limits:v requests:v", fromInput)},
	"set selector":       {class: Changing, does: "it changes which pods a service sends to", trial: true, flags: flagList(everyVerb, printing, dryRun, "all:b local:b resource-version:v", fromInput)},
	"set serviceaccount": {class: Changing, does: "it changes the account of a workload", trial: true, flags: flagList(everyVerb, printing, dryRun, "all:b local:b", fromInput)},
	"delete": {class: Changing, does: "it deletes objects", trial: true, flags: flagList(everyVerb, selecting, "output/o:v all:b all-namespaces/A:b cascade:o force:b grace-period:v ignore-not-found:b now:b timeout:v wait:b dry-run:o interactive/i:b",
		fromInput)},
	"apply": {class: Changing, does: "it changes objects to what the text says", trial: true, flags: flagList(everyVerb, printing, dryRun,
		"selector/l:v server-side:b force-conflicts:b validate:o overwrite:b openapi-patch:b wait:b timeout:v force:b grace-period:v cascade:o prune:b prune-allowlist:v all:b applyset:v subresource:v", fromInput)},
	"create": {class: Changing, does: "it makes objects", trial: true, flags: flagList(everyVerb, printing, dryRun,
		"validate:o save-config:b selector/l:v edit:b raw:v windows-line-endings:b", fromInput,
		"from-literal:v from-file:v from-env-file:v type:v append-hash:b docker-server:v docker-username:v docker-password:v docker-email:v cert:v key:v",
		"image:v replicas/r:v port:v schedule:v restart:v from:v class:v rule:v default-backend:v annotation:v tcp:v clusterip:v node-port:v external-name:v",
		"role:v clusterrole:v user:v group:v serviceaccount:v verb:v resource:v resource-name:v non-resource-url:v hard:v scopes:v min-available:v max-unavailable:v value:v global-default:b description:v duration:v audience:v")},
	"annotate": {class: Changing, does: "it changes annotations", trial: true, flags: flagList(everyVerb, selecting, printing, dryRun, "all:b all-namespaces/A:b list:b local:b overwrite:b resource-version:v", fromInput)},
	"label":    {class: Changing, does: "it changes labels", trial: true, flags: flagList(everyVerb, selecting, printing, dryRun, "all:b all-namespaces/A:b list:b local:b overwrite:b resource-version:v", fromInput)},
	"taint":    {class: Changing, does: "it changes which pods a node takes", trial: true, flags: flagList(everyVerb, printing, dryRun, "all:b overwrite:b selector/l:v validate:o")},
	"expose":   {class: Changing, does: "it makes a service", trial: true, flags: flagList(everyVerb, printing, dryRun, "port:v target-port:v protocol:v type:v name:v labels/l:v selector:v cluster-ip:v save-config:b", fromInput)},
	"cordon":   {class: Changing, does: "it keeps new pods off a node", trial: true, flags: flagList(everyVerb, "selector/l:v dry-run:o")},
	"uncordon": {class: Changing, does: "it lets new pods onto a node", trial: true, flags: flagList(everyVerb, "selector/l:v dry-run:o")},
	"drain":    {class: Changing, does: "it moves all pods off a node", trial: true, flags: flagList(everyVerb, "selector/l:v dry-run:o chunk-size:v delete-emptydir-data:b disable-eviction:b force:b ignore-daemonsets:b timeout:v grace-period:v skip-wait-for-delete-timeout:v pod-selector:v")},
	"exec":     {class: Changing, does: "it runs a command inside a pod", flags: flagList(everyVerb, "container/c:v stdin/i:b tty/t:b quiet/q:b pod-running-timeout:v", fromInput)},
	"cp":       {class: Changing, does: "it copies a file out of a pod into the evidence", flags: flagList(everyVerb, "container/c:v no-preserve:b retries:v")},
}

// verb is one thing that kubectl can do.
type verb struct {
	class Class
	does  string
	flags flags
	// trial says that --dry-run=client surely changes nothing.
	trial bool
}

// families are verbs whose second word decides, and what stands for the words
// that it may be.
var families = map[string]map[string]string{
	"rollout": {"status": "status", "history": "history", "undo": "undo", "restart": "restart", "pause": "pause", "resume": "resume"},
	"top":     {"pod": "pod", "pods": "pod", "po": "pod", "node": "node", "nodes": "node", "no": "node"},
	"set":     {"image": "image", "env": "env", "resources": "resources", "selector": "selector", "serviceaccount": "serviceaccount", "sa": "serviceaccount"},
	"auth":    {"can-i": "can-i", "whoami": "whoami"},
}

// noVerbs are verbs that never run, and why.
var noVerbs = map[string]string{
	"edit": "nobody is at the keyboard; use patch or set", "proxy": "it would open a way into the cluster", "port-forward": "it would open a way into the cluster",
	"attach": "nobody is at the keyboard; use logs", "run": "it would start a pod of its own; use create or apply", "debug": "it would start a container of its own",
	"config": "which cluster Muster speaks to, and as whom, is decided by its configuration", "plugin": "plugins are programs of the host",
	"kustomize": "there are no files", "diff": "every changing step shows its diff anyway, and kubectl diff needs a program of the host",
	"completion": "nobody is at the keyboard", "certificate": "it would let somebody into the cluster",
	"replace": "use apply or patch", "alpha": "it may change from one version to the next", "kuberc": "there are no files", "options": "it only prints help",
}

// noFlags are flags that never run, with any verb, and why.
var noFlags = map[string]string{
	"kubeconfig": whichCluster, "server": whichCluster, "context": whichCluster, "cluster": whichCluster, "tls-server-name": whichCluster,
	"token": asWhom, "user": asWhom, "as": asWhom, "as-group": asWhom, "as-uid": asWhom, "as-user-extra": asWhom, "username": asWhom, "password": asWhom,
	"client-certificate": asWhom, "client-key": asWhom,
	"certificate-authority": notSure, "insecure-skip-tls-verify": notSure, "insecure-skip-tls-verify-backend": notSure,
	"cache-dir": noFiles, "kuberc": noFiles, "profile": noFiles, "profile-output": noFiles, "log-file": noFiles, "log-dir": noFiles, "kustomize": noFiles,
	"patch-file": noFiles, "from-file": noFiles, "from-env-file": noFiles, "cert": noFiles, "key": noFiles, "recursive": noFiles, "prune": "it would delete what the text does not name",
	"prune-allowlist": "it would delete what the text does not name", "applyset": "it would delete what the text does not name",
	"v": "it would print how Muster signs in", "edit": "nobody is at the keyboard", "interactive": "nobody is at the keyboard", "raw": "it could ask the cluster for anything; name a resource",
	"template": "it may be a file; write -o go-template=…", "local": "there are no files",
}

const (
	whichCluster = "which cluster Muster speaks to is decided by its configuration"
	asWhom       = "as whom Muster speaks to the cluster is decided by its configuration"
	notSure      = "Muster speaks only to a cluster that it can be sure of"
)

// noLetters are letters of flags that never run.
var noLetters = map[byte]string{'s': "server", 'k': "kustomize", 'v': "v", 'R': "recursive"}
