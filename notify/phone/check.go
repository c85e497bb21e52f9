package phone

import (
	"context"
	"errors"
	"fmt"
	"net/url"
)

// Check asks Twilio whether the account is active and the number to call from
// is one of the account's, can call, and (where text messages follow the
// calls) can send them. The error says in one sentence each what to correct;
// it quotes no number and no key.
func (c *Channel) Check(ctx context.Context) error {
	var account struct {
		Status string `json:"status"`
	}
	if f := c.get(ctx, "read the account", ".json", nil, &account); f != nil {
		return f
	}
	if account.Status != "active" {
		return errors.New("Twilio: the account is " + accountState(account.Status) + ", so no call can be made; see Twilio's console")
	}
	var owned struct {
		Numbers []struct {
			Capabilities struct {
				Voice bool `json:"voice"`
				SMS   bool `json:"sms"`
			} `json:"capabilities"`
			SMSURL string `json:"sms_url"`
		} `json:"incoming_phone_numbers"`
	}
	query := url.Values{"PhoneNumber": {c.cfg.From}}
	if f := c.get(ctx, "read the account's numbers", "/IncomingPhoneNumbers.json", query, &owned); f != nil {
		return f
	}
	if len(owned.Numbers) == 0 {
		return c.verified(ctx)
	}
	n := owned.Numbers[0]
	var all []error
	if !n.Capabilities.Voice {
		all = append(all, errors.New("Twilio: the number of TWILIO_FROM cannot call; choose one with voice"))
	}
	if c.cfg.Public != "" && !c.cfg.NoText {
		if want := c.cfg.Public + Root + "sms"; !n.Capabilities.SMS {
			all = append(all, errors.New("Twilio: the number of TWILIO_FROM cannot send text messages; only calls are made"))
		} else if n.SMSURL != want {
			all = append(all, fmt.Errorf("Twilio: replies to text messages do not come here; set the number's messaging webhook to %s (POST)", want))
		}
	}
	return errors.Join(all...)
}

// verified accepts a number of somebody else's that the account may show.
func (c *Channel) verified(ctx context.Context) error {
	var shown struct {
		IDs []struct{} `json:"outgoing_caller_ids"`
	}
	query := url.Values{"PhoneNumber": {c.cfg.From}}
	if f := c.get(ctx, "read the account's caller IDs", "/OutgoingCallerIds.json", query, &shown); f != nil {
		return f
	}
	if len(shown.IDs) == 0 {
		return errors.New("Twilio: the number of TWILIO_FROM is not the account's; correct it, or verify the number with Twilio")
	}
	return nil
}

func accountState(s string) string {
	switch s {
	case "suspended", "closed":
		return s
	}
	return "not active"
}
