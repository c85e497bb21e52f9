package run

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"muster/playbooks/run/filter"
	"muster/playbooks/run/shell"
)

// commands are all commands that exist in a step.
func (p *performance) commands() map[string]shell.Command {
	all := filter.Commands()
	maps.Copy(all, map[string]shell.Command{
		"curl":          p.curl,
		"watch":         p.watch,
		"kubectl":       p.kubectl,
		"sleep":         p.sleep,
		"date":          date,
		"openssl":       p.openssl,
		"/incident":     p.incident,
		"pagerduty-cli": p.pagerduty,
		"open":          p.link,
	})
	return all
}

// longestWait is more than any step has time for.
const longestWait = 1000 * 24 * time.Hour

// seconds reads sleep's times: 5, 0.5, 5s, 2m, 1h, 1d.
func seconds(word string) (time.Duration, error) {
	unit := time.Second
	number := word
	if n := len(word); n > 1 {
		switch word[n-1] {
		case 's':
			number = word[:n-1]
		case 'm':
			unit, number = time.Minute, word[:n-1]
		case 'h':
			unit, number = time.Hour, word[:n-1]
		case 'd':
			unit, number = 24*time.Hour, word[:n-1]
		}
	}
	f, err := strconv.ParseFloat(number, 64)
	if err != nil || !(f >= 0 && f*float64(unit) <= float64(longestWait)) {
		return 0, fmt.Errorf("%q is no time to wait", word)
	}
	return time.Duration(f * float64(unit)), nil
}

// openssl performs `openssl rand [-hex|-base64] N`; what it makes is a secret.
func (p *performance) openssl(_ context.Context, s shell.Streams, args []string) error {
	if len(args) < 3 || args[1] != "rand" {
		return shell.Refusal("Of openssl there is only: openssl rand -hex N and openssl rand -base64 N.")
	}
	form, size := "", -1
	for _, a := range args[2:] {
		switch a {
		case "-hex", "-base64":
			form = a
		default:
			n, err := strconv.Atoi(a)
			if err != nil || n < 1 || n > 1024 {
				return shell.Refusef("openssl rand takes -hex or -base64 and a number of bytes up to 1024, not %q.", a)
			}
			size = n
		}
	}
	if size < 0 || form == "" {
		return shell.Refusal("openssl rand needs -hex or -base64 and a number of bytes.")
	}
	raw := make([]byte, size)
	if _, err := rand.Read(raw); err != nil {
		return fmt.Errorf("get random bytes: %w", err)
	}
	word := hex.EncodeToString(raw)
	if form == "-base64" {
		word = base64.StdEncoding.EncodeToString(raw)
	}
	p.out.secrets.Add(word)
	_, err := io.WriteString(s.Out, word+"\n")
	return err
}

// incident performs `/incident …`: the words are said to the incident when the step has ended, by whoever ran it.
func (p *performance) incident(_ context.Context, s shell.Streams, args []string) error {
	if len(args) < 2 {
		return shell.Refusal("/incident needs a command, for example: /incident update investigating.")
	}
	p.say(s, Said{By: "incident", Words: args[1:]}, strings.Join(args, " "))
	return nil
}

func (p *performance) pagerduty(_ context.Context, s shell.Streams, args []string) error {
	words := slices.Clone(args[1:])
	if len(words) < 2 || words[0] != "incidents" && words[0] != "incident" || words[1] != "acknowledge" && words[1] != "ack" && words[1] != "resolve" {
		return shell.Refusal("Of pagerduty-cli there is only: pagerduty-cli incidents acknowledge, and resolve; both mean this incident's.")
	}
	verb := "acknowledge"
	if words[1] == "resolve" {
		verb = "resolve"
	}
	p.say(s, Said{By: "pagerduty", Words: []string{verb}}, "pagerduty-cli incidents "+verb)
	return nil
}

func (p *performance) say(s shell.Streams, said Said, text string) {
	if p.order.Request.Mode == Preview {
		fmt.Fprintf(s.Out, "(would say: %s)\n", text)
		return
	}
	p.mu.Lock()
	p.result.Said = append(p.result.Said, said)
	p.mu.Unlock()
	fmt.Fprintf(s.Out, "(said: %s)\n", text)
}

// link performs `open URL`.
func (p *performance) link(_ context.Context, s shell.Streams, args []string) error {
	if len(args) != 2 {
		return shell.Refusal("open needs one address: open https://…")
	}
	u, err := url.Parse(args[1])
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil {
		return shell.Refusef("open makes a link of an http or https address, and %q is none.", p.out.mask(args[1]))
	}
	p.mu.Lock()
	p.result.Links = append(p.result.Links, u.String())
	p.mu.Unlock()
	fmt.Fprintln(s.Out, u)
	return nil
}
