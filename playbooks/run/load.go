package run

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
)

// LoadCluster finds the way into Kubernetes: the kubeconfig files that kubeconfig names, as KUBECONFIG does, and with
// none the service account of the pod that this process runs in. Files that a kubeconfig names are read into it, for
// the current context only. Without either it gives the zero Cluster. Tokens are renewed on disk: load it anew for
// every performance.
func LoadCluster(kubeconfig string) (Cluster, error) {
	var c *api.Config
	var err error
	if kubeconfig != "" {
		c, err = fromFiles(kubeconfig)
	} else {
		c, err = fromPod()
	}
	if err != nil || c == nil {
		return Cluster{}, err
	}
	text, err := clientcmd.Write(*c)
	if err != nil {
		return Cluster{}, fmt.Errorf("read the kubeconfig: %w", err)
	}
	return Cluster{Kubeconfig: text}, nil
}

// fromFiles reads kubeconfig files into one that names no other file.
func fromFiles(list string) (*api.Config, error) {
	rules := &clientcmd.ClientConfigLoadingRules{}
	for _, file := range filepath.SplitList(list) {
		if file == "" {
			continue
		}
		if _, err := os.Stat(file); err != nil {
			return nil, fmt.Errorf("KUBECONFIG names %s: %w", file, err)
		}
		rules.Precedence = append(rules.Precedence, file)
	}
	c, err := rules.Load()
	if err != nil {
		return nil, fmt.Errorf("read the kubeconfig: %w", err)
	}
	if c.CurrentContext == "" {
		return nil, fmt.Errorf("the kubeconfig %s has no current-context, so that nothing says which cluster to use", list)
	}
	if err := api.MinifyConfig(c); err != nil {
		return nil, fmt.Errorf("read the kubeconfig %s: %w", list, err)
	}
	if err := api.FlattenConfig(c); err != nil {
		return nil, fmt.Errorf("read the files that the kubeconfig %s names: %w", list, err)
	}
	for _, user := range c.AuthInfos {
		if user.TokenFile == "" {
			continue
		}
		token, err := os.ReadFile(user.TokenFile)
		if err != nil {
			return nil, fmt.Errorf("read the token that the kubeconfig %s names: %w", list, err)
		}
		user.Token, user.TokenFile = string(token), ""
	}
	return c, nil
}

// fromPod is the way in that Kubernetes puts into every pod; nil: this is no pod, or one without a token.
func fromPod() (*api.Config, error) {
	in, err := rest.InClusterConfig()
	if errors.Is(err, rest.ErrNotInCluster) || errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the pod's service account: %w", err)
	}
	ca, err := os.ReadFile(in.CAFile)
	if err != nil {
		return nil, fmt.Errorf("read the cluster's certificate: %w", err)
	}
	c := api.NewConfig()
	c.Clusters["cluster"] = &api.Cluster{Server: in.Host, CertificateAuthorityData: ca}
	c.AuthInfos["pod"] = &api.AuthInfo{Token: in.BearerToken}
	c.Contexts["cluster"] = &api.Context{Cluster: "cluster", AuthInfo: "pod"}
	c.CurrentContext = "cluster"
	return c, nil
}
