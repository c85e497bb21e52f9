package bot_test

import (
	"errors"
	"testing"
	"time"

	"muster/incident"
	"muster/workspace"
)

func TestDirectoryFindsPeople(t *testing.T) {
	inTown(t, func(w *town) {
		d, bobID := w.bot.Directory(), w.ws.Person("bob").ID()
		for _, text := range []string{"<@" + bobID + ">", "<@" + bobID + "|bob>", "@bob", "@Bob", "bob@example.com", "BOB@example.com", "<mailto:bob@example.com|bob@example.com>"} {
			if p, err := d.Find(w.ctx, text, alice); err != nil || p != bob {
				w.Errorf("Find(%q) = %+v, %v", text, p, err)
			}
		}
		if p, err := d.Find(w.ctx, "me", alice); err != nil || p != alice {
			w.Errorf("me is %+v, %v", p, err)
		}
		if p, err := d.Find(w.ctx, "outside@example.org", alice); err != nil || p.Key != "outside@example.org" {
			w.Errorf("somebody who is not in Slack is %+v, %v", p, err)
		}
		for _, text := range []string{"@nobody", "nobody", "", "@gone", "gone@example.com", "@muster", "<@UNOBODY>"} {
			var refusal incident.Refusal
			if p, err := d.Find(w.ctx, text, alice); !errors.As(err, &refusal) {
				w.Errorf("Find(%q) = %+v, %v, want a refusal", text, p, err)
			}
		}
		if m := d.Mention(bob); m != "<@"+bobID+">" {
			w.Errorf("bob's mention is %q", m)
		}
		if m := d.Mention(incident.Person{Key: "gone@example.com"}); m != "" {
			w.Errorf("a deactivated person is mentioned as %q", m)
		}
		if z := d.Zone(alice); z == nil || z.String() != "America/New_York" {
			w.Errorf("alice's zone is %v", z)
		}
		missing := d.Missing(w.ctx, []incident.Person{alice, bob, {Key: "gone@example.com"}, {Key: "slack:@nobody"}})
		if len(missing) != 2 {
			w.Errorf("missing: %v", missing)
		}
	})
}

func TestDirectoryKnowsGroups(t *testing.T) {
	inTown(t, func(w *town) {
		d := w.bot.Directory()
		for _, name := range []string{"@sre", "sre", "@SRE"} {
			if in, err := d.InGroup(w.ctx, name, alice); err != nil || !in {
				w.Errorf("alice in %s: %v, %v", name, in, err)
			}
			if in, err := d.InGroup(w.ctx, name, bob); err != nil || in {
				w.Errorf("bob in %s: %v, %v", name, in, err)
			}
		}
		before := w.ws.Calls()["usergroups.users.list"]
		if before != 1 {
			w.Errorf("the members were read %d times", before)
		}
		if m := d.GroupMention(w.ctx, "@sre"); len(m) < 12 || m[:11] != "<!subteam^S" {
			w.Errorf("the group's mention is %q", m)
		}
		if m := d.GroupMention(w.ctx, "@here"); m != "@here" {
			w.Errorf("@here became %q", m)
		}
		w.ws.FailMethod("usergroups.list", "plan_upgrade_required")
		time.Sleep(time.Hour)
		if in, err := d.InGroup(w.ctx, "@other", alice); err != nil || in {
			w.Errorf("without user groups: %v, %v", in, err)
		}
	})
}

func TestDirectoryLearnsOfChanges(t *testing.T) {
	inTown(t, func(w *town) {
		d := w.bot.Directory()
		if err := w.ws.Deactivate("bob"); err != nil {
			w.Fatal(err)
		}
		w.ws.AddPerson(workspace.Profile{Handle: "carol", Name: "Carol Wu", Email: "carol@example.com"})
		w.settle()
		if _, err := d.Find(w.ctx, "@bob", alice); err == nil {
			w.Error("bob is found although his account is switched off")
		}
		if p, err := d.Find(w.ctx, "@carol", alice); err != nil || p.Key != "carol@example.com" {
			w.Errorf("carol is %+v, %v", p, err)
		}
		if n := w.ws.Calls()["users.list"]; n != 1 {
			w.Errorf("the people were listed %d times", n)
		}
	})
}
