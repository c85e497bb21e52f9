package phone

import (
	"encoding/xml"
	"unicode/utf8"
)

// maxTwiml is the longest TwiML that goes with the request itself, in
// characters: https://www.twilio.com/docs/voice/api/call-resource
const maxTwiml = 4000

// waitForKey is how long a key is waited for after the text, in seconds.
const waitForKey = "8"

// The verbs that are used: https://www.twilio.com/docs/voice/twiml
type (
	document struct {
		XMLName xml.Name `xml:"Response"`
		Verbs   []any
	}
	say struct {
		XMLName xml.Name `xml:"Say"`
		Text    string   `xml:",chardata"`
	}
	pause struct {
		XMLName xml.Name `xml:"Pause"`
		Length  int      `xml:"length,attr"`
	}
	hangup struct {
		XMLName xml.Name `xml:"Hangup"`
	}
	gather struct {
		XMLName xml.Name `xml:"Gather"`
		Input   string   `xml:"input,attr"`
		Digits  int      `xml:"numDigits,attr"`
		Timeout string   `xml:"timeout,attr"`
		Action  string   `xml:"action,attr"`
		Method  string   `xml:"method,attr"`
		Say     say
	}
	message struct {
		XMLName xml.Name `xml:"Message"`
		Text    string   `xml:",chardata"`
	}
)

// twiml writes verbs as a document.
func twiml(verbs ...any) string {
	out, err := xml.Marshal(document{Verbs: verbs})
	if err != nil {
		panic("phone: the verbs cannot be written: " + err.Error()) // they are all ours
	}
	return xml.Header + string(out)
}

// inline is the whole call where nothing can come back: said twice, for the
// first words are lost on who just woke up.
func inline(p page) string {
	for {
		text := p.said() + " " + p.keyless()
		doc := twiml(pause{Length: 1}, say{Text: text}, pause{Length: 2}, say{Text: "Again. " + text}, hangup{})
		if utf8.RuneCountInString(doc) <= maxTwiml || p.title == "" && p.reason == "" {
			return doc
		}
		// Escaping made it long: the title gives way.
		p.reason = ""
		p.title = spoken(p.title, utf8.RuneCountInString(p.title)*3/4)
	}
}

// asking is a call that waits for a key, twice.
func asking(text, action string) string {
	g := func(text string) gather {
		return gather{Input: "dtmf", Digits: 1, Timeout: waitForKey, Action: action, Method: "POST", Say: say{Text: text}}
	}
	return twiml(g(text), g("Again. "+text), say{Text: sayNothing}, hangup{})
}

// ending says something and hangs up.
func ending(text string) string { return twiml(say{Text: text}, hangup{}) }

// reply answers a text message.
func reply(text string) string { return twiml(message{Text: text}) }
