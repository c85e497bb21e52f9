package integration

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"context"
	"crypto/md5"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"

	"muster/integration/cluster"
	"muster/integration/database"
	"muster/playbooks"
	"muster/playbooks/evidence"
)

// breached is a database in which somebody was who should not have been.
var breached = []string{
	`CREATE ROLE postgres LOGIN SUPERUSER`,
	`CREATE ROLE app LOGIN`,
	`CREATE TABLE users (id text PRIMARY KEY, disabled_at timestamptz)`,
	`CREATE TABLE sessions (id int PRIMARY KEY, user_id text NOT NULL)`,
	`CREATE TABLE audit_log (created_at timestamptz NOT NULL DEFAULT now(), user_id text, action text, object text, client_addr inet)`,
	`INSERT INTO users VALUES ('u-7'), ('u-8')`,
	`INSERT INTO sessions VALUES (1, 'u-7'), (2, 'u-7'), (3, 'u-8')`,
	`INSERT INTO audit_log (user_id, action, object, client_addr) VALUES ('u-7', 'export', repeat('customer records and all that belongs to them, ', 4) || 'the end', '203.0.113.7')`,
	`INSERT INTO audit_log (user_id, action, object, client_addr) SELECT 'u-8', 'login', 'shop ' || i, '198.51.100.1' FROM generate_series(1, 300) AS i`,
}

// one asks the database for a single value, as text.
func (d *desk) one(c *pgx.Conn, sql string) string {
	d.Helper()
	var v string
	d.must(c.QueryRow(d.Context(), sql).Scan(&v))
	return v
}

// muster runs a command of the program.
func (o *office) muster(args ...string) (string, error) {
	o.Helper()
	path, err := program()
	o.must(err)
	cmd := exec.CommandContext(o.Context(), path, args...)
	cmd.Env = o.env
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// loki answers every question with one line, or one number.
func loki(t *testing.T) string {
	at := fmt.Sprint(time.Now().UnixNano())
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if strings.HasSuffix(r.URL.Path, "/query_range") {
			fmt.Fprintf(w, `{"status":"success","data":{"resultType":"streams","result":[{"stream":{"app":"api"},"values":[[%q,"login failed for admin from 203.0.113.7"]]}]}}`, at)
			return
		}
		fmt.Fprintf(w, `{"status":"success","data":{"resultType":"vector","result":[{"metric":{"remote_addr":"203.0.113.7"},"value":[%d,"412"]}]}}`, time.Now().Unix())
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// Every step of Security incident, clicked through in Slack by two people against a real cluster and a real PostgreSQL,
// ends in an archive of evidence whose hashes verify, and in which one changed byte is found.
func TestSecurityIncidentClickedThrough(t *testing.T) {
	t.Parallel()
	c := cluster.Get(t)
	server := database.Start(t)
	admin, err := pgx.Connect(t.Context(), server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close(context.Background())
	for _, sql := range append(breached, `ALTER SYSTEM SET password_encryption = 'md5'`, `SELECT pg_reload_conf()`) {
		if _, err := admin.Exec(t.Context(), sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	intruder, err := pgx.Connect(t.Context(), strings.Replace(server.URL, "admin@", "app@", 1))
	if err != nil {
		t.Fatal(err)
	}
	defer intruder.Close(context.Background())

	ns := namespace(t, c, cluster.OtherExecNamespace)
	manifests(t, c, ns)
	c.ApplyIn(t, ns, "../deploy/in-a-namespace-security.yaml")
	f := furnish(t, c, ns)
	if _, err := c.Clients.CoreV1().Pods(ns).Create(t.Context(), &core.Pod{
		ObjectMeta: meta.ObjectMeta{Name: "postgres-0"}, Spec: core.PodSpec{Containers: []core.Container{{Name: "postgres", Image: "example.com/postgres:15"}}},
	}, meta.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	// What the pods have: a folder of logs, and psql to the database.
	files := t.TempDir()
	if err := errors.Join(os.MkdirAll(filepath.Join(files, "var/log"), 0o755), os.WriteFile(filepath.Join(files, "var/log/access.log"), []byte("203.0.113.7 GET /admin 200\n"), 0o644)); err != nil {
		t.Fatal(err)
	}
	psql := database.Program(t, "psql")
	tarPath, err := exec.LookPath("tar")
	if err != nil {
		t.Fatal(err)
	}
	c.Program(t, "tar", fmt.Sprintf(`test "$*" = "cf - /var/log" && exec %s cf - -C %s var/log`, tarPath, files))
	c.Program(t, "psql", fmt.Sprintf(`exec %s -h %s -d postgres "$@"`, psql, server.Socket))

	d := open(t, c, ns, "security-incident", "strange logins, maybe a breach", asPod+`  exec_allow: ['tar cf - /var/log', 'psql -U postgres -c *']
data_sources: {main: '`+server.URL+`'}
`, "LOKI_URL="+loki(t))
	done := map[string]bool{}
	reads := func(title string, values map[string]string, words ...string) {
		t.Helper()
		done[title] = true
		d.reads(title, values, words...)
		t.Logf("read: %s", title)
	}
	changes := func(title string, values map[string]string, preview ...string) {
		t.Helper()
		done[title] = true
		d.changes(title, values, preview...)
		t.Logf("changed: %s", title)
	}
	pod, who, role := f.values["pod"], map[string]string{"user-id": "u-7"}, map[string]string{"role": "app"}
	address := map[string]string{"address": "203.0.113.7/32"}

	reads("At once: security", nil)
	reads("Start the other clocks", nil, "tell the executives what is known", "Follow-up 4 of INC-1 is recorded, due")

	reads("Within the hour: executives", nil, "Paged")

	changes("Block an address at the Ingress", address, "203.0.113.7/32")
	if blocked := d.ingress().Annotations["nginx.ingress.kubernetes.io/denylist-source-range"]; blocked != "203.0.113.7/32" {
		t.Errorf("the Ingress blocks %q", blocked)
	}
	changes("Block an address in front of the pods", address, "203.0.113.7/32")
	policies := c.Clients.NetworkingV1().NetworkPolicies(ns)
	if p, err := policies.Get(t.Context(), "block-address", meta.GetOptions{}); err != nil || len(p.Spec.Ingress) != 1 || p.Spec.Ingress[0].From[0].IPBlock.Except[0] != "203.0.113.7/32" {
		t.Errorf("the policy is %v (%v)", p, err)
	}
	changes("Cut a pod off", map[string]string{"pod-name": pod}, "quarantine")
	cut, err := c.Clients.CoreV1().Pods(ns).Get(t.Context(), pod, meta.GetOptions{})
	if _, err := policies.Get(t.Context(), "quarantine", meta.GetOptions{}); err != nil {
		t.Error(err)
	}
	if err != nil || cut.Labels["quarantine"] != "yes" || cut.Labels["app"] != "" {
		t.Errorf("the pod's labels are %v (%v)", cut.Labels, err)
	}
	changes("Disable a user", who, "u-7")
	changes("Revoke the user's sessions", who, "u-7")
	if left := d.one(admin, `SELECT (SELECT string_agg(id, ',') FROM users WHERE disabled_at IS NOT NULL) || ' ' || (SELECT string_agg(user_id, ',') FROM sessions)`); left != "u-7 u-8" {
		t.Errorf("disabled, and still with a session, are %q", left)
	}
	changes("Lock a role of the database, and end its sessions", role, "app")
	if _, err := intruder.Exec(t.Context(), `SELECT 1`); err == nil {
		t.Error("the locked role still has its session")
	}
	if can := d.one(admin, `SELECT rolcanlogin::text FROM pg_roles WHERE rolname = 'app'`); can != "false" {
		t.Error("the locked role can still log in")
	}

	named := map[string]string{"pod-name": pod}
	reads("Keep the logs of the last 24 hours", named, cluster.PodLog[2])
	reads("Keep the log from before the last restart", named, cluster.PreviousLog[1])
	reads("Keep how things are now", nil)
	reads("Keep the audit table", nil, "export")
	reads("Keep who is connected to the database", nil, "muster")
	changes("Copy a snapshot out of the pod", named)
	app := map[string]string{"app": "api"}
	reads("Which addresses fail to log in?", app, "412")
	reads("Which logins failed?", app, "login failed for admin")
	reads("Who tries injections?", app, "203.0.113.7")
	reads("What did the user do?", who, "export")
	reads("Which pods run the affected image?", map[string]string{"affected-image": "registry.example.com/api"}, ns+"/"+pod)
	reads("Which pods may do more than others?", nil)
	reads("Who was given rights lately?", nil, "muster")

	f.heal(t)
	changes("Rotate the password of the database", map[string]string{"role": "app"}, "database")
	secret := func(name, key string) string {
		t.Helper()
		s, err := c.Clients.CoreV1().Secrets(ns).Get(t.Context(), name, meta.GetOptions{})
		d.must(err)
		return string(s.Data[key])
	}
	password := secret("database", "password")
	if want := fmt.Sprintf("md5%x", md5.Sum([]byte(password+"app"))); len(password) != 48 || d.one(admin, `SELECT rolpassword FROM pg_authid WHERE rolname = 'app'`) != want {
		t.Errorf("the role's password is not the one of %d characters in the secret", len(password))
	}
	changes("Rotate the API keys", nil, "api-keys")
	changes("Rotate the signing key", nil, "signing-key")
	keys := []string{password, secret("api-keys", "key"), secret("signing-key", "key")}
	if len(keys[1]) != 64 || len(keys[2]) != 64 {
		t.Errorf("the new keys have %d and %d characters", len(keys[1]), len(keys[2]))
	}
	changes("Restart with the new secrets", nil)
	reads("Follow the restart", nil, "successfully rolled out")
	changes("Roll out the patched image", map[string]string{"image": "registry.example.com/api:1.2"}, "registry.example.com/api:1.2")
	reads("Follow the patched image", nil, "successfully rolled out")
	if image := d.deployment().Spec.Template.Spec.Containers[0].Image; image != "registry.example.com/api:1.2" {
		t.Errorf("the image is %s", image)
	}
	changes("Let a role of the database in again", role, "app")
	if can := d.one(admin, `SELECT rolcanlogin::text FROM pg_roles WHERE rolname = 'app'`); can != "true" {
		t.Error("the role cannot log in again")
	}
	changes("Take the block away", nil, "block-address")
	if _, err := policies.Get(t.Context(), "block-address", meta.GetOptions{}); err == nil {
		t.Error("the block is still there")
	}
	for _, s := range d.book.Steps() {
		if s.Runs() && !done[s.Title] {
			switch s.Kind {
			case playbooks.Bash, playbooks.SQL, playbooks.PromQL, playbooks.LogQL:
				t.Errorf("%q was not clicked", s.Title)
			default:
			}
		}
	}
	for _, m := range d.all("alice", incidents) {
		for _, key := range keys {
			if strings.Contains(text(m), key) {
				t.Errorf("a new secret is shown in %.300s", text(m))
			}
		}
	}
	d.archive(keys)
}

// archive has the program write the incident's evidence, and holds it against what the steps found and against itself.
func (d *desk) archive(secrets []string) {
	d.Helper()
	to := filepath.Join(d.dir, "evidence.zip")
	said, err := d.muster("evidence", "archive", "INC-1", to, "--data", d.data)
	d.Logf("muster evidence archive: %s", strings.TrimSpace(said))
	d.must(err)
	pieces := map[string][]byte{}
	z, err := zip.OpenReader(to)
	d.must(err)
	defer z.Close()
	for _, f := range z.File {
		r, err := f.Open()
		d.must(err)
		data, err := io.ReadAll(r)
		d.must(errors.Join(err, r.Close()))
		pieces[filepath.Base(f.Name)] = data
	}
	find := func(what ...string) {
		d.Helper()
		for _, data := range pieces {
			all := true
			for _, w := range what {
				all = all && bytes.Contains(data, []byte(w))
			}
			if all {
				return
			}
		}
		d.Errorf("no piece of the evidence has %.100q", what)
	}
	find(cluster.PodLog[0], cluster.PodLog[2])
	find(cluster.PreviousLog[1])
	find("kind: NetworkPolicy", "quarantine")
	find("and all that belongs to them, the end", "shop 1,", "shop 300,")
	for name, data := range pieces {
		for _, s := range secrets {
			if bytes.Contains(data, []byte(s)) {
				d.Errorf("%s has a new secret in it", name)
			}
		}
		if !strings.HasSuffix(name, ".tar") {
			continue
		}
		archive := tar.NewReader(bytes.NewReader(data))
		for {
			h, err := archive.Next()
			if err != nil {
				d.Errorf("the snapshot has no access.log: %v", err)
				break
			}
			if strings.HasSuffix(h.Name, "var/log/access.log") {
				text, err := io.ReadAll(archive)
				if err != nil || !strings.Contains(string(text), "GET /admin") {
					d.Errorf("the snapshot's access.log is %q (%v)", text, err)
				}
				break
			}
		}
	}

	verify := func() (string, error) { return d.muster("evidence", "verify", "INC-1", "--data", d.data) }
	said, err = verify()
	d.Logf("muster evidence verify: %s", strings.TrimSpace(said))
	d.must(err)
	objects, err := filepath.Glob(filepath.Join(evidence.Beside(d.data), "objects", "*", "*"))
	d.must(err)
	victim := objects[len(objects)/2]
	whole, err := os.ReadFile(victim)
	d.must(err)
	d.must(os.Chmod(victim, 0o600))
	d.must(os.WriteFile(victim, append([]byte{whole[0] ^ 1}, whole[1:]...), 0o600))
	said, err = verify()
	d.Logf("after one byte was changed: %s", strings.TrimSpace(said))
	if err == nil || !strings.Contains(said, "not what was kept") {
		d.Errorf("with one byte changed, verify says %q (%v)", said, err)
	}
}
