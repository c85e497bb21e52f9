package bot

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"syscall"

	"muster/outbox"
)

// Error says what Slack said.
func (e *Error) Error() string {
	switch {
	case e.RetryAfter > 0:
		return fmt.Sprintf("Slack %s: wait %s", e.Method, e.RetryAfter)
	case e.Status > 0:
		return fmt.Sprintf("Slack %s: HTTP status %d", e.Method, e.Status)
	case e.Detail != "":
		return fmt.Sprintf("Slack %s: %s (%s)", e.Method, e.Code, e.Detail)
	default:
		return fmt.Sprintf("Slack %s: %s", e.Method, e.Code)
	}
}

// code gives Slack's word for an error; empty: it was none of Slack's.
func code(err error) string {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return ""
}

// permanent are the answers that trying again never changes.
// https://docs.slack.dev/reference/methods/chat.postMessage#errors and the
// pages of the other methods.
var permanent = map[string]string{
	"account_inactive":                         "the bot's account was switched off",
	"app_access_restricted":                    "an administrator restricted the app",
	"as_user_not_supported":                    "",
	"block_mismatch":                           "",
	"cannot_dm_bot":                            "a bot gets no direct messages",
	"cant_invite":                              "the person cannot be invited",
	"cant_invite_self":                         "",
	"cant_update_message":                      "the message is not the bot's",
	"canvas_disabled_user_team":                "canvases are switched off",
	"channel_canvas_already_exists":            "",
	"channel_not_found":                        "there is no such channel, or the bot may not see it",
	"channel_is_limited_access":                "the channel is restricted",
	"edit_window_closed":                       "the workspace lets messages be edited only for a while",
	"ekm_access_denied":                        "",
	"enterprise_is_restricted":                 "",
	"free_team_canvas_tab_already_exists":      "",
	"invalid_arguments":                        "",
	"invalid_auth":                             "the bot token is not valid",
	"invalid_blocks":                           "",
	"invalid_blocks_format":                    "",
	"invalid_metadata_format":                  "",
	"invalid_name":                             "",
	"invalid_name_maxlength":                   "",
	"invalid_name_punctuation":                 "",
	"invalid_name_specials":                    "",
	"is_archived":                              "the channel is archived",
	"is_bot":                                   "a bot gets no direct messages",
	"message_not_found":                        "the message was deleted",
	"messages_tab_disabled":                    "direct messages to the app are switched off",
	"method_not_supported_for_channel_type":    "",
	"missing_scope":                            "the app lacks a permission; install it again with manifest.yml",
	"msg_blocks_too_long":                      "",
	"msg_too_long":                             "",
	"no_permission":                            "the bot may not do that",
	"no_text":                                  "",
	"not_allowed_token_type":                   "",
	"not_authed":                               "there is no bot token",
	"not_in_channel":                           "invite the bot to the channel",
	"org_login_required":                       "",
	"permission_denied":                        "the bot may not do that",
	"plan_upgrade_required":                    "the workspace's plan does not include that",
	"posting_to_channel_denied":                "the bot may not post there",
	"restricted_action":                        "an administrator restricted that",
	"restricted_action_non_threadable_channel": "",
	"restricted_action_read_only_channel":      "the channel is read-only",
	"restricted_action_thread_locked":          "the thread is locked",
	"restricted_action_thread_only_channel":    "",
	"team_not_found":                           "",
	"team_tier_cannot_create_channel_canvases": "the workspace's plan has no canvases",
	"thread_not_found":                         "the thread was deleted",
	"token_expired":                            "the bot token has expired",
	"token_revoked":                            "the bot token was revoked",
	"too_many_attachments":                     "",
	"too_many_members":                         "the channel is full",
	"unknown_method":                           "",
	"user_disabled":                            "the person's account was switched off",
	"user_is_restricted":                       "the person is a guest",
	"user_not_found":                           "there is no such person",
	"user_not_in_channel":                      "the person is not in the channel",
	"user_not_visible":                         "the bot may not see the person",
	"users_not_found":                          "there is no such person",
	"view_too_large":                           "",
}

// unclear are the answers after which the call may have happened anyway.
var unclear = map[string]bool{"internal_error": true, "fatal_error": true, "request_timeout": true, "service_unavailable": true}

// outcome puts an error of the API into the outbox's words.
func outcome(err error) error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e.outcome()
	}
	if notSent(err) {
		return outbox.NotSentError{Err: err}
	}
	return err
}

func (e *Error) outcome() error {
	switch why, never := permanent[e.Code]; {
	case e.RetryAfter > 0:
		return outbox.RetryAfterError{After: e.RetryAfter, Err: e}
	case e.Status >= 500:
		return e
	case e.Status >= 400:
		return outbox.PermanentError{Reason: fmt.Sprintf("Slack refuses %s: HTTP status %d", e.Method, e.Status), Err: e}
	case never && why != "":
		return outbox.PermanentError{Reason: fmt.Sprintf("Slack says %s: %s", e.Code, why)}
	case never:
		return outbox.PermanentError{Reason: fmt.Sprintf("Slack refuses %s: %s", e.Method, e.Code), Err: e}
	case unclear[e.Code]:
		return e
	default:
		return outbox.NotSentError{Err: e}
	}
}

// notSent tells whether an error came before anything could have left.
func notSent(err error) bool {
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return false
	}
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return true
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
		return true
	}
	return errors.Is(err, syscall.ECONNREFUSED)
}

// statusError tells an HTTP failure from a refusal of the API.
func statusError(method string, status int) *Error {
	if status == http.StatusTooManyRequests { // it does not say for how long
		return &Error{Method: method, Code: "ratelimited", RetryAfter: unsaidWait}
	}
	return &Error{Method: method, Code: http.StatusText(status), Status: status}
}
