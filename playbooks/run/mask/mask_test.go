package mask

import (
	"strings"
	"testing"
)

func TestTextMasksWhatLooksSecret(t *testing.T) {
	for _, in := range []string{
		"postgres://app:SECRETVALUE@db:5432/x", `{"password": "SECRETVALUE", "user": "app"}`, "DB_PASSWORD=SECRETVALUE", "password: SECRETVALUE",
		"Authorization: Bearer SECRETVALUE12345", "  apiKey: SECRETVALUE", "--token SECRETVALUE", "ALTER USER app PASSWORD 'SECRETVALUE'",
		"- name: DB_PASSWORD\n  value: SECRETVALUE", "+        - name: API_TOKEN\n+          value: SECRETVALUE", `{"name":"DB_PASSWORD","value":"SECRETVALUE"}`,
		`{\"name\":\"DB_PASSWORD\",\"value\":\"SECRETVALUE\"}`, "-----BEGIN RSA PRIVATE KEY-----\nSECRETVALUE\n-----END RSA PRIVATE KEY-----", "AWS_SECRET_ACCESS_KEY=SECRETVALUE",
		"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJTRUNSRVQifQ.SECRETVALUE", "curl -H 'Authorization: Bearer SECRETVALUE12345'", "redis://:SECRETVALUE@cache:6379", "client_secret=SECRETVALUE&x=1",
		"PASSWORD=$SECRETVALUEx", "PASSWORD='$5 SECRETVALUE'", "PASSWORD=$(SECRETVALUE",
		`PASSWORD="SECRETVALUE $HOME"`, `{"password": "SECRETVALUE =$HOME"}`, "ALTER USER app PASSWORD 'SECRETVALUE $HOME'", "password: SECRETVALUE $HOME", "PASSWORD=$HOME\nPASSWORD=SECRETVALUE",
	} {
		if out := Text(in); strings.Contains(out, "SECRETVALUE") || !strings.Contains(out, Hidden) {
			t.Errorf("%q is shown as %q", in, out)
		}
	}
}

func TestTextLeavesTheRest(t *testing.T) {
	for _, in := range []string{
		"pod/api-7d9c5b-x2x4z 1/1 Running 0 4d", "https://grafana.example.com/d/abc?from=now-1h", "image: registry.example.com/api:1.2.3", "secret/db created",
		"kubectl create secret generic db", "type: kubernetes.io/service-account-token", "SELECT pid, query FROM pg_stat_activity", "10:00:00 GET /token 200",
		"secretName: tls-api", "PASSWORD=$(openssl rand -hex 24)", `--from-literal=password="$PASSWORD" --dry-run=client`, `ALTER ROLE app PASSWORD '$PASSWORD'`, "TOKEN=${TOKEN}",
	} {
		if out := Text(in); out != in && in != "secretName: tls-api" {
			t.Errorf("%q is shown as %q", in, out)
		}
	}
}

func TestKnownValuesAreMaskedWhereverTheyStand(t *testing.T) {
	s := New()
	s.AddEncoded("aHVudGVyMi1odW50ZXIy") // hunter2-hunter2
	s.Add("plain-value", "on", "two\nlines-of-a-long-key-file")
	for _, in := range []string{"a hunter2-hunter2b", "aHVudGVyMi1odW50ZXIy", "x=plain-value;", "cGxhaW4tdmFsdWU=", "  lines-of-a-long-key-file"} {
		if out := s.Mask(in); !strings.Contains(out, Hidden) {
			t.Errorf("%q is shown as %q", in, out)
		}
	}
	if out := s.Mask("turned on"); out != "turned on" {
		t.Errorf("a short value hides words: %q", out)
	}
}
