// Package database starts a PostgreSQL server of a test's own, on a socket in a temporary folder.
//
// It never listens on a network, never outlives its test, and is no part of the program.
package database

import (
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// patience is how long the server may take until it answers.
const patience = time.Minute

// Server is a running server. Its superuser is admin, its database postgres.
type Server struct {
	// URL is the address of the database as its superuser.
	URL string
	// Socket is the folder of the socket, for psql -h.
	Socket string
}

// Program finds one of PostgreSQL's programs, also where Debian puts them. Where it is missing the test is skipped;
// with CI=true it fails.
func Program(t testing.TB, name string) string {
	t.Helper()
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	if found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + name); len(found) > 0 {
		return slices.Max(found)
	}
	say := fmt.Sprintf("PostgreSQL's %s is missing; run .ci/install, or apt-get install postgresql", name)
	if os.Getenv("CI") == "true" {
		t.Fatal(say)
	}
	t.Skip(say)
	return ""
}

// Start starts a server that ends with the test.
func Start(t testing.TB) Server {
	t.Helper()
	initdb, postgres := Program(t, "initdb"), Program(t, "postgres")
	dir, err := os.MkdirTemp("", "pg") // a socket's path must be short, and the server's own user must get there
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	as := &syscall.SysProcAttr{}
	if os.Getuid() == 0 {
		who, err := user.Lookup("nobody")
		if err != nil {
			t.Skip("PostgreSQL does not run as root, and there is no user nobody")
		}
		uid, _ := strconv.Atoi(who.Uid)
		gid, _ := strconv.Atoi(who.Gid)
		if err := os.Chown(dir, uid, gid); err != nil {
			t.Fatal(err)
		}
		as.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	}
	data := filepath.Join(dir, "data")
	fresh := exec.Command(initdb, "-D", data, "-U", "admin", "--auth=trust", "-N", "--locale=C", "-E", "UTF8")
	fresh.SysProcAttr, fresh.Dir = as, dir
	if out, err := fresh.CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v\n%s", err, out)
	}
	name := filepath.Join(dir, "log")
	log, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	server := exec.Command(postgres, "-D", data, "-k", dir, "-c", "listen_addresses=", "-c", "fsync=off", "-c", "max_connections=30",
		"-c", "shared_preload_libraries=pg_stat_statements")
	server.SysProcAttr, server.Dir, server.Stdout, server.Stderr = as, dir, log, log
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = server.Process.Signal(syscall.SIGQUIT)
		_ = server.Wait()
	})
	s := Server{URL: "postgres://admin@/postgres?host=" + dir, Socket: dir}
	for end := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		c, err := pgx.Connect(t.Context(), s.URL)
		if err == nil {
			_ = c.Close(t.Context())
			return s
		}
		if time.Now().After(end) {
			said, _ := os.ReadFile(name)
			t.Fatalf("PostgreSQL does not answer: %v\n%s", err, said)
		}
	}
}
