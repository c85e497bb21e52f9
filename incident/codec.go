package incident

import (
	"encoding/json"
	"fmt"
	"reflect"
)

// The names under which events and effects are stored. A name is never used
// again for another shape: a changed shape gets a new version.
var (
	eventKinds = kinds(map[string]Event{
		"declared": Declared{}, "updated": Updated{}, "status_changed": StatusChanged{},
		"severity_changed": SeverityChanged{}, "marked_critical": MarkedCritical{},
		"role_given": RoleGiven{}, "noted": Noted{}, "action_added": ActionAdded{},
		"acknowledged": Acknowledged{}, "unacknowledged": Unacknowledged{},
		"ack_lapsed": AckLapsed{}, "held": Held{}, "hold_ended": HoldEnded{},
		"escalated": Escalated{}, "ladder_started": LadderStarted{}, "paged": Paged{},
		"level_passed": LevelPassed{}, "last_resort_paged": LastResortPaged{},
		"page_settled": PageSettled{}, "reminder_due": ReminderDue{},
		"update_overdue": UpdateOverdue{}, "snoozed": Snoozed{},
		"on_call_changed": OnCallChanged{}, "resolved": ResolvedEvent{},
		"reopened": Reopened{}, "closed": ClosedEvent{}, "merged_into": MergedInto{},
		"merged_from": MergedFrom{}, "posted": Posted{}, "effect_failed": EffectFailed{}, "caught_up": CaughtUp{},
		"postmortem_written": PostmortemWritten{}, "postmortem_assigned": PostmortemAssigned{},
		"postmortem_planned": PostmortemPlanned{}, "record_marked": RecordMarked{}, "action_done": ActionDone{},
		"meeting_near": MeetingNear{}, "postmortem_overdue": PostmortemOverdue{}, "action_near": ActionNear{}, "action_shown": ActionShown{}, "impact_counted": ImpactCounted{}, "past_found": PastFound{},
		"override_made": OverrideMade{}, "swap_asked": SwapAsked{}, "swap_answered": SwapAnswered{},
		"alerts_heard": AlertsHeard{}, "group_announced": GroupAnnounced{}, "group_posted": GroupPosted{},
		"group_page_settled": GroupPageSettled{}, "group_acked": GroupAcked{}, "group_silenced": GroupSilenced{},
		"silence_settled": SilenceSettled{}, "silence_ended": SilenceEnded{}, "group_declaring": GroupDeclaring{},
		"group_joined": GroupJoined{}, "group_in_storm": GroupInStorm{}, "group_held": GroupHeld{},
		"group_flapping": GroupFlapping{}, "group_charted": GroupCharted{}, "group_over": GroupOver{},
		"maintenance_began": MaintenanceBegan{}, "maintenance_ended": MaintenanceEnded{}, "storm_began": StormBegan{},
		"storm_ended": StormEnded{}, "watchdog_seen": WatchdogSeen{}, "watchdog_missing": WatchdogMissing{},
		"lookout_declared": LookoutDeclared{},
		"alerts_told":      AlertsTold{}, "all_alerts_resolved": AllAlertsResolved{},
		"shift_began": ShiftBegan{}, "shift_accepted": ShiftAccepted{}, "shift_unanswered": ShiftUnanswered{}, "digest_due": DigestDue{},
		"playbook_suggested": PlaybookSuggested{}, "playbook_opened": PlaybookOpened{}, "playbook_posted": PlaybookPosted{},
		"item_ticked": ItemTicked{}, "step_asked": StepAsked{}, "step_previewed": StepPreviewed{}, "step_confirmed": StepConfirmed{},
		"step_approved": StepApproved{}, "step_refused": StepRefused{}, "step_withdrawn": StepWithdrawn{}, "step_lapsed": StepLapsed{},
		"step_changed": StepChanged{}, "step_started": StepStarted{}, "step_stopped": StepStopped{}, "step_ended": StepEnded{},
		"step_posted":  StepPosted{},
		"person_added": PersonAdded{}, "imported": Imported{}, "erased": Erased{}, "erased_told": ErasedTold{},
		"watch_began": WatchBegan{}, "watched": Watched{}, "watch_ended": WatchEnded{},
	})
	effectKinds = kinds(map[string]Effect{
		"page": Page{}, "announce": Announce{}, "refresh_card": RefreshCard{},
		"thread": Thread{}, "tell": Tell{}, "notify": Notify{}, "operations": Operations{},
		"last": Last{}, "room": Room{}, "pass": Pass{}, "follow": Follow{},
		"post":    Post{},
		"perform": Perform{}, "interrupt": Interrupt{}, "show_section": ShowSection{}, "refresh_section": RefreshSection{},
		"show_step": ShowStep{}, "refresh_step": RefreshStep{}, "show_output": ShowOutput{},
		"meeting_mail": MeetingMail{}, "meeting_file": MeetingFile{}, "count_impact": CountImpact{}, "show_document": ShowDocument{}, "look_back": LookBack{},
		"show_watch": ShowWatch{}, "show_regression": ShowRegression{},
		"alert_post": AlertPost{}, "alert_refresh": AlertRefresh{}, "alert_thread": AlertThread{}, "alert_mail": AlertMail{},
		"alert_page": AlertPage{}, "open_incident": OpenIncident{}, "inform": Inform{}, "fold": Fold{}, "alert_silence": AlertSilence{},
		"alert_unsilence": AlertUnsilence{}, "alert_chart": AlertChart{}, "alert_operations": AlertOperations{}, "alert_list": AlertList{},
	})
)

// EventVersion is the version of the events' stored shape.
const EventVersion = 1

type kindTable[T any] struct {
	byName map[string]reflect.Type
	byType map[reflect.Type]string
}

func kinds[T any](m map[string]T) kindTable[T] {
	t := kindTable[T]{map[string]reflect.Type{}, map[reflect.Type]string{}}
	for name, v := range m {
		rt := reflect.TypeOf(v)
		t.byName[name], t.byType[rt] = rt, name
	}
	return t
}

func (t kindTable[T]) name(v T) string { return t.byType[reflect.TypeOf(v)] }

func (t kindTable[T]) encode(v T) (string, []byte, error) {
	name := t.name(v)
	if name == "" {
		return "", nil, fmt.Errorf("encode %T: it has no stored name", v)
	}
	body, err := json.Marshal(v)
	if err != nil {
		return "", nil, fmt.Errorf("encode %s: %w", name, err)
	}
	return name, body, nil
}

func (t kindTable[T]) decode(name string, body []byte) (T, error) {
	var zero T
	rt, ok := t.byName[name]
	if !ok {
		return zero, fmt.Errorf("decode: no kind is called %q", name)
	}
	p := reflect.New(rt)
	if err := json.Unmarshal(body, p.Interface()); err != nil {
		return zero, fmt.Errorf("decode %s: %w", name, err)
	}
	return p.Elem().Interface().(T), nil
}

// EventKind is the stored name of an event ("paged").
func EventKind(e Event) string { return eventKinds.name(e) }

// EncodeEvent gives an event's stored name and body.
func EncodeEvent(e Event) (kind string, body []byte, err error) { return eventKinds.encode(e) }

// DecodeEvent reads what EncodeEvent wrote.
func DecodeEvent(kind string, version int, body []byte) (Event, error) {
	if version != EventVersion {
		return nil, fmt.Errorf("decode %s: version %d was written by a newer program than this one", kind, version)
	}
	return eventKinds.decode(kind, body)
}

// EffectKind is the stored name of an effect ("page").
func EffectKind(e Effect) string { return effectKinds.name(e) }

// EncodeEffect gives an effect's stored name and body.
func EncodeEffect(e Effect) (kind string, body []byte, err error) { return effectKinds.encode(e) }

// DecodeEffect reads what EncodeEffect wrote.
func DecodeEffect(kind string, body []byte) (Effect, error) { return effectKinds.decode(kind, body) }
