package app

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"muster/commands"
	"muster/config"
	"muster/engine"
	"muster/incident"
	"muster/store"
)

// Exit is an error whose text was printed already; its value is the process's
// exit code.
type Exit int

// Error names the code.
func (e Exit) Error() string { return "exit " + strconv.Itoa(int(e)) }

// Question is what all questions of the command line have in common.
type Question struct {
	Config string
	// At is the moment it is about; zero: now.
	At   time.Time
	JSON bool
	Out  io.Writer
	// Env looks up an environment variable.
	Env func(string) (string, bool)
}

func (q Question) at() time.Time {
	if q.At.IsZero() {
		return time.Now()
	}
	return q.At
}

// print writes an answer as text, or in JSON when that was asked for.
func (q Question) print(text string, data any) error {
	if q.JSON {
		e := json.NewEncoder(q.Out)
		e.SetIndent("", "  ")
		return e.Encode(data)
	}
	_, err := fmt.Fprintln(q.Out, strings.TrimRight(text, "\n"))
	return err
}

// failed is what a question ends with that was answered with a problem: in JSON
// the answer is on standard output, and Exit(1).
func (q Question) failed(err error, data any) error {
	if !q.JSON {
		return err
	}
	return cmp.Or(q.print("", data), error(Exit(1)))
}

// InitConfig writes the built-in configuration files that are not there yet.
func InitConfig(dir string, out io.Writer) error {
	wrote, left, err := config.Init(dir)
	for _, f := range wrote {
		fmt.Fprintf(out, "wrote  %s/%s\n", dir, f)
	}
	for _, f := range left {
		fmt.Fprintf(out, "left   %s/%s (it is there already)\n", dir, f)
	}
	if err == nil && len(wrote) > 0 {
		fmt.Fprintf(out, "Put your people into %s/oncall/rotation.yaml, then: muster check --config %s\n", dir, dir)
	}
	return err
}

// OnCall answers who is on call.
func OnCall(ctx context.Context, q Question, data, when string) error {
	return ask(ctx, q, data, strings.TrimSpace("oncall "+when))
}

// Simulate answers who would be woken.
func Simulate(ctx context.Context, q Question, data string, words []string) error {
	for i, w := range words {
		if strings.ContainsAny(w, " \t") {
			words[i] = strconv.Quote(w)
		}
	}
	return ask(ctx, q, data, strings.TrimSpace("simulate "+strings.Join(words, " ")))
}

// ask runs a question of the grammar without a running program.
func ask(ctx context.Context, q Question, data, text string) error {
	if err := given(q.Config); err != nil {
		return err
	}
	live, err := config.NewLive(q.Config, q.Env)
	if err != nil {
		return err
	}
	settings, err := config.LoadEnv(q.Env)
	if err != nil {
		return err
	}
	r := &roster{live: live, notifiers: notifiers(settings)}
	note, err := r.overridesFrom(ctx, data)
	if err != nil {
		return err
	}
	c := commands.New(commands.Config{
		People: &people{roster: r}, Rotas: r, Rules: r.rules(), Missing: r.missing,
		Plan:        func(incident.Severity) incident.Plan { return plan(live.Get()) },
		Default:     func() incident.Severity { return live.Get().DefaultSeverity },
		Permissions: func() commands.Permissions { return permissions(live.Get()) },
	})
	reply := c.Run(ctx, commands.Call{Text: text, Via: commands.ViaCommand, Now: q.at()})
	if note != "" {
		reply.Text += "\n" + note
	}
	if err := q.print(reply.Text, reply); err != nil {
		return err
	}
	if !reply.OK {
		return Exit(1)
	}
	return nil
}

// overridesFrom reads the overrides of a data file. When the program holds the
// file they stay unknown, and note says so.
func (r *roster) overridesFrom(ctx context.Context, path string) (note string, err error) {
	if !exists(path) {
		return "", nil
	}
	s, err := store.Open(path, store.Options{SnapshotVersion: engine.SnapshotVersion, Timeout: 200 * time.Millisecond})
	if errors.Is(err, store.ErrInUse) {
		return "Overrides are not included, because the running program holds " + path + ": ask it with muster incident oncall.", nil
	}
	if err != nil {
		return "", err
	}
	d, err := engine.NewDesk(engine.Config{Store: s}, nil, nil).State(ctx)
	if err == nil {
		r.remember(d)
	}
	return "", errors.Join(err, s.Close())
}

// Incident gives a command to the running program.
func Incident(ctx context.Context, words []string, env func(string) (string, bool), out io.Writer) error {
	settings, err := config.LoadEnv(env)
	if err != nil {
		return err
	}
	as, asJSON, words := incidentFlags(words)
	if len(words) == 0 {
		words = []string{"help"}
	}
	if as == "" {
		return errors.New("say for whom the command is: muster incident --as alice@example.com " + strings.Join(words, " "))
	}
	if !settings.MusterAPIToken.IsSet() {
		return errors.New("MUSTER_API_TOKEN is not set: set it to the same value as for the running program")
	}
	body, err := json.Marshal(Command{Text: quoteWords(words), As: as})
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, settings.MusterURL+"/v1/commands", strings.NewReader(string(body)))
	if err != nil {
		return fmt.Errorf("MUSTER_URL: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Muster-Via", commands.ViaCommand)
	var reply commands.Reply
	if err := call(req, settings, &reply); err != nil {
		return err
	}
	q := Question{JSON: asJSON, Out: out}
	text := reply.Text
	if !asJSON {
		wrote, err := writeFiles(reply.Files)
		if err != nil {
			return err
		}
		text += wrote
	}
	for _, c := range reply.Pick {
		text += "\n  " + c.Label
	}
	if err := q.print(text, reply); err != nil {
		return err
	}
	if !reply.OK {
		return Exit(1)
	}
	return nil
}

// writeFiles puts the files of an answer where the process is; one that is
// there already stays as it is.
func writeFiles(files []commands.File) (said string, err error) {
	for _, f := range files {
		name := filepath.Base(f.Name)
		if exists(name) {
			return "", fmt.Errorf("%s is there already: go to another directory, or move it away", name)
		}
		if err := os.WriteFile(name, f.Data, 0o644); err != nil {
			return "", fmt.Errorf("write what came with the answer: %w", err)
		}
		said += "\nwrote " + name
	}
	return said, nil
}

// call sends a request to the running program and reads its answer.
func call(req *http.Request, settings config.Env, into any) error {
	req.Header.Set("Authorization", "Bearer "+settings.MusterAPIToken.Reveal())
	client := &http.Client{Timeout: 30 * time.Second}
	resp, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("the program at %s does not answer: is muster run up, and is MUSTER_URL right? (%w)", settings.MusterURL, err)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(into); err != nil {
		return fmt.Errorf("%s answered with status %d and no JSON: is MUSTER_URL right?", settings.MusterURL, resp.StatusCode)
	}
	return nil
}

// incidentFlags takes --as and --json out of the words of a command.
func incidentFlags(words []string) (as string, asJSON bool, rest []string) {
	for i := 0; i < len(words); i++ {
		w := words[i]
		switch {
		case w == "--json":
			asJSON = true
		case w == "--as" && i+1 < len(words):
			i++
			as = words[i]
		case strings.HasPrefix(w, "--as="):
			as = strings.TrimPrefix(w, "--as=")
		case w == "--help":
			rest = append(rest, "help")
		default:
			rest = append(rest, w)
		}
	}
	return as, asJSON, rest
}

// keyOf is the key that a word such as fix=restarted begins with.
var keyOf = regexp.MustCompile(`^-{0,2}[a-z][a-z-]+=`)

// quoteWords joins words as they were typed, so that one with spaces stays one,
// and the value of a key stays its value.
func quoteWords(words []string) string {
	out := make([]string, len(words))
	for i, w := range words {
		if out[i] = w; strings.ContainsAny(w, " \t\n") && len(words) > 1 {
			key := keyOf.FindString(w)
			out[i] = key + `"` + strings.ReplaceAll(w[len(key):], `"`, `'`) + `"`
		}
	}
	return strings.Join(out, " ")
}
