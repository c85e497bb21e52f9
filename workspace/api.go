package workspace

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

type tokenKind int

const (
	tokenNone tokenKind = iota
	tokenBot
	tokenApp
	tokenPerson
)

// call is one call of a Web API method while it is answered; mu is held.
type call struct {
	w      *Workspace
	method string
	kind   tokenKind
	user   *user // whose token it is; the bot for the bot's
	args   map[string]string
	base   string // scheme and host under which the caller reached us
}

type handler func(*call) (obj, error)

// apiError is a refusal with one of Slack's codes.
type apiError struct {
	Code     string
	Messages []string // response_metadata.messages
	Extra    obj
}

func (e *apiError) Error() string { return e.Code }

func code(c string) error { return &apiError{Code: c} }

func (c *call) str(name string) string { return c.args[name] }

func (c *call) bool(name string, otherwise bool) bool {
	switch strings.ToLower(c.args[name]) {
	case "true", "1":
		return true
	case "false", "0":
		return false
	}
	return otherwise
}

func (c *call) int(name string, otherwise int) int {
	n, err := strconv.Atoi(c.args[name])
	if err != nil {
		return otherwise
	}
	return n
}

// list reads a comma-separated argument, or a JSON array of strings.
func (c *call) list(name string) []string {
	v := c.args[name]
	var out []string
	if strings.HasPrefix(v, "[") && json.Unmarshal([]byte(v), &out) == nil {
		return out
	}
	for s := range strings.SplitSeq(v, ",") {
		if s = strings.TrimSpace(s); s != "" {
			out = append(out, s)
		}
	}
	return out
}

// maxBody is more than any body that Slack takes.
const maxBody = 8 << 20

// readArgs reads the arguments from the query, a form or a JSON body.
func readArgs(r *http.Request) (args map[string]string, isJSON bool, err error) {
	args = map[string]string{}
	put := func(vs url.Values) {
		for k, v := range vs {
			if len(v) > 0 {
				args[k] = v[0]
			}
		}
	}
	put(r.URL.Query())
	if r.Body == nil || r.Method == http.MethodGet {
		return args, false, nil
	}
	kind, params, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch kind {
	case "application/json":
		body, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
		if err != nil {
			return nil, true, fmt.Errorf("read the body: %w", err)
		}
		if len(body) == 0 {
			return args, true, nil
		}
		var fields map[string]json.RawMessage
		if err := json.Unmarshal(body, &fields); err != nil {
			if json.Valid(body) {
				return nil, true, code("json_not_object")
			}
			return nil, true, code("invalid_json")
		}
		for k, v := range fields {
			var s string
			switch {
			case string(v) == "null":
			case json.Unmarshal(v, &s) == nil:
				args[k] = s
			default:
				args[k] = string(v)
			}
		}
		return args, true, nil
	case "multipart/form-data":
		if params["boundary"] == "" {
			return nil, false, code("invalid_form_data")
		}
		if err := r.ParseMultipartForm(maxBody); err != nil {
			return nil, false, code("invalid_form_data")
		}
		put(r.MultipartForm.Value)
	default:
		body, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
		if err != nil {
			return nil, false, fmt.Errorf("read the body: %w", err)
		}
		vs, err := url.ParseQuery(string(body))
		if err != nil {
			return nil, false, code("invalid_form_data")
		}
		put(vs)
	}
	return args, false, nil
}

func tokenOf(r *http.Request, args map[string]string) string {
	if t, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		return strings.TrimSpace(t)
	}
	return args["token"]
}

// who tells whose token it is. The caller holds mu.
func (w *Workspace) who(token string) (tokenKind, *user, error) {
	switch token {
	case "":
		return tokenNone, nil, code("not_authed")
	case w.cfg.BotToken:
		return tokenBot, w.bot, nil
	case w.cfg.AppToken:
		return tokenApp, w.bot, nil
	}
	for _, u := range w.people {
		if !u.bot && u.token() == token {
			if u.deleted {
				return tokenNone, nil, code("account_inactive")
			}
			return tokenPerson, u, nil
		}
	}
	return tokenNone, nil, code("invalid_auth")
}

// serveAPI answers /api/METHOD.
func (w *Workspace) serveAPI(rw http.ResponseWriter, r *http.Request) {
	method := strings.TrimPrefix(r.URL.Path, "/api/")
	args, isJSON, err := readArgs(r)
	token := tokenOf(r, args)
	w.mu.Lock()
	kind, u, terr := w.who(token)
	w.mu.Unlock()
	appSide := kind != tokenPerson
	if appSide && w.faultBefore(rw, r, method) {
		return
	}
	delete(args, "token")
	c := &call{w: w, method: method, kind: kind, user: u, args: args, base: baseOf(r)}
	var out obj
	switch {
	case err != nil:
	case methods[method].run == nil:
		err = &apiError{Code: "unknown_method", Extra: obj{"req_method": method}}
	case terr != nil && !methods[method].open:
		err = terr
	default:
		out, err = w.answer(c, isJSON)
	}
	status, retry := http.StatusOK, 0
	var refusal *apiError
	switch {
	case err == nil:
		out["ok"] = true
	case errors.As(err, &refusal):
		out = obj{"ok": false, "error": refusal.Code}
		for k, v := range refusal.Extra {
			out[k] = v
		}
		if refusal.Messages != nil {
			out["response_metadata"] = obj{"messages": refusal.Messages}
		}
		if refusal.Code == "ratelimited" {
			status, retry = http.StatusTooManyRequests, refusal.Extra["retry_after"].(int)
			delete(out, "retry_after")
			rw.Header().Set("Retry-After", strconv.Itoa(retry))
		}
	default:
		out = obj{"ok": false, "error": "internal_error"}
	}
	if appSide {
		w.noteCall(Call{Method: method, Args: args, Status: status, Error: fmt.Sprint(out["error"]), OK: err == nil})
		if err == nil && w.loseAnswer(method) {
			panic(http.ErrAbortHandler)
		}
		if kind == tokenBot {
			rw.Header().Set("X-OAuth-Scopes", strings.Join(w.cfg.Scopes, ","))
		}
	}
	writeJSON(rw, status, out)
}

// answer checks token type, arguments, scopes and rate, and runs the method.
func (w *Workspace) answer(c *call, isJSON bool) (obj, error) {
	m := methods[c.method]
	w.mu.Lock()
	defer w.mu.Unlock()
	if m.app != (c.kind == tokenApp) && !m.open && c.method != "auth.test" {
		return nil, code("not_allowed_token_type")
	}
	if c.kind == tokenBot && isJSON && !m.json {
		clear(c.args) // Slack does not read a JSON body here
	}
	if err := w.rate(c, m); err != nil {
		return nil, err
	}
	if forced := w.fault.methodError(c.method); forced != "" && c.kind == tokenBot {
		return nil, code(forced)
	}
	var missing []string
	for _, name := range m.required {
		if c.args[name] == "" {
			missing = append(missing, "[ERROR] missing required field: "+name)
		}
	}
	if missing != nil {
		return nil, &apiError{Code: "invalid_arguments", Messages: missing}
	}
	if c.kind == tokenBot {
		if err := w.checkScopes(c, m); err != nil {
			return nil, err
		}
	}
	out, err := m.run(c)
	if out == nil {
		out = obj{}
	}
	return out, err
}

// perMinute are Slack's tiers 1 to 4, https://docs.slack.dev/apis/web-api/rate-limits
var perMinute = [...]float64{1: 1, 2: 20, 3: 50, 4: 100}

// Posting to one channel: about one message a second, with a short burst.
const (
	postsPerMinute = 60
	postBurst      = 4
)

// rate takes one call from the app's allowance. People's clients are not an app and have none.
func (w *Workspace) rate(c *call, m method) error {
	if w.cfg.Unlimited || c.kind == tokenPerson || c.kind == tokenNone {
		return nil
	}
	now := w.cfg.Now()
	var wait time.Duration
	switch {
	case m.perChannel:
		wait = w.limits.take(c.method+" "+c.sameChannel(), postsPerMinute, postBurst, now)
	case m.tier > 0:
		wait = w.limits.take(c.method, perMinute[m.tier], perMinute[m.tier], now)
	}
	if wait > 0 {
		return rateLimited(wait)
	}
	return nil
}

// sameChannel names the channel argument the same way however it was given.
func (c *call) sameChannel() string {
	name := strings.TrimPrefix(c.str("channel"), "#")
	if ch := c.w.channelNamed(name); ch != nil {
		return ch.id
	}
	if u := c.w.userByID(name); u != nil {
		if ch := c.w.directMessage(c.user, u); ch != nil {
			return ch.id
		}
	}
	return name
}

func rateLimited(wait time.Duration) error {
	return &apiError{Code: "ratelimited", Extra: obj{"retry_after": max(1, int(math.Ceil(wait.Seconds())))}}
}

type bucket struct {
	left float64
	at   time.Time
}

// rateBook holds token buckets; the workspace's mu guards it.
type rateBook struct{ buckets map[string]*bucket }

func (b *rateBook) init() { b.buckets = map[string]*bucket{} }

// take takes one and returns zero, or returns how long to wait for one.
func (b *rateBook) take(key string, perMinute, burst float64, now time.Time) time.Duration {
	k := b.buckets[key]
	if k == nil {
		k = &bucket{left: burst, at: now}
		b.buckets[key] = k
	}
	if since := now.Sub(k.at); since > 0 {
		k.left = min(burst, k.left+since.Minutes()*perMinute)
	}
	k.at = now
	if k.left < 1 {
		return time.Duration((1 - k.left) / perMinute * float64(time.Minute))
	}
	k.left--
	return 0
}

func (w *Workspace) hasScope(s string) bool { return slices.Contains(w.cfg.Scopes, s) }

func (w *Workspace) missingScope(anyOf []string) error {
	for _, s := range anyOf {
		if w.hasScope(s) {
			return nil
		}
	}
	return &apiError{Code: "missing_scope", Extra: obj{"needed": strings.Join(anyOf, ","), "provided": strings.Join(w.cfg.Scopes, ",")}}
}

// checkScopes looks for one of the scopes that the method wants. Those with a star depend on the kind of conversation; one
// that the bot cannot see is left to the method, which answers channel_not_found.
func (w *Workspace) checkScopes(c *call, m method) error {
	for _, want := range m.scopes {
		family, what, _ := strings.Cut(want, ":")
		if family != "*" {
			if err := w.missingScope(strings.Split(want, "|")); err != nil {
				return err
			}
			continue
		}
		for _, kind := range m.kinds(c) {
			if err := w.missingScope(scopeFor(kind, what)); err != nil {
				return err
			}
		}
	}
	return nil
}

// scopeFor gives the scopes of which one is enough, for a family (channels, groups, im, mpim) and an ability.
func scopeFor(kind, ability string) []string {
	write := kind + ":write"
	if kind == "channels" {
		write = "channels:manage"
	}
	switch ability {
	case "write":
		return []string{write}
	case "topic", "invites":
		return []string{write, kind + ":write." + ability}
	}
	return []string{kind + ":" + ability}
}

// paginate cuts a page out of a list by the cursor and limit arguments.
func paginate[T any](c *call, all []T, otherwise, most int) (page []T, next string, err error) {
	limit := c.int("limit", otherwise)
	if limit < 0 || limit > most && c.kind == tokenBot && most != 0 {
		return nil, "", code("invalid_limit")
	}
	if limit == 0 {
		limit = otherwise
	}
	start := 0
	if cur := c.str("cursor"); cur != "" {
		n, err := decodeCursor(cur)
		if err != nil || n < 0 || n > len(all) {
			return nil, "", code("invalid_cursor")
		}
		start = n
	}
	end := min(start+limit, len(all))
	if end < len(all) {
		next = encodeCursor(end)
	}
	return all[start:end], next, nil
}

func encodeCursor(n int) string { return "bmV4dA" + strconv.Itoa(n) + "=" }

func decodeCursor(s string) (int, error) {
	return strconv.Atoi(strings.TrimSuffix(strings.TrimPrefix(s, "bmV4dA"), "="))
}

func baseOf(r *http.Request) string {
	scheme := "http"
	if r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https" {
		scheme = "https"
	}
	return scheme + "://" + r.Host
}

func writeJSON(rw http.ResponseWriter, status int, v any) {
	b := rawJSON(v)
	rw.Header().Set("Content-Type", "application/json; charset=utf-8")
	rw.Header().Set("Content-Length", strconv.Itoa(len(b)))
	rw.WriteHeader(status)
	_, _ = rw.Write(b) // if this fails the caller is gone
}
