package bot_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// The manifest's scopes and events, which the local workspace enforces in all
// tests of this package.
var manifestScopes, manifestEvents = func() (scopes, events []string) {
	m := readManifest()
	return strs(at(m, "oauth_config", "scopes", "bot")), strs(at(m, "settings", "event_subscriptions", "bot_events"))
}()

func readManifest() map[string]any {
	raw, err := os.ReadFile("../manifest.yml")
	if err != nil {
		panic(err)
	}
	var m map[string]any
	if err := yaml.Unmarshal(raw, &m); err != nil {
		panic(err)
	}
	return m
}

func at(v any, path ...string) any {
	for _, p := range path {
		m, _ := v.(map[string]any)
		v = m[p]
	}
	return v
}

func strs(v any) []string {
	list, _ := v.([]any)
	var out []string
	for _, e := range list {
		out = append(out, fmt.Sprint(e))
	}
	return out
}

// scopesOf says which scopes a method needs for what the bot does with it:
// public and private channels and direct messages, never group messages.
// https://docs.slack.dev/reference/methods
var scopesOf = map[string][]string{
	"auth.test":                     nil,
	"bookmarks.add":                 {"bookmarks:write"},
	"bookmarks.list":                {"bookmarks:read"},
	"canvases.access.set":           {"canvases:write"},
	"canvases.create":               {"canvases:write"},
	"chat.postEphemeral":            {"chat:write"},
	"chat.postMessage":              {"chat:write"},
	"chat.update":                   {"chat:write"},
	"conversations.canvases.create": {"canvases:write"},
	"conversations.create":          {"channels:manage", "groups:write"},
	"conversations.history":         {"channels:history", "groups:history", "im:history"},
	"conversations.invite":          {"channels:manage", "groups:write"},
	"conversations.join":            {"channels:join"},
	"conversations.list":            {"channels:read", "groups:read"},
	"conversations.open":            {"im:write"},
	"conversations.replies":         {"channels:history", "groups:history", "im:history"},
	"conversations.setTopic":        {"channels:manage", "groups:write"},
	"files.completeUploadExternal":  {"files:write"},
	"files.getUploadURLExternal":    {"files:write"},
	"pins.add":                      {"pins:write"},
	"usergroups.list":               {"usergroups:read"},
	"usergroups.users.list":         {"usergroups:read"},
	"usergroups.users.update":       {"usergroups:write"},
	"users.info":                    {"users:read"},
	"users.list":                    {"users:read"},
	"users.lookupByEmail":           {"users:read.email"},
	"views.open":                    nil,
	"views.publish":                 nil,
	"views.update":                  nil,
}

// eventScopes says what a handled event is called in the manifest and which
// scope it needs. https://docs.slack.dev/reference/events
var eventScopes = map[string]struct{ event, scope string }{
	"app_mention":     {"app_mention", "app_mentions:read"},
	"message":         {"message.im", "im:history"},
	"reaction_added":  {"reaction_added", "reactions:read"},
	"app_home_opened": {"app_home_opened", ""},
	"user_change":     {"user_change", "users:read"},
	"team_join":       {"team_join", "users:read"},
}

// sources parses the package's own files.
func sources(t *testing.T) map[string]*ast.File {
	t.Helper()
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]*ast.File{}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		out[name] = f
	}
	return out
}

// calledAPI are the methods of API that the package calls.
func calledAPI(files map[string]*ast.File) map[string]bool {
	out := map[string]bool{}
	for _, f := range files {
		ast.Inspect(f, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			if sel, ok := call.Fun.(*ast.SelectorExpr); ok {
				switch x := sel.X.(type) {
				case *ast.Ident:
					out[sel.Sel.Name] = out[sel.Sel.Name] || x.Name == "api"
				case *ast.SelectorExpr:
					out[sel.Sel.Name] = out[sel.Sel.Name] || x.Sel.Name == "api"
				}
			}
			return true
		})
	}
	maps.DeleteFunc(out, func(_ string, called bool) bool { return !called })
	return out
}

// webMethods are the adapter's methods and the Web API methods that they name.
func webMethods(f *ast.File) map[string][]string {
	out := map[string][]string{}
	for _, d := range f.Decls {
		fn, ok := d.(*ast.FuncDecl)
		if !ok || fn.Recv == nil {
			continue
		}
		star, ok := fn.Recv.List[0].Type.(*ast.StarExpr)
		if !ok || star.X.(*ast.Ident).Name != "web" {
			continue
		}
		out[fn.Name.Name] = nil
		ast.Inspect(fn, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			if id, ok := call.Fun.(*ast.Ident); !ok || id.Name != "refused" {
				return true
			}
			if lit, ok := call.Args[0].(*ast.BasicLit); ok {
				name, _ := strconv.Unquote(lit.Value)
				if !slices.Contains(out[fn.Name.Name], name) {
					out[fn.Name.Name] = append(out[fn.Name.Name], name)
				}
			}
			return true
		})
	}
	return out
}

func TestManifestHasTheScopesThatTheCodeUses(t *testing.T) {
	files := sources(t)
	called, web := calledAPI(files), webMethods(files["slack.go"])
	maps.Copy(web, webMethods(files["upload.go"]))
	need := map[string]bool{"commands": true} // the slash command and the shortcuts
	for name, methods := range web {
		if !called[name] {
			t.Errorf("nothing calls API.%s", name)
		}
		if len(methods) == 0 && name != "Respond" {
			t.Errorf("web.%s does not say which method it calls", name)
		}
		for _, m := range methods {
			scopes, known := scopesOf[m]
			if !known {
				t.Errorf("the scopes of %s are not in this test's table", m)
			}
			for _, s := range scopes {
				need[s] = true
			}
		}
	}
	if _, ok := webMethods(files["transcript.go"])["attachment"]; ok {
		need["files:read"] = true // loading a file is no method
	}
	for _, e := range handledEvents(t, files["event.go"]) {
		if s := eventScopes[e].scope; s != "" {
			need[s] = true
		}
	}
	if want := slices.Sorted(maps.Keys(need)); !slices.Equal(manifestScopes, want) {
		t.Errorf("manifest.yml has the scopes\n%q\nthe code needs\n%q", manifestScopes, want)
	}
}

// handledEvents are the cases of the switch over the events' types.
func handledEvents(t *testing.T, f *ast.File) []string {
	var out []string
	ast.Inspect(f, func(n ast.Node) bool {
		s, ok := n.(*ast.SwitchStmt)
		if !ok {
			return true
		}
		tag, ok := s.Tag.(*ast.SelectorExpr)
		if !ok || tag.Sel.Name != "Type" {
			return true
		}
		for _, c := range s.Body.List {
			for _, e := range c.(*ast.CaseClause).List {
				if lit, ok := e.(*ast.BasicLit); ok {
					name, _ := strconv.Unquote(lit.Value)
					out = append(out, name)
				}
			}
		}
		return true
	})
	if len(out) < 4 {
		t.Fatalf("only the events %q were found in the source", out)
	}
	return out
}

func TestManifestHasTheEventsThatTheCodeHandles(t *testing.T) {
	var want []string
	for _, e := range handledEvents(t, sources(t)["event.go"]) {
		known, ok := eventScopes[e]
		if !ok {
			t.Errorf("the event %q is not in this test's table", e)
		}
		want = append(want, known.event)
	}
	slices.Sort(want)
	if !slices.Equal(manifestEvents, want) {
		t.Errorf("manifest.yml has the events\n%q\nthe code handles\n%q", manifestEvents, want)
	}
}

func TestManifestNamesTheShortcutsThatTheCodeHandles(t *testing.T) {
	var got []string
	list, _ := at(readManifest(), "features", "shortcuts").([]any)
	for _, s := range list {
		got = append(got, fmt.Sprintf("%s: %s", at(s, "callback_id"), at(s, "name")))
	}
	want := []string{"add_to_timeline: Add to timeline", "declare_incident: Declare incident"}
	if !slices.Equal(got, want) {
		t.Errorf("shortcuts %q, want %q", got, want)
	}
}

// shape is what Slack's manifest schema says of the parts that we use: the
// keys that may be there, and what their values look like. https://docs.slack.dev/reference/app-manifest
type shape struct {
	kind    string // object, array, string, bool
	least   int    // code points or items
	most    int    // zero: any
	pattern string
	needs   []string
	fields  map[string]shape
	items   *shape
	oneOf   []string
}

func object(needs []string, fields map[string]shape) shape {
	return shape{kind: "object", needs: needs, fields: fields}
}
func words(least, most int) shape  { return shape{kind: "string", least: least, most: most} }
func list(most int, e shape) shape { return shape{kind: "array", least: 1, most: most, items: &e} }

var flag = shape{kind: "bool"}

var manifestShape = object([]string{"display_information"}, map[string]shape{
	"display_information": object([]string{"name"}, map[string]shape{
		"name": words(1, 35), "description": words(1, 140), "long_description": words(175, 4000),
		"background_color": {kind: "string", least: 4, most: 7, pattern: `^#[0-9a-fA-F]{3,6}$`},
	}),
	"features": object(nil, map[string]shape{
		"app_home": object(nil, map[string]shape{"home_tab_enabled": flag, "messages_tab_enabled": flag, "messages_tab_read_only_enabled": flag}),
		"bot_user": object([]string{"display_name"}, map[string]shape{"display_name": words(1, 80), "always_online": flag}),
		"slash_commands": list(50, object([]string{"command", "description"}, map[string]shape{
			"command": {kind: "string", least: 2, most: 32, pattern: `^/`}, "description": words(1, 2000), "usage_hint": words(1, 1000), "should_escape": flag,
		})),
		"shortcuts": list(10, object([]string{"name", "type", "callback_id", "description"}, map[string]shape{
			"name": words(1, 24), "type": {kind: "string", oneOf: []string{"message", "global"}}, "callback_id": words(1, 255), "description": words(1, 150),
		})),
	}),
	"oauth_config": object(nil, map[string]shape{"scopes": object(nil, map[string]shape{"bot": list(255, words(1, 50))})}),
	"settings": object(nil, map[string]shape{
		"event_subscriptions": object(nil, map[string]shape{"bot_events": list(100, words(1, 50))}),
		"interactivity":       object([]string{"is_enabled"}, map[string]shape{"is_enabled": flag}),
		"org_deploy_enabled":  flag, "socket_mode_enabled": flag, "token_rotation_enabled": flag,
	}),
})

// problems checks a value against a shape.
func (s shape) problems(path string, v any) []string {
	bad := func(format string, args ...any) []string { return []string{path + ": " + fmt.Sprintf(format, args...)} }
	size := func(n int) []string {
		if n < s.least || s.most > 0 && n > s.most {
			return bad("has %d, allowed are %d to %d", n, s.least, s.most)
		}
		return nil
	}
	switch v := v.(type) {
	case map[string]any:
		if s.kind != "object" {
			return bad("must not be an object")
		}
		var out []string
		for _, need := range s.needs {
			if v[need] == nil {
				out = append(out, path+": "+need+" is missing")
			}
		}
		for name, e := range v {
			f, ok := s.fields[name]
			if !ok {
				out = append(out, path+": "+name+" is not a key that Slack knows")
				continue
			}
			out = append(out, f.problems(path+"/"+name, e)...)
		}
		return out
	case []any:
		if s.kind != "array" {
			return bad("must not be a list")
		}
		out := size(len(v))
		for i, e := range v {
			out = append(out, s.items.problems(fmt.Sprintf("%s/%d", path, i), e)...)
		}
		return out
	case string:
		if s.kind != "string" {
			return bad("must not be a text")
		}
		if s.pattern != "" && !regexp.MustCompile(s.pattern).MatchString(v) {
			return bad("%q does not match %s", v, s.pattern)
		}
		if s.oneOf != nil && !slices.Contains(s.oneOf, v) {
			return bad("%q is none of %q", v, s.oneOf)
		}
		return size(utf8.RuneCountInString(v))
	case bool:
		if s.kind != "bool" {
			return bad("must not be true or false")
		}
		return nil
	default:
		return bad("is a %T", v)
	}
}

func TestManifestIsOneThatSlackAccepts(t *testing.T) {
	for _, p := range manifestShape.problems("manifest.yml", readManifest()) {
		t.Error(p)
	}
	broken := readManifest()
	at(broken, "display_information").(map[string]any)["name"] = strings.Repeat("x", 36)
	broken["extra"] = true
	if n := len(manifestShape.problems("", broken)); n != 2 {
		t.Errorf("a manifest with two mistakes has %d", n)
	}
}
