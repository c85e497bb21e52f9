// Command kube is a Kubernetes control plane in one file: it becomes etcd, kube-apiserver, kube-controller-manager,
// kube-scheduler or kwok, whichever its first argument or its own file name says. It never decides how any of them
// is run: that is package cluster's.
package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"go.etcd.io/etcd/server/v3/etcdmain"
	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/logs/json/register"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllers "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
	"sigs.k8s.io/kwok/pkg/config"
	kwok "sigs.k8s.io/kwok/pkg/kwok/cmd"
)

// parts are the names it answers to.
var parts = []string{"etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok"}

// deadline is the environment variable that says after how long the process ends itself, whatever it does: a test
// that was killed leaves nothing running. Not set: never.
const deadline = "KUBE_DEADLINE"

func main() {
	name := filepath.Base(os.Args[0])
	if !slices.Contains(parts, name) {
		if len(os.Args) < 2 || !slices.Contains(parts, os.Args[1]) {
			fmt.Fprintf(os.Stderr, "The first argument says what to be: %s.\n", strings.Join(parts, ", "))
			os.Exit(2)
		}
		name = os.Args[1]
		os.Args = append([]string{name}, os.Args[2:]...)
	}
	if text := os.Getenv(deadline); text != "" {
		after, err := time.ParseDuration(text)
		if err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n", deadline, err)
			os.Exit(2)
		}
		time.AfterFunc(after, func() {
			fmt.Fprintf(os.Stderr, "%s ends: it has run for %s.\n", name, after)
			os.Exit(3)
		})
	}
	if err := become(name); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// become runs a part until it ends.
func become(name string) error {
	var command *cobra.Command
	switch name {
	case "etcd":
		etcdmain.Main(os.Args)
		return nil
	case "kube-apiserver":
		command = apiserver.NewAPIServerCommand()
	case "kube-controller-manager":
		command = controllers.NewControllerManagerCommand()
	case "kube-scheduler":
		command = scheduler.NewSchedulerCommand()
	case "kwok":
		return simulate()
	}
	os.Exit(cli.Run(command))
	return nil
}

// simulate runs kwok. The other parts have put --version into the process's own flag set, where kwok's command
// would put it again: it gets an empty one.
func simulate() error {
	pflag.CommandLine = pflag.NewFlagSet("kwok", pflag.ExitOnError)
	flags := pflag.NewFlagSet("config", pflag.ContinueOnError)
	flags.ParseErrorsAllowlist.UnknownFlags = true
	flags.Usage = func() {}
	ctx, err := config.InitFlags(context.Background(), flags)
	if err != nil {
		return fmt.Errorf("read kwok's configuration: %w", err)
	}
	command := kwok.NewCommand(ctx)
	command.PersistentFlags().AddFlagSet(flags)
	return command.ExecuteContext(ctx)
}
