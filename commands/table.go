package commands

import (
	"context"
	"slices"
)

// target says which incident a command is about.
type target int

const (
	targetNone  target = iota
	targetOpen         // the only open one, if none is named
	targetEnded        // the only resolved one, if none is named
	targetAny          // the only open one, but an ended one may be named
	targetMaybe        // like targetAny, but none will do
)

// idsWhere says where in its text a command looks for an incident's name.
type idsWhere int

const (
	idsNone      idsWhere = iota
	idsAnywhere           // every ID is one
	idsAfterArgs          // free text follows: IDs before it, or at its end
	idsLeading            // free text only: an ID in front, or at the end
)

// spec is all there is to know about one command.
type spec struct {
	name    string
	aliases []string
	// needs is the permission; empty: everybody may.
	needs Permission
	// pagedToo lets a person whom the incident has paged do it without the
	// permission: whoever is woken can say that they have it.
	pagedToo bool
	target   target
	ids      idsWhere
	// words of its own may stand before an ID, with idsAfterArgs.
	words []string
	// keepWord leaves another word for the command among its arguments, where
	// that word is one.
	keepWord bool
	about    string // one line of help
	usage    []string
	more     string // more help, one or two sentences
	examples []string
	run      func(c *Commands, x *exec) Reply
}

// exec is one command being carried out.
type exec struct {
	ctx  context.Context
	call Call
	spec *spec
	line
	// at is the incident, when the command has a target.
	at incidentState
}

var specs []spec

// The table of all commands: the words, the permission, the help. It is filled
// at the start, because the commands that it lists read it.
func init() {
	specs = slices.Concat(lifeSpecs(), respondSpecs(), tellSpecs(), askSpecs(), rotaSpecs(), alertSpecs(), playbookSpecs(), laterSpecs())
}

// find gives the command with this name, or nil. "/" in front is allowed.
func find(word string) *spec {
	if word == "" {
		return nil
	}
	for i := range specs {
		if specs[i].name == word || slices.Contains(specs[i].aliases, word) {
			return &specs[i]
		}
	}
	return nil
}

// usage refuses with what is wrong, how the command is written and an example.
func usage(s *spec, problem ...any) Reply {
	body := Say(problem...)
	body = Say(body, "\nUsage: ")
	for i, u := range s.usage {
		if i > 0 {
			body = Say(body, " or ")
		}
		body = Say(body, Code(u))
	}
	if len(s.examples) > 0 {
		body = Say(body, "\nFor example: ", Code(s.examples[0]))
	}
	return Reply{Code: CodeUsage, Body: body, Ephemeral: true}
}

func lifeSpecs() []spec {
	return []spec{
		{
			name: "create", aliases: []string{"declare", "new", "report"}, needs: Declare,
			about: "declare an incident and page who is on call",
			usage: []string{"create [--private] [severity] title [service=…] [impact=…]"},
			more: "The severity is P0, P1, P2 or P3 in front, or the word critical. Without one it comes from a playbook that fits the title, " +
				"else from the default; the answer says which. Without a title you get a form. --private: only the people see it who are paged, get a role or are invited.",
			examples: []string{`create "API service down - investigating"`, "create P0 checkout fails service=shop impact=\"nobody can pay\""},
			run:      (*Commands).create,
		},
		{
			name: "resolve", aliases: []string{"resolved", "fixed", "solved"}, needs: Respond, target: targetOpen, ids: idsLeading,
			about: "end the incident: cause, fix, post-mortem",
			usage: []string{"resolve [cause] [fix=…] [postmortem=…]"},
			more: "The ladder ends and the resolution is posted. Without a cause you get a form. The post-mortem is scheduled for the next working day " +
				"unless you name a time.",
			examples: []string{"resolve bad deploy of checkout 4.2 fix=rolled back to 4.1"},
			run:      (*Commands).resolve,
		},
		{
			name: "reopen", aliases: []string{"re-open", "unresolve"}, needs: Respond, target: targetEnded, ids: idsLeading,
			about:    "take a resolution back; the ladder starts again",
			usage:    []string{"reopen reason"},
			examples: []string{"reopen errors are back", "reopen INC-3 the rollback did not hold"},
			run:      (*Commands).reopen,
		},
		{
			name: "merge", aliases: []string{"duplicate", "dup"}, needs: Respond, target: targetOpen, ids: idsAnywhere,
			about: "end this incident as the same as another",
			usage: []string{"merge INC-n", "merge INC-m INC-n"},
			more:  "The first one ends and points to the second, where the work goes on.",
			examples: []string{"merge INC-3",
				"merge INC-4 into INC-3"},
			run: (*Commands).merge,
		},
		{
			name: "critical", aliases: []string{"business-critical"}, needs: Respond, target: targetOpen, ids: idsAnywhere,
			about:    "mark the incident business-critical; the last levels apply",
			usage:    []string{"critical"},
			more:     "P0 is business-critical anyway.",
			examples: []string{"critical", "critical INC-3"},
			run:      (*Commands).critical,
		},
		inviteSpec(),
		{
			name: "severity", aliases: []string{"sev", "prio", "priority"}, needs: Respond, target: targetOpen, ids: idsAfterArgs,
			about:    "raise or lower the severity",
			usage:    []string{"severity P0|P1|P2|P3 [reason]"},
			more:     "Raised, its ladder applies from now; lowered to P2 or P3, the ladder ends.",
			examples: []string{"severity P0 all regions are down"},
			run:      (*Commands).severity,
		},
		{
			name: "status", aliases: []string{"state"}, needs: Respond, target: targetOpen, ids: idsAfterArgs,
			about:    "set the status without an update",
			usage:    []string{"status Investigating|Identified|Mitigating"},
			more:     "It does not answer the update clock: use update for that.",
			examples: []string{"status identified"},
			run:      (*Commands).status,
		},
	}
}

func tellSpecs() []spec {
	return []spec{
		{
			name: "update", aliases: []string{"up", "post"}, needs: Respond, target: targetOpen, ids: idsAfterArgs,
			about:    "tell people where things stand; sets the update clock again",
			usage:    []string{"update [status] text [next=…] [eta=…] [impact=…]"},
			more:     "Without text you get a form, filled in from what was recorded since the last update.",
			examples: []string{"update mitigating rolled back, errors fall next=watch for 10 minutes eta=21:30"},
			run:      (*Commands).update,
		},
		{
			name: "nochange", aliases: []string{"no-change", "no change", "unchanged"}, needs: Respond, target: targetOpen, ids: idsAnywhere,
			about:    "answer a reminder: nothing has changed",
			usage:    []string{"nochange"},
			examples: []string{"nochange INC-3"},
			run:      (*Commands).nochange,
		},
		{
			name: "snooze", aliases: []string{"later"}, needs: Respond, target: targetOpen, ids: idsAnywhere,
			about:    "move the next reminder by 10 minutes",
			usage:    []string{"snooze"},
			more:     "A P0 cannot be snoozed twice in a row.",
			examples: []string{"snooze INC-3"},
			run:      (*Commands).snooze,
		},
		{
			name: "note", aliases: []string{"log", "add"}, needs: Respond, target: targetAny, ids: idsLeading,
			about:    "add a line to the timeline",
			usage:    []string{"note text"},
			examples: []string{"note restarted api-7, errors unchanged"},
			run:      (*Commands).note,
		},
		{
			name: "action", aliases: []string{"todo", "followup", "follow-up", "follow up"}, needs: Respond, target: targetAny, ids: idsLeading,
			about:    "record follow-up work",
			usage:    []string{"action text [@x] [due]", "action done n"},
			more:     `The day it is due stands at the end: a date, a weekday, "tomorrow" or "in 3 days".`,
			examples: []string{"action alert on queue length @bob friday"},
			run:      (*Commands).action,
		},
	}
}

func respondSpecs() []spec {
	return []spec{
		{
			name: "ack", aliases: []string{"acknowledge", "acknowledged", "acked", "on it", "got it"}, needs: Respond, pagedToo: true, target: targetOpen, ids: idsAnywhere,
			about:    "say that you have it: stops L1 and L2, and pages to you",
			usage:    []string{"ack"},
			examples: []string{"ack", "ack INC-3"},
			run:      (*Commands).ack,
		},
		{
			name: "unack", aliases: []string{"unacknowledge", "un-ack", "release"}, needs: Respond, pagedToo: true, target: targetOpen, ids: idsAnywhere,
			about:    "give your acknowledgement back; the ladder goes on",
			usage:    []string{"unack"},
			examples: []string{"unack INC-3"},
			run:      (*Commands).unack,
		},
		{
			name: "lead", aliases: []string{"commander", "ic", "take"}, needs: Respond, target: targetOpen, ids: idsAnywhere,
			about:    "make somebody the commander; without a name, you",
			usage:    []string{"lead [@x]"},
			examples: []string{"lead @bob", "lead me INC-3"},
			run:      (*Commands).lead,
		},
		{
			name: "role", aliases: []string{"assign", "comms", "ops", "scribe"}, needs: Respond, target: targetOpen, ids: idsAnywhere, keepWord: true,
			about:    "give a role; without a name, to you",
			usage:    []string{"role comms|ops|scribe [@x]"},
			examples: []string{"role comms @carol", "scribe me"},
			run:      (*Commands).role,
		},
		{
			name: "escalate", aliases: []string{"esc"}, needs: Respond, target: targetOpen, ids: idsAfterArgs,
			about:    "page now: the next level, or the one you name",
			usage:    []string{"escalate [L1…|role|@person] [reason]"},
			examples: []string{"escalate", "escalate L3 vendor does not answer", "escalate @dave he knows the database"},
			run:      (*Commands).escalate,
		},
		{
			name: "page", aliases: []string{"call", "wake"}, needs: Respond, target: targetOpen, ids: idsAfterArgs,
			about:    "page a person or a role with a message",
			usage:    []string{"page @x|role text"},
			examples: []string{"page @dave please look at the replica", "page secondary need a second pair of eyes"},
			run:      (*Commands).page,
		},
		{
			name: "hold", aliases: []string{"pause"}, needs: Respond, target: targetOpen, ids: idsAfterArgs,
			about:    "stop the ladder for at most an hour",
			usage:    []string{"hold 30m reason"},
			more:     "It is shown on the card and ends by itself.",
			examples: []string{"hold 30m waiting for the vendor"},
			run:      (*Commands).hold,
		},
	}
}

func askSpecs() []spec {
	return []spec{
		{
			name: "list", aliases: []string{"ls", "incidents"},
			about:    "list incidents",
			usage:    []string{"list [open|all|mine]"},
			examples: []string{"list mine"},
			run:      (*Commands).list,
		},
		{
			name: "show", aliases: []string{"info", "view", "details"}, target: targetAny, ids: idsAnywhere,
			about:    "show where an incident stands: clocks, ladder, pages, roles",
			usage:    []string{"show"},
			examples: []string{"show INC-3"},
			run:      (*Commands).show,
		},
		{
			name: "timeline", aliases: []string{"history", "tl"}, target: targetAny, ids: idsAnywhere,
			about:    "list everything that was recorded",
			usage:    []string{"timeline"},
			examples: []string{"timeline INC-3"},
			run:      (*Commands).timeline,
		},
		{
			name: "simulate", aliases: []string{"whatif", "sim"},
			about:    "say who would be paged when, if nobody answered",
			usage:    []string{`simulate P0 ["Sun 03:00 Europe/Berlin"] [ack 12m [@x]]`},
			more:     "With ack it says what an acknowledgement after that time changes; without a name it is by the person who was paged last.",
			examples: []string{`simulate P0 "Sun 03:00 Europe/Berlin"`, "simulate P1 tomorrow 9:00 ack 12m @bob"},
			run:      (*Commands).simulate,
		},
		{
			name: "help", aliases: []string{"?", "commands", "usage"},
			about:    "list the commands, or explain one",
			usage:    []string{"help [command]"},
			examples: []string{"help escalate"},
			run:      (*Commands).help,
		},
	}
}

func rotaSpecs() []spec {
	return []spec{
		{
			name: "oncall", aliases: []string{"on-call", "on call", "who"},
			about:    "say who is on call, until when, who is next, reached by what",
			usage:    []string{"oncall [role] [when]"},
			examples: []string{"oncall", `oncall "Sun 03:00 Europe/Berlin"`, "oncall secondary tomorrow 9:00"},
			run:      (*Commands).oncall,
		},
		{
			name: "why", about: "explain why somebody is on call, or why a role has who it has",
			usage:    []string{"why @x|role [when]"},
			examples: []string{"why primary", "why @alice sunday 03:00"},
			run:      (*Commands).why,
		},
		{
			name: "override", aliases: []string{"cover"}, needs: Respond,
			about:    "put somebody on call for a span",
			usage:    []string{"override @x [role] from … to …"},
			more:     "Without a role it is the one that you are on call for then, else primary. Instead of to …, for 4h works too. The newest override wins.",
			examples: []string{"override @bob primary from Fri 18:00 to Mon 09:00", "override me for 2h"},
			run:      (*Commands).override,
		},
		{
			name: "swap", aliases: []string{"trade"}, needs: Respond,
			about: "ask somebody to take a span of yours, or answer who asked you",
			usage: []string{"swap @x [role] from … to … [in return from … to …]", "swap accept ID", "swap decline ID"},
			more:  "Nothing changes until the other person accepts. Only the one who was asked can.",
			examples: []string{"swap @bob primary from Sat 09:00 to Sun 09:00",
				"swap accept S-1"},
			run: (*Commands).swap,
		},
		{
			name: "accept", about: "say that you know to be on call after a hand-over",
			usage:    []string{"accept [role]"},
			more:     "Without a role it is the one that you are on call for. Only the one who takes over can.",
			examples: []string{"accept primary"},
			run:      (*Commands).accept,
		},
		testPageSpec(),
	}
}

func laterSpecs() []spec {
	return []spec{
		postmortemSpec(),
		drillSpec(),
		statsSpec(),
	}
}
