package filter

import (
	"bytes"
	"context"
	"errors"
	"os/exec"
	"strings"
	"testing"

	"muster/playbooks/run/shell"
)

// filtered runs one filter over text and gives what it prints and its status; -1: refused or broken.
func filtered(t *testing.T, in string, args ...string) (string, int) {
	t.Helper()
	var out, bad bytes.Buffer
	err := Commands()[args[0]](context.Background(), shell.Streams{In: strings.NewReader(in), Out: &out, Err: &bad}, args)
	var status shell.Exit
	switch {
	case err == nil:
		return out.String(), 0
	case errors.As(err, &status):
		return out.String(), int(status)
	default:
		return err.Error(), -1
	}
}

const pods = `NAME       READY  STATUS            RESTARTS  AGE
api-1      1/1    Running           0         4d
api-2      0/1    CrashLoopBackOff  17        2h
db-0       1/1    Running           2         40d
worker-x   0/1    Pending           0         10s
`

// Every filter does what the system's own does.
func TestFiltersAgreeWithTheSystems(t *testing.T) {
	for _, args := range [][]string{
		{"grep", "Running"}, {"grep", "-v", "Running"}, {"grep", "-c", "api"}, {"grep", "-i", "PENDING"}, {"grep", "-n", "api"}, {"grep", "-E", "api|db"},
		{"grep", "-o", "[0-9]*d"}, {"grep", "-A1", "api-1"}, {"grep", "-B", "1", "db"}, {"grep", "-w", "api"}, {"grep", "-q", "nothing"}, {"grep", "-F", "1/1"},
		{"grep", `\(api\|db\)-[0-9]`}, {"grep", "-e", "api", "-e", "db"}, {"grep", "-x", "api"}, {"grep", "-m1", "api"}, {"grep", "^api.*[[:digit:]]h$"}, {"grep", "a{2}"},
		{"head", "-n", "2"}, {"head", "-3"}, {"head", "-c", "7"}, {"head", "-n", "-2"}, {"tail", "-n", "2"}, {"tail", "-1"}, {"tail", "-n", "+3"}, {"tail", "-c", "9"},
		{"sort"}, {"sort", "-r"}, {"sort", "-k4", "-n"}, {"sort", "-k4,4nr", "-k1,1"}, {"sort", "-u"}, {"sort", "-t/", "-k2"},
		{"wc", "-l"}, {"wc", "-w"}, {"wc", "-c"}, {"cut", "-c1-4"}, {"cut", "-d", "/", "-f1"}, {"cut", "-d/", "-f2-"}, {"cut", "-d/", "-f1", "-s"},
		{"tr", "a-z", "A-Z"}, {"tr", "-d", "0-9"}, {"tr", "-s", " "}, {"tr", "-cd", "[:digit:]\\n"}, {"tr", " ", "\\n"},
		{"tac"}, {"rev"}, {"cat", "-n"}, {"nl"}, {"base64"},
		{"sed", "s/api/web/"}, {"sed", "-n", "2p"}, {"sed", "-n", "/api/p"}, {"sed", "1d"}, {"sed", "$d"}, {"sed", "2,3d"}, {"sed", "-E", "s/([a-z]+)-([0-9]+)/\\2-\\1/g"},
		{"sed", "s|/|:|g"}, {"sed", "/api/,/db/d"}, {"sed", "-e", "1d", "-e", "s/  */ /g"}, {"sed", "s/a/b/2"}, {"sed", "/api/!d"}, {"sed", "3q"}, {"sed", "-n", "$="},
		{"sed", "s/\\(api\\)/[&]/"}, {"sed", "y/abc/xyz/"}, {"sed", "2a\\after"}, {"sed", "2i\\before"}, {"sed", "-n", "/api/{s/api/x/;p}"}, {"sed", ":a;s/  / /;ta"},
		{"sed", "N;s/\\n/+/"}, {"sed", "G"}, {"sed", "s/running/X/I"}, {"sed", "-n", "0~2p"}, {"sed", "s/[/]/-/"},
		{"awk", "{print $1}"}, {"awk", "NR>1{print $1,$3}"}, {"awk", "$3==\"Running\"{n++} END{print n}"}, {"awk", "/api/"}, {"awk", "{s+=$4} END{print s/NR}"},
		{"awk", "-F/", "{print $2}"}, {"awk", "{print NF, $NF}"}, {"awk", "BEGIN{OFS=\"-\"} {$2=\"x\"; print}"}, {"awk", "$4>1 && $3!=\"Running\""}, {"awk", "-v", "n=2", "NR==n"},
		{"awk", "{c[$3]++} END{for(k in c) t=t+c[k]; print t, length(c)}"}, {"awk", "{printf \"%-10s|%5d|%.2f\\n\", $1, $4, $4/3}"}, {"awk", "NR==2,NR==4{print $1}"},
		{"awk", "{gsub(/[0-9]/,\"#\"); print}"}, {"awk", "{print substr($1,1,3), length($1), toupper($1), index($1,\"-\")}"}, {"awk", "NR>1{split($2,a,\"/\"); if (a[1]<a[2]) print $1\" is not ready\"}"},
		{"awk", "BEGIN{for(i=0;i<3;i++){if(i==1)continue; print i}; while(j<2)j++; print j; x=5; x^=2; print x%7, -x, !x, x++ + ++x}"}, {"awk", "$1 ~ /^api/ {print NR\": \"$0}"},
		{"awk", "END{print NR}"}, {"awk", "{print ($4 > 0 ? \"bad\" : \"good\")}"}, {"awk", "BEGIN{print 1==1.0, \"a\"<\"b\", 10<9, \"10\"<\"9\"}"}, {"awk", "!seen[$3]++"}, {"awk", "{ $1=$1 } 1"},
		{"awk", "NR>1{if($4>m){m=$4;w=$1}}END{print w,m}"}, {"awk", "{print > \"/dev/stdout\"}"},
	} {
		if args[len(args)-1] == "{print > \"/dev/stdout\"}" {
			if out, status := filtered(t, pods, args...); status != -1 {
				t.Errorf("%q: %d %s", args, status, out)
			}
			continue
		}
		theirs, err := exec.LookPath(args[0])
		if err != nil {
			continue
		}
		cmd := exec.Command(theirs, args[1:]...)
		cmd.Stdin = strings.NewReader(pods)
		cmd.Env = []string{"LC_ALL=C", "PATH=/usr/bin:/bin"}
		want, _ := cmd.Output()
		got, status := filtered(t, pods, args...)
		if got != string(want) || status != cmd.ProcessState.ExitCode() {
			t.Errorf("%q prints (status %d)\n%s\nand the system's (status %d)\n%s", args, status, got, cmd.ProcessState.ExitCode(), want)
		}
	}
}

func TestJQ(t *testing.T) {
	const in = `{"items":[{"metadata":{"name":"a"},"status":{"phase":"Running"}},{"metadata":{"name":"b"},"status":{"phase":"Failed"}}]}`
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"jq", "-r", `.items[] | select(.status.phase != "Running") | .metadata.name`}, "b\n"},
		{[]string{"jq", "-c", `[.items[].metadata.name]`}, "[\"a\",\"b\"]\n"},
		{[]string{"jq", "--arg", "n", "a", `.items | map(select(.metadata.name == $n)) | length`}, "1\n"},
		{[]string{"jq", ".items[0].status"}, "{\n  \"phase\": \"Running\"\n}\n"},
		{[]string{"jq", "-n", "1+1"}, "2\n"},
	} {
		if got, status := filtered(t, in, c.args...); got != c.want || status != 0 {
			t.Errorf("%q: %d %q", c.args, status, got)
		}
	}
}

// No filter opens a file or starts a program.
func TestFiltersReachNothing(t *testing.T) {
	for _, args := range [][]string{
		{"grep", "root", "/etc/passwd"}, {"cat", "/etc/passwd"}, {"head", "/etc/passwd"}, {"sort", "-o", "x"}, {"sed", "r /etc/passwd"}, {"sed", "w x"}, {"sed", "s/a/id/e"},
		{"sed", "1e id"}, {"sed", "-i", "s/a/b/"}, {"awk", `BEGIN{system("id")}`}, {"awk", `BEGIN{"id" | getline x; print x}`}, {"awk", `{print > "x"}`}, {"awk", `{print | "sh"}`},
		{"awk", `BEGIN{while ((getline l < "/etc/passwd") > 0) print l}`}, {"awk", "-f", "x"}, {"jq", "-f", "x"}, {"jq", ".", "/etc/passwd"}, {"wc", "/etc/passwd"}, {"tail", "-f"},
	} {
		if out, status := filtered(t, pods, args...); status != -1 {
			t.Errorf("%q is not refused: %d %s", args, status, out)
		}
	}
	if out, _ := filtered(t, "{}", "jq", "-c", "env, $ENV"); out != "{}\n{}\n" {
		t.Errorf("jq sees an environment: %s", out)
	}
}

func FuzzFiltersNeverPanic(f *testing.F) {
	for _, seed := range []string{"{print $1}", "s/a/b/g", "/x/,$d", ".a[]", "a[$1]++;END{for(k in a)print k}", `\(a\)*`, "[^]]", "y/a/b/", "1,3{N;P;D}",
		"{break}", "BEGIN{next}", "{x=match($0)}", "{delete", "BEGIN{CONVFMT=\"%s\";x=0.5 \"\"}", "{printf \"%*d%99999d\",1e19,1}", "BEGIN{print substr(\"abc\",-1e300,1e300)}", "{$1e9=1}",
		"BEGIN{while(1)a[i++]=i}", "{x=x $0;while(1)x=x x}", ":a;s/./&&/g;ta", ":a;H;G;ba", ":a;a\\x\nba", "y/[/x/", "s/a\\{,3\\}/\\1/", "[[.a.]]", "/a/,~0{s//b/3}", "0,/a/d"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, program string) {
		for _, name := range []string{"awk", "sed", "grep", "jq", "tr"} {
			args := []string{name, program}
			if name == "tr" {
				args = append(args, "x")
			}
			checkFilter(t, "a b\nc\n", args...)
		}
	})
}
