package workspace

import (
	"encoding/json"
	"io"
	"net/http"
	"path"
	"slices"
	"strings"
)

type file struct {
	id, name, title, by string
	size                int
	data                []byte
	uploaded, complete  bool
	created             int64
	channels            []string
	alt                 string
}

// maxFile is the largest file that is taken, in bytes. Slack takes 1 GB; this holds files in memory.
const maxFile = 32 << 20

func (w *Workspace) fileObject(f *file, base string) obj {
	ext := strings.TrimPrefix(path.Ext(f.name), ".")
	mime := http.DetectContentType(f.data)
	if i := strings.IndexByte(mime, ';'); i >= 0 {
		mime = mime[:i]
	}
	return obj{"id": f.id, "created": f.created, "timestamp": f.created, "name": f.name, "title": f.title, "mimetype": mime, "filetype": ext,
		"pretty_type": strings.ToUpper(ext), "user": f.by, "size": len(f.data), "mode": "hosted", "is_external": false, "is_public": true,
		"url_private": base + "/files/" + f.id + "/" + f.name, "url_private_download": base + "/files/" + f.id + "/" + f.name,
		"permalink": base + "/files/" + f.id + "/" + f.name, "alt_txt": f.alt, "channels": append([]string{}, f.channels...), "groups": []string{}, "ims": []string{}}
}

func filesGetUploadURL(c *call) (obj, error) {
	size := c.int("length", -1)
	if size < 0 {
		return nil, code("invalid_arguments")
	}
	if size == 0 || size > maxFile {
		return nil, code("file_upload_size_restricted")
	}
	f := &file{id: c.w.nextID("F"), name: path.Base(c.str("filename")), by: c.user.id, size: size, created: c.w.cfg.Now().Unix(), alt: c.str("alt_txt")}
	f.title = f.name
	c.w.files[f.id] = f
	return obj{"upload_url": c.base + "/upload/v1/" + f.id, "file_id": f.id}, nil
}

// serveUpload takes the bytes of a file, raw or as a form.
func (w *Workspace) serveUpload(rw http.ResponseWriter, r *http.Request) {
	if w.faultBefore(rw, r, "upload") {
		return
	}
	var body io.Reader = http.MaxBytesReader(rw, r.Body, maxFile+1<<20)
	if strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/form-data") {
		parts, err := r.MultipartReader()
		if err != nil {
			http.Error(rw, "bad form", http.StatusBadRequest)
			return
		}
		part, err := parts.NextPart()
		if err != nil {
			http.Error(rw, "no file in the form", http.StatusBadRequest)
			return
		}
		body = part
	}
	data, err := io.ReadAll(body)
	if err != nil {
		http.Error(rw, "could not read the file", http.StatusBadRequest)
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	f := w.files[r.PathValue("id")]
	if f == nil || f.complete {
		http.Error(rw, "no such upload", http.StatusNotFound)
		return
	}
	f.data, f.uploaded = data, true
	_, _ = io.WriteString(rw, "OK - "+r.PathValue("id"))
}

func filesCompleteUpload(c *call) (obj, error) {
	var list []struct {
		ID    string `json:"id"`
		Title string `json:"title"`
	}
	if json.Unmarshal([]byte(c.str("files")), &list) != nil || len(list) == 0 {
		return nil, code("invalid_arguments")
	}
	ids := c.list("channels")
	if id := c.str("channel_id"); id != "" {
		ids = append(ids, id)
	}
	var chans []*conversation
	for _, id := range ids {
		ch := c.visible(id)
		if ch == nil {
			return nil, code("channel_not_found")
		}
		if !ch.has(c.user.id) {
			return nil, code("not_in_channel")
		}
		chans = append(chans, ch)
	}
	var files []*file
	for _, item := range list {
		f := c.w.files[item.ID]
		if f == nil || !f.uploaded || f.by != c.user.id {
			return nil, code("file_not_found")
		}
		if item.Title != "" {
			f.title = item.Title
		}
		files = append(files, f)
	}
	shown := []obj{}
	for _, f := range files {
		f.complete = true
		f.channels = append(f.channels, ids...)
		shown = append(shown, c.w.fileObject(f, c.base))
	}
	for _, ch := range chans {
		m := &Message{User: c.user.id, Subtype: "file_share", Text: c.str("initial_comment"), Files: shown, ThreadTS: c.str("thread_ts")}
		if c.kind == tokenBot {
			c.byApp(m)
		}
		c.w.post(ch, m)
	}
	return obj{"files": shown}, nil
}

func filesInfo(c *call) (obj, error) {
	f := c.w.files[c.str("file")]
	if f == nil || !f.complete || !c.sees(f) {
		return nil, code("file_not_found")
	}
	return obj{"file": c.w.fileObject(f, c.base), "comments": []obj{}, "response_metadata": obj{"next_cursor": ""}}, nil
}

// sees says whether the caller may read a file: whose it is, and who sees a channel that it was posted in. One that was
// posted in none stands in messages, and whoever reads those sees it.
func (c *call) sees(f *file) bool {
	return len(f.channels) == 0 || f.by == c.user.id || slices.ContainsFunc(f.channels, func(id string) bool { return c.visible(id) != nil })
}

// serveFile gives a file's bytes; the token is in the Authorization header or, for pictures in a page, in the query.
func (w *Workspace) serveFile(rw http.ResponseWriter, r *http.Request) {
	token := tokenOf(r, map[string]string{"token": r.URL.Query().Get("token")})
	w.mu.Lock()
	as, u, err := w.who(token)
	f := w.files[r.PathValue("id")]
	seen := err == nil && f != nil && f.complete && u != nil && (&call{w: w, kind: as, user: u}).sees(f)
	w.mu.Unlock()
	if !seen {
		http.Error(rw, "no such file, or no token for it", http.StatusNotFound)
		return
	}
	kind := http.DetectContentType(f.data)
	if !strings.HasPrefix(kind, "image/") {
		rw.Header().Set("Content-Disposition", "attachment")
	}
	rw.Header().Set("Content-Type", kind)
	rw.Header().Set("X-Content-Type-Options", "nosniff")
	_, _ = rw.Write(f.data) // if this fails the caller is gone
}
