package app

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	goical "github.com/emersion/go-ical"

	"muster/config"
	"muster/workspace"
	"muster/workspace/inbox"
)

// inMailBubble runs a test with a mail server.
func inMailBubble(t *testing.T, files map[string]string, change func(*Options), test func(w *world, box *inbox.Inbox)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, files)
		defer w.end()
		box, pipe := inbox.New(inbox.Config{}), workspace.NewPipe()
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- box.Serve(ctx, pipe) }()
		defer func() {
			cancel()
			if err := <-done; err != nil {
				t.Errorf("the mail server ended badly: %v", err)
			}
		}()
		w.change = func(o *Options) {
			o.MailDial = pipe.DialContext
			o.Env.SMTPURL, o.Env.SMTPFrom = config.NewSecret("smtp://localhost:2525?tls=none"), "Muster <muster@example.com>"
			if change != nil {
				change(o)
			}
		}
		w.start()
		defer func() { w.stop() }()
		test(w, box)
	})
}

// meetingIn reads the newest calendar file of a mailbox, with a reader that did
// not write it.
func (w *world) meetingIn(box *inbox.Inbox, address string, n int) (method, uid string, sequence int, at time.Time) {
	w.Helper()
	var files [][]byte
	w.wait(time.Minute, fmt.Sprintf("%d invitations for %s", n, address), func() bool {
		files = nil
		for _, m := range box.Mails(address) {
			if m.Calendar != nil {
				files = append(files, m.Calendar)
			}
		}
		return len(files) >= n
	})
	if len(files) != n {
		w.Errorf("%s got %d invitations, want %d", address, len(files), n)
	}
	return w.calendar(files[n-1])
}

func (w *world) calendar(file []byte) (method, uid string, sequence int, at time.Time) {
	w.Helper()
	cal, err := goical.NewDecoder(bytes.NewReader(file)).Decode()
	if err != nil || len(cal.Events()) != 1 {
		w.Fatalf("%v in\n%s", err, file)
	}
	e := cal.Events()[0]
	uid, err = e.Props.Text(goical.PropUID)
	if err == nil {
		sequence, err = e.Props.Get(goical.PropSequence).Int()
	}
	if err == nil {
		at, err = e.DateTimeStart(time.UTC)
	}
	if err != nil {
		w.Fatalf("%v in\n%s", err, file)
	}
	return cal.Props.Get(goical.PropMethod).Value, uid, sequence, at
}

// The invitation goes to who took part and to the stakeholders, a move replaces
// it, and a waiver takes it back.
func TestMeetingReachesCalendars(t *testing.T) {
	files := map[string]string{"muster.yaml": "postmortem: {invite: [board@example.com]}\n"}
	inMailBubble(t, files, nil, func(w *world, box *inbox.Inbox) {
		w.post(200, "create P2 API slow", "erin@example.com", "")
		card := w.card("API slow")
		w.post(200, "resolve INC-1 a bad deploy", "erin@example.com", "")
		method, uid, first, at := w.meetingIn(box, "board@example.com", 1)
		if method != "REQUEST" || !at.Equal(w.state("INC-1").After.Meeting) {
			t.Errorf("%s at %s, want a request at %s", method, at, w.state("INC-1").After.Meeting)
		}
		mail := box.Mails("erin@example.com")
		if len(mail) == 0 || !strings.Contains(mail[0].Text, "a bad deploy") || !strings.Contains(string(mail[0].Raw), "text/calendar; method=REQUEST") {
			t.Errorf("who declared it got %+v", mail)
		}
		var file workspace.Message
		w.wait(time.Minute, "a calendar file in the thread", func() bool {
			for _, m := range w.thread(card) {
				if len(m.Files) == 1 {
					file = m
				}
			}
			return len(file.Files) == 1
		})
		data := w.ws.Person("alice").FileData(fmt.Sprint(file.Files[0]["id"]))
		if m, u, _, a := w.calendar(data); m != "PUBLISH" || u != uid || !a.Equal(at) || bytes.Contains(data, []byte("mailto")) {
			t.Errorf("the file in the thread is\n%s", data)
		}

		w.post(200, "postmortem when INC-1 in 3 days", "erin@example.com", "")
		method, moved, second, at := w.meetingIn(box, "board@example.com", 2)
		if method != "REQUEST" || moved != uid || second <= first || !at.Equal(w.state("INC-1").After.Meeting) {
			t.Errorf("the move is %s %s %d at %s, after %s %d", method, moved, second, at, uid, first)
		}
		w.post(200, "postmortem assign INC-1 @dan", "erin@example.com", "")
		if m, u, n, a := w.meetingIn(box, "dan@example.com", 1); m != "REQUEST" || u != uid || n <= second || !a.Equal(at) {
			t.Errorf("who writes it now got %s %s %d at %s", m, u, n, a)
		}
		w.restart(time.Minute) // the name of the meeting outlives the process
		w.post(200, "postmortem waive INC-1 false alarm", "erin@example.com", "")
		method, last, third, _ := w.meetingIn(box, "erin@example.com", 3)
		if method != "CANCEL" || last != uid || third <= second {
			t.Errorf("the waiver is %s %s %d, after %s %d", method, last, third, uid, second)
		}
		if method, _, _, _ := w.meetingIn(box, "dan@example.com", 2); method != "CANCEL" {
			t.Errorf("who writes it was told %s", method)
		}
		w.calm(time.Minute)
	})
}

// The meeting is reminded of a day and an hour before, and overdue told to the
// writer and the manager on call, each once and also where Muster was away; a
// reminder of what is past is not sent.
func TestMeetingIsRemindedOfOnce(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		w.post(200, "create P1 API slow", "erin@example.com", "")
		w.post(200, "resolve INC-1 a bad deploy", "erin@example.com", "")
		w.post(200, "postmortem when INC-1 2000-01-04 10:00 UTC", "erin@example.com", "")
		manager := w.program.roster.OnCall("manager", time.Now()).Contacts[0].Person.Key
		told := func(who string, words ...string) (n int) {
			p := w.ws.Person(strings.TrimSuffix(who, "@example.com"))
			for _, m := range p.Messages(p.DM("muster")) {
				if says(m, words...) {
					n++
				}
			}
			return n
		}
		want := func(reminders, overdue int) {
			t.Helper()
			w.calm(time.Minute)
			if n := told("erin@example.com", "The post-mortem is at"); n != reminders {
				t.Errorf("at %s there are %d reminders, want %d", time.Now().UTC().Format(time.DateTime), n, reminders)
			}
			for _, who := range []string{"erin@example.com", manager} {
				if n := told(who, "The post-mortem is overdue"); n != overdue {
					t.Errorf("at %s %s was told %d times that it is overdue, want %d", time.Now().UTC().Format(time.DateTime), who, n, overdue)
				}
			}
		}
		away := func(until string) {
			t.Helper()
			at, err := time.Parse(time.DateTime, until)
			if err != nil {
				t.Fatal(err)
			}
			w.restart(time.Until(at))
		}
		want(0, 0)
		away("2000-01-03 09:00:00")
		want(0, 0)
		away("2000-01-03 18:00:00") // eight hours after it was due
		want(1, 0)
		away("2000-01-04 10:30:00") // the one of an hour before is no use any more
		want(1, 0)
		away("2000-01-05 09:00:00")
		want(1, 1)
		away("2000-01-07 09:00:00")
		want(1, 1)
	})
}

// Reopening calls the meeting off; a drill invites nobody, and neither does an
// incident without a meeting.
func TestMeetingIsCalledOff(t *testing.T) {
	inMailBubble(t, nil, nil, func(w *world, box *inbox.Inbox) {
		w.post(200, "create P2 API slow", "erin@example.com", "")
		w.post(200, "resolve INC-1 a bad deploy", "erin@example.com", "")
		_, uid, first, _ := w.meetingIn(box, "erin@example.com", 1)
		w.post(200, "reopen INC-1 errors are back", "erin@example.com", "")
		if method, u, n, _ := w.meetingIn(box, "erin@example.com", 2); method != "CANCEL" || u != uid || n <= first {
			t.Errorf("%s %s %d, after %s %d", method, u, n, uid, first)
		}
		w.post(200, "resolve INC-1 the cache postmortem=none", "erin@example.com", "")
		w.post(200, `drill P3 "small one"`, "erin@example.com", "")
		w.post(200, "resolve INC-2 nothing", "erin@example.com", "")
		w.calm(10 * time.Minute)
		w.meetingIn(box, "erin@example.com", 2)
	})
}

// Slack takes the calendar file and its answer is lost: the file is looked for
// by its name, and comes once. The next one, of a meeting that was moved, is
// another file.
func TestMeetingFileComesOnce(t *testing.T) {
	const upload = "files.completeUploadExternal"
	inBubble(t, nil, func(w *world) {
		w.post(200, "create P2 API slow", "erin@example.com", "")
		card := w.card("API slow")
		for n, text := range []string{"resolve INC-1 a bad deploy", "postmortem when INC-1 in 3 days"} {
			before := w.ws.Calls()["conversations.replies"]
			w.ws.LoseAnswers(upload, 1)
			w.post(200, text, "erin@example.com", "")
			w.wait(time.Minute, "calendar file", func() bool { return len(w.namesIn(card)) == n+1 })
			w.calm(10 * time.Minute)
			if names := w.namesIn(card); len(names) != n+1 || len(w.thread(card)) == 0 {
				t.Errorf("after %q the files are %v", text, names)
			}
			if n := w.ws.Calls()["conversations.replies"] - before; n == 0 {
				t.Error("it was not looked for: no answer was lost")
			}
		}
		for name, times := range w.namesIn(card) {
			if times != 1 {
				t.Errorf("%s came %d times", name, times)
			}
		}
		if n := w.ws.Calls()[upload]; n != 2 {
			t.Errorf("two files were posted by %d calls", n)
		}
	})
}
