package app

import (
	"bytes"
	"errors"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"muster/store/kv"
	"muster/store/kv/bolt"
)

// TestOneAlteredIncident: the program starts without it, says so everywhere, and
// never writes to it; the others go on.
func TestOneAlteredIncident(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		w.command("erin", "#incidents", "/incident create P1 The altered one")
		w.command("erin", "#incidents", "/incident create P1 The other one")
		w.card("The other one")
		w.calm(time.Minute)
		w.stop()
		file := filepath.Join(w.dir, "muster.db")
		before := head(t, file)
		alter(t, file, "The altered one", "The alterex one")
		time.Sleep(time.Minute)
		w.start()
		w.wait(time.Minute, "word in the operations channel", func() bool {
			_, ok := find(w.ws.Person("alice").Messages("#muster-ops"), "INC-1's history is damaged")
			return ok
		})
		if status, answer := w.ask(http.MethodGet, "/readyz", "", "", ""); status != http.StatusServiceUnavailable || !strings.Contains(answer, "INC-1's history is damaged") {
			t.Errorf("/readyz says %d %s", status, answer)
		}
		if status, answer := w.ask(http.MethodPost, "/v1/commands", "api-token", "", `{"text":"ack INC-1","as":"erin@example.com"}`); status == http.StatusOK || !strings.Contains(answer, "damaged") {
			t.Errorf("ack INC-1: %d %s", status, answer)
		}
		w.post(http.StatusOK, "ack INC-2", "erin@example.com", "a")
		time.Sleep(40 * time.Minute)
		w.stop()
		if !bytes.Equal(head(t, file), before) {
			t.Error("the altered incident was written to")
		}
		w.start()
	})
}

// head is the stored end of the first incident, as it stands in the file.
func head(t *testing.T, path string) (value []byte) {
	t.Helper()
	db, err := bolt.Open(path, bolt.Options{Timeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	err = db.Scan(kv.Prefix([]byte("hINC-")), func(_, v []byte) bool {
		value = bytes.Clone(v)
		return false
	})
	if err := errors.Join(err, db.Close()); err != nil || value == nil {
		t.Fatalf("the incident has no end: %v", err)
	}
	return value
}

// alter changes words in every value of a data file.
func alter(t *testing.T, path, from, to string) {
	t.Helper()
	db, err := bolt.Open(path, bolt.Options{Timeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	var ops []kv.Op
	err = db.Scan(kv.Prefix([]byte{'l'}), func(k, v []byte) bool {
		if bytes.Contains(v, []byte(from)) {
			ops = append(ops, kv.Op{Key: bytes.Clone(k), Value: bytes.ReplaceAll(v, []byte(from), []byte(to))})
		}
		return true
	})
	if err == nil {
		err = db.Commit(ops, nil)
	}
	if err != nil || len(ops) == 0 {
		t.Fatalf("%d records altered, %v", len(ops), err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}
