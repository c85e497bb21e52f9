package workspace

import (
	"embed"
	"encoding/json"
	"io"
	"io/fs"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"
)

// pagePolicy lets the page load nothing but its own files: a message cannot bring a script or a picture from elsewhere.
const pagePolicy = "default-src 'self'; img-src 'self' data:"

//go:embed page
var pageFiles embed.FS

// Handler serves Slack's API, Socket Mode, the client endpoints and the page.
func (w *Workspace) Handler() http.Handler {
	page, err := fs.Sub(pageFiles, "page")
	if err != nil {
		panic("workspace: the embedded page is not there: " + err.Error())
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/api/", w.serveAPI)
	mux.HandleFunc("GET /link/", w.serveLink)
	mux.HandleFunc("POST /upload/v1/{id}", w.serveUpload)
	mux.HandleFunc("GET /files/{id}/{name}", w.serveFile)
	mux.HandleFunc("POST /response/{team}/{id}", w.serveResponse)
	mux.HandleFunc("GET /client/boot", w.serveBoot)
	mux.HandleFunc("GET /client/events", w.serveEvents)
	for path, do := range map[string]clientAction{
		"POST /client/command": clientCommand, "POST /client/action": clientAct, "POST /client/view/submit": clientSubmit,
		"POST /client/view/close": clientClose, "POST /client/shortcut": clientShortcut, "POST /client/options": clientOptions,
		"POST /client/home": clientHome, "POST /client/clock": clientClock, "POST /client/faults": clientFaults, "POST /client/button": clientButton,
		"POST /client/phone/key": clientPhoneKey, "GET /client/canvas": clientCanvas,
	} {
		mux.HandleFunc(path, w.asPerson(do))
	}
	files := http.FileServerFS(page)
	mux.HandleFunc("/", func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Cache-Control", "no-cache")
		rw.Header().Set("Content-Security-Policy", pagePolicy)
		files.ServeHTTP(rw, r)
	})
	return onlyLocalNames(mux)
}

// onlyLocalNames refuses browsers that reached the client endpoints under a domain name other than localhost: a page from
// elsewhere could have its name point here and then read people's tokens.
func onlyLocalNames(next http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		browser := r.Header.Get("Origin") != "" || r.Header.Get("Sec-Fetch-Site") != ""
		if browser && strings.HasPrefix(r.URL.Path, "/client/") && !localName(r.Host) {
			writeJSON(rw, http.StatusForbidden, obj{"ok": false, "error": "open_by_ip_address_or_localhost"})
			return
		}
		next.ServeHTTP(rw, r)
	})
}

// localName says whether a Host header is an IP address or localhost.
func localName(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return net.ParseIP(strings.Trim(host, "[]")) != nil || host == "localhost" || strings.HasSuffix(host, ".localhost")
}

// serveBoot gives a client what it needs to begin. It needs no token: the workspace is for one machine and holds no secrets.
func (w *Workspace) serveBoot(rw http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	defer w.mu.Unlock()
	people := []obj{}
	for _, u := range w.people {
		if !u.bot && !u.deleted {
			people = append(people, obj{"id": u.id, "name": u.handle, "real_name": u.name, "email": u.email, "title": u.title, "tz": u.tz,
				"token": u.token(), "color": u.color})
		}
	}
	channels := []obj{}
	for _, ch := range w.chans {
		if ch.kind == publicChannel {
			channels = append(channels, w.conversationObject(ch, nil))
		}
	}
	groups := []obj{}
	for _, g := range w.groups {
		groups = append(groups, w.subteamObject(g, true))
	}
	writeJSON(rw, http.StatusOK, obj{"ok": true, "team": w.team, "people": people, "channels": channels, "usergroups": groups,
		"bot":      obj{"user_id": w.bot.id, "name": w.bot.handle, "real_name": w.bot.name, "app_id": w.appID, "bot_id": w.botID},
		"commands": append([]Command{}, w.cfg.Commands...), "shortcuts": append([]Shortcut{}, w.cfg.Shortcuts...), "clock": w.clock(),
		"faults": w.Faults(), "hint": w.cfg.Hint, "actions": append([]Action{}, w.cfg.Actions...), "connected": w.sockets.count(), "event_id": w.stream.last})
}

type clientAction func(w *Workspace, u *user, body []byte, r *http.Request) (obj, error)

// asPerson reads the token and the body and writes the answer of a client endpoint.
func (w *Workspace) asPerson(do clientAction) http.HandlerFunc {
	return func(rw http.ResponseWriter, r *http.Request) {
		w.mu.Lock()
		kind, u, err := w.who(tokenOf(r, nil))
		w.mu.Unlock()
		if err == nil && kind != tokenPerson {
			err = code("not_allowed_token_type")
		}
		var body []byte
		if err == nil {
			body, err = io.ReadAll(http.MaxBytesReader(rw, r.Body, maxBody))
		}
		if err == nil && len(body) > 0 && !json.Valid(body) {
			err = code("invalid_json")
		}
		if len(body) == 0 {
			body = []byte("{}")
		}
		out := obj{}
		if err == nil {
			out, err = do(w, u, body, r)
		}
		if out == nil {
			out = obj{}
		}
		out["ok"] = err == nil
		if err != nil {
			out["error"] = codeOf(err)
		}
		writeJSON(rw, http.StatusOK, out)
	}
}

func read(body []byte, into any) error {
	if json.Unmarshal(body, into) != nil {
		return code("invalid_arguments")
	}
	return nil
}

func acked(ack Ack, err error) (obj, error) {
	return obj{"took_ms": float64(ack.Took) / float64(time.Millisecond)}, err
}

func clientCommand(w *Workspace, u *user, body []byte, _ *http.Request) (obj, error) {
	var in struct{ Channel, Text string }
	if err := read(body, &in); err != nil {
		return nil, err
	}
	return acked(w.command(u, in.Channel, in.Text))
}

func clientAct(w *Workspace, u *user, body []byte, _ *http.Request) (obj, error) {
	var in struct {
		Container Container `json:"container"`
		Action    obj       `json:"action"`
		State     *State    `json:"state"`
	}
	if err := read(body, &in); err != nil {
		return nil, err
	}
	return acked(w.act(u, in.Container, in.Action, in.State))
}

func clientSubmit(w *Workspace, u *user, body []byte, _ *http.Request) (obj, error) {
	var in struct {
		ViewID string `json:"view_id"`
		State  *State `json:"state"`
	}
	if err := read(body, &in); err != nil {
		return nil, err
	}
	res, err := w.submit(u, in.ViewID, in.State)
	if err == nil && res.Action == "errors" {
		return obj{"response_action": "errors", "errors": res.Errors}, code("form_errors")
	}
	return obj{"response_action": res.Action}, err
}

func clientClose(w *Workspace, u *user, body []byte, _ *http.Request) (obj, error) {
	var in struct {
		ViewID string `json:"view_id"`
	}
	if err := read(body, &in); err != nil {
		return nil, err
	}
	return nil, w.closeView(u, in.ViewID)
}

func clientShortcut(w *Workspace, u *user, body []byte, _ *http.Request) (obj, error) {
	var in struct {
		CallbackID string `json:"callback_id"`
		Channel    string `json:"channel"`
		MessageTS  string `json:"message_ts"`
	}
	if err := read(body, &in); err != nil {
		return nil, err
	}
	return acked(w.shortcut(u, in.CallbackID, in.Channel, in.MessageTS))
}

func clientOptions(w *Workspace, u *user, body []byte, _ *http.Request) (obj, error) {
	var in struct {
		Container Container `json:"container"`
		ViewID    string    `json:"view_id"`
		BlockID   string    `json:"block_id"`
		ActionID  string    `json:"action_id"`
		Value     string    `json:"value"`
	}
	if err := read(body, &in); err != nil {
		return nil, err
	}
	if in.ViewID != "" {
		in.Container = Container{Type: "view", ViewID: in.ViewID}
	}
	raw, err := w.suggest(u, in.Container, in.BlockID, in.ActionID, in.Value)
	if err != nil {
		return nil, err
	}
	var out struct {
		Options []obj `json:"options"`
		Groups  []obj `json:"option_groups"`
	}
	if err := read(raw, &out); err != nil {
		return nil, err
	}
	answer := obj{"options": append([]obj{}, out.Options...)}
	if out.Groups != nil {
		answer["option_groups"] = out.Groups
	}
	return answer, nil
}

func clientHome(w *Workspace, u *user, _ []byte, _ *http.Request) (obj, error) {
	return obj{"view": w.openHome(u)}, nil
}

func clientClock(w *Workspace, _ *user, body []byte, _ *http.Request) (obj, error) {
	var in struct{ Speed float64 }
	if err := read(body, &in); err != nil {
		return nil, err
	}
	if w.cfg.SetSpeed == nil {
		return nil, code("clock_fixed")
	}
	if in.Speed != 1 && in.Speed != 10 && in.Speed != 60 {
		return nil, code("invalid_speed")
	}
	w.cfg.SetSpeed(in.Speed)
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.clock()
	w.toPeople(everyone, obj{"type": "clock", "now": now["now"], "speed": now["speed"]})
	return obj{"clock": now}, nil
}

func clientFaults(w *Workspace, _ *user, body []byte, _ *http.Request) (obj, error) {
	f := w.Faults()
	var once struct {
		CutSocket  bool   `json:"cut_socket"`
		Deactivate string `json:"deactivate"` // a handle
		Reactivate string `json:"reactivate"`
	}
	if err := read(body, &f); err != nil {
		return nil, err
	}
	if err := read(body, &once); err != nil {
		return nil, err
	}
	w.SetFaults(f)
	if once.CutSocket {
		w.CutSockets()
	}
	if once.Deactivate != "" && w.Deactivate(once.Deactivate) != nil || once.Reactivate != "" && w.Reactivate(once.Reactivate) != nil {
		return nil, code("user_not_found")
	}
	return obj{"faults": f}, nil
}

func clientButton(w *Workspace, _ *user, body []byte, _ *http.Request) (obj, error) {
	var in struct {
		Name string `json:"name"`
	}
	if err := read(body, &in); err != nil {
		return nil, err
	}
	if w.cfg.Act == nil || !slices.ContainsFunc(w.cfg.Actions, func(a Action) bool { return a.Name == in.Name }) {
		return nil, code("no_action")
	}
	if err := w.cfg.Act(in.Name); err != nil {
		return nil, code("action_failed")
	}
	return obj{}, nil
}

func clientPhoneKey(w *Workspace, _ *user, body []byte, _ *http.Request) (obj, error) {
	var in struct {
		CallID string `json:"call_id"`
		Digit  string `json:"digit"`
	}
	if err := read(body, &in); err != nil {
		return nil, err
	}
	if w.cfg.Phone == nil || w.cfg.Phone(in.CallID, in.Digit) != nil {
		return nil, code("no_call")
	}
	return nil, nil
}

func clientCanvas(w *Workspace, u *user, _ []byte, r *http.Request) (obj, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	c := &call{w: w, kind: tokenPerson, user: u}
	ch := c.visible(r.URL.Query().Get("channel"))
	if ch == nil {
		return nil, code("channel_not_found")
	}
	d := w.canvas[ch.canvas]
	if d == nil {
		return obj{"canvas": nil}, nil
	}
	return obj{"canvas": obj{"id": d.id, "title": d.title, "markdown": d.markdown}}, nil
}
