package app

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"muster/workspace"
)

// givenValues is an answer with a value for each of some series.
func givenValues(values ...string) string {
	var rows []string
	for i, v := range values {
		rows = append(rows, fmt.Sprintf(`{"metric":{"pod":"api-%d"},"value":[%d,%q]}`, i, time.Now().Unix(), v))
	}
	return `{"status":"success","data":{"resultType":"vector","result":[` + strings.Join(rows, ",") + `]}}`
}

const badQuery = `{"status":"error","errorType":"bad_data","error":"1:7: parse error: unclosed left parenthesis"}`

// TestPrometheusIsOdd: whatever it is that cannot be understood, it is said once
// what is wrong, and the hour is not called quiet.
func TestPrometheusIsOdd(t *testing.T) {
	for name, c := range map[string]struct {
		status    int
		body, why string
	}{
		"fault":   {503, "upstream is gone", "Prometheus has a fault of its own (HTTP 503)"},
		"garbage": {200, "<html>Sign in</html>", "What answers is not Prometheus; check PROMETHEUS_URL"},
		"NaN":     {200, givenValues("NaN", "NaN"), "no query gives a value"},
		"empty":   {200, givenValues(), "no query gives a value"},
		"slow":    {slowly, "", "Prometheus did not answer within 10s"},
		"wrong":   {400, badQuery, "error rate: Prometheus cannot read the expression: 1:7: parse error"},
	} {
		if underRace && name != "fault" && name != "NaN" {
			continue // some of them; all without it
		}
		t.Run(name, func(t *testing.T) {
			inWatchedBubble(t, "auto", func(w *world, m *metricsServer, card workspace.Message) {
				m.oddly(func(string, string) (int, string) { return c.status, c.body })
				w.inThread(card, 3*time.Minute, "The watch sees nothing now", c.why)
				w.inThread(card, time.Hour, "Nothing could be seen while watching whether it comes back.")
				if n := w.said(card, "The watch sees nothing now") + w.said(card, "Nothing could be seen"); n != 2 {
					t.Errorf("it was told %d times", n)
				}
				if n := w.said(card, "Quiet") + w.said(card, "may be back"); n != 0 || w.state("INC-1").Open() {
					t.Error("what was not seen is called quiet, or a regression")
				}
			})
		})
	}
}

const p95Too = `, {name: p95, expr: "p95{", unit: s, limit: 1}`

// TestOneQueryIsWrong: the others are seen all the same.
func TestOneQueryIsWrong(t *testing.T) {
	inBubbleWatching(t, "offer", p95Too, func(w *world, m *metricsServer, card workspace.Message) {
		m.oddly(func(_, query string) (int, string) {
			if query == "p95{" {
				return 400, badQuery
			}
			return 0, ""
		})
		w.inThread(card, 3*time.Minute, "The watch does not see everything now", "p95: Prometheus cannot read the expression")
		w.wait(time.Minute, "chart of the other", func() bool {
			return len(w.pictured(card, "not everything can be seen now", "error rate 1 %", "p95 (limit 1 s)")) == 1
		})
		time.Sleep(5 * time.Minute)
		m.set(0.08, false)
		w.inThread(card, 2*time.Minute, "may be back", "error rate is 8 % (limit 5 %)", "Reopen")
	})
}

// TestASlowQueryHidesNothing: the one that is not answered keeps none from being
// asked, nor the offer from coming in time.
func TestASlowQueryHidesNothing(t *testing.T) {
	more := `, {name: slow one, expr: slow1}, {name: slow two, expr: slow2}, {name: p95, expr: p95, unit: s, limit: 1}`
	inBubbleWatching(t, "offer", more, func(w *world, m *metricsServer, card workspace.Message) {
		m.oddly(func(path, query string) (int, string) {
			switch {
			case query != "p95":
				return slowly, ""
			case path == "query":
				return 200, givenValues("2.5")
			default:
				return 0, ""
			}
		})
		offer := w.inThread(card, 2*time.Minute, "may be back", "p95 is 2.5 s (limit 1 s)", "Reopen")
		if !strings.Contains(string(offer.Blocks), "slack_file") {
			t.Error("the offer has no chart")
		}
	})
}

// TestTenThousandSeries: the worst of them decides, and where not all can be
// drawn the worst value of all is.
func TestTenThousandSeries(t *testing.T) {
	inWatchedBubble(t, "offer", func(w *world, m *metricsServer, card workspace.Message) {
		values := make([]string, 10_000)
		for i := range values {
			values[i] = "0.001"
		}
		values[9_000] = "0.2"
		all := givenValues(values...)
		m.oddly(func(path, query string) (int, string) {
			switch {
			case path == "query":
				return 200, all
			case strings.HasPrefix(query, "max("):
				return 0, ""
			default:
				return 422, `{"status":"error","errorType":"execution","error":"query processing would load too many samples into memory"}`
			}
		})
		offer := w.inThread(card, 2*time.Minute, "may be back", "error rate is 20 % (limit 5 %)", "Reopen")
		if !strings.Contains(string(offer.Blocks), "slack_file") {
			t.Error("the offer has no chart")
		}
	})
}

// TestASeriesOnlyAfterTheIncident: no value is not all right, and the first one
// over the limit is a regression.
func TestASeriesOnlyAfterTheIncident(t *testing.T) {
	inWatchedBubble(t, "auto", func(w *world, m *metricsServer, card workspace.Message) {
		m.oddly(func(string, string) (int, string) { return 200, givenValues() })
		w.inThread(card, 2*time.Minute, "The watch sees nothing now", "no query gives a value")
		time.Sleep(10 * time.Minute)
		m.set(0.3, false)
		m.oddly(nil)
		w.inThread(card, 3*time.Minute, "Muster reopened this incident", "error rate is 30 % (limit 5 %)")
	})
}

// TestPrometheusIsAwayForTheWholeHour, with a restart in its middle: the chart
// of before stays, and the end does not say that all was well.
func TestPrometheusIsAwayForTheWholeHour(t *testing.T) {
	inWatchedBubble(t, "auto", func(w *world, m *metricsServer, card workspace.Message) {
		w.wait(30*time.Second, "chart", func() bool { return len(w.pictured(card, "watched until")) == 1 })
		m.set(0, true)
		time.Sleep(10 * time.Minute)
		w.restart(10 * time.Second)
		w.inThread(card, time.Hour, "Nothing could be seen while watching whether it comes back.")
		w.wait(time.Minute, "end in the message", func() bool { return len(w.pictured(card, "the watch is over")) == 1 })
		if n := len(w.pictured(card)); n != 1 {
			t.Errorf("%d messages with charts, want one", n)
		}
	})
}

// TestReopenIsOff: what comes back is said with its chart, and nothing is
// offered or done.
func TestReopenIsOff(t *testing.T) {
	inWatchedBubble(t, "off", func(w *world, m *metricsServer, card workspace.Message) {
		m.set(0.08, false)
		said := w.inThread(card, 2*time.Minute, "may be back", "error rate is 8 % (limit 5 %)")
		if blocks := string(said.Blocks); strings.Contains(blocks, `"Reopen"`) || !strings.Contains(blocks, "slack_file") {
			t.Errorf("where reopening is off: %s", blocks)
		}
		time.Sleep(3 * time.Minute)
		m.set(0.01, false)
		w.inThread(card, 2*time.Minute, "Back within the limit", "error rate is 1 %")
		if w.state("INC-1").Open() {
			t.Error("reopened where that is off")
		}
	})
}

// TestSeveralAreWatched: each has its own chart and its own offer.
func TestSeveralAreWatched(t *testing.T) {
	inWatchedBubble(t, "offer", func(w *world, m *metricsServer, first workspace.Message) {
		cards := []workspace.Message{first}
		for i := 2; i <= 3; i++ {
			title := fmt.Sprintf("Trouble %d", i)
			w.post(200, "create P3 "+title, "erin@example.com", "")
			cards = append(cards, w.card(title))
			w.post(200, fmt.Sprintf("resolve INC-%d done", i), "erin@example.com", "")
		}
		time.Sleep(5 * time.Minute)
		m.set(0.08, false)
		for _, card := range cards {
			w.inThread(card, 2*time.Minute, "may be back", "Reopen")
		}
		for i, card := range cards {
			w.wait(20*time.Second, fmt.Sprintf("chart of INC-%d", i+1), func() bool { return len(w.pictured(card, "After", "over the limit")) == 1 })
		}
		w.checkOnce()
	})
}

// TestPrivateIsWatchedInPrivate: the charts and the offer of a private incident
// stand where only its people are.
func TestPrivateIsWatchedInPrivate(t *testing.T) {
	inWatchedBubble(t, "offer", func(w *world, m *metricsServer, _ workspace.Message) {
		w.command("erin", "#incidents", `/incident create P2 "Zanzibar" --private`)
		w.wait(time.Minute, "card", func() bool { return w.state("INC-2").Card.TS != "" })
		room := w.state("INC-2").Card
		w.command("erin", "#incidents", "/incident resolve INC-2 done")
		m.set(0.08, false)
		inside := func(words ...string) int {
			n := 0
			for _, msg := range w.ws.Person("erin").Thread(room.Channel, room.TS) {
				if says(msg, words...) {
					n++
				}
			}
			return n
		}
		w.wait(2*time.Minute, "offer in private", func() bool {
			return inside("may be back", "Reopen", "slack_file") == 1 && inside("After", "slack_file") == 1
		})
		secret := regexp.MustCompile(`Zanzibar|INC-2`)
		for _, msg := range w.ws.Person("dan").Messages("#incidents") {
			if text := msg.Text + string(msg.Blocks); secret.MatchString(text) {
				t.Errorf("an outsider reads %s", text)
			}
		}
	})
}

// TestDrillIsNotWatched, however bad the numbers are.
func TestDrillIsNotWatched(t *testing.T) {
	inWatchedBubble(t, "auto", func(w *world, _ *metricsServer, _ workspace.Message) {
		w.command("erin", "#incidents", `/incident drill P3 "small one"`)
		card := w.card("DRILL: small one")
		w.command("erin", "#incidents", "/incident resolve INC-2 done")
		w.inThread(card, time.Minute, "points")
		time.Sleep(10 * time.Minute)
		if s := w.state("INC-2"); s.After.Watch.Seq != 0 || len(w.pictured(card)) != 0 {
			t.Error("a drill is watched")
		}
	})
}

// TestSlackTakesNoPictures: the watch is shown in words, and so is the offer.
func TestSlackTakesNoPictures(t *testing.T) {
	inWatchedBubble(t, "offer", func(w *world, m *metricsServer, card workspace.Message) {
		w.ws.FailMethod("files.getUploadURLExternal", "missing_scope")
		m.set(0.08, false)
		w.inThread(card, 2*time.Minute, "may be back", "error rate is 8 % (limit 5 %)", "Reopen")
		w.inThread(card, time.Minute, "After", "over the limit")
		w.ws.FailMethod("files.getUploadURLExternal", "")
		w.wait(10*time.Minute, "chart", func() bool { return len(w.pictured(card, "After")) == 1 })
	})
}
