package cluster

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	authentication "k8s.io/api/authentication/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
)

// as speaks with a certificate of the cluster's own authority. It panics when none can be made: that is arithmetic.
func (c *Cluster) as(name string, groups ...string) *rest.Config {
	cert, key, err := c.certs.sign(name, groups...)
	if err != nil {
		panic(err)
	}
	return &rest.Config{Host: c.URL, TLSClientConfig: rest.TLSClientConfig{CAData: c.certs.pem, CertData: cert, KeyData: key}}
}

// User is a kubeconfig for somebody with the given name and groups, who may do what RBAC gives them.
func (c *Cluster) User(t testing.TB, name string, groups ...string) string {
	t.Helper()
	return c.save(t, name, c.as(name, groups...))
}

// ServiceAccount is a kubeconfig that speaks as a service account, which must exist, by a token that is good for an
// hour.
func (c *Cluster) ServiceAccount(t testing.TB, namespace, name string) string {
	t.Helper()
	seconds := int64(time.Hour / time.Second)
	token, err := c.Clients.CoreV1().ServiceAccounts(namespace).CreateToken(t.Context(), name,
		&authentication.TokenRequest{Spec: authentication.TokenRequestSpec{ExpirationSeconds: &seconds}}, meta.CreateOptions{})
	if err != nil {
		t.Fatalf("make a token for %s/%s: %v", namespace, name, err)
	}
	return c.save(t, name, &rest.Config{Host: c.URL, BearerToken: token.Status.Token, TLSClientConfig: rest.TLSClientConfig{CAData: c.certs.pem}})
}

func (c *Cluster) save(t testing.TB, name string, who *rest.Config) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "kubeconfig")
	if err := writeKubeconfig(path, name, who); err != nil {
		t.Fatal(err)
	}
	return path
}

func writeKubeconfig(path, name string, who *rest.Config) error {
	cfg := api.NewConfig()
	cfg.Clusters["cluster"] = &api.Cluster{Server: who.Host, CertificateAuthorityData: who.CAData}
	cfg.AuthInfos[name] = &api.AuthInfo{ClientCertificateData: who.CertData, ClientKeyData: who.KeyData, Token: who.BearerToken}
	cfg.Contexts["cluster"] = &api.Context{Cluster: "cluster", AuthInfo: name, Namespace: "default"}
	cfg.CurrentContext = "cluster"
	text, err := clientcmd.Write(*cfg)
	if err != nil {
		return err
	}
	return os.WriteFile(path, text, 0o600)
}
