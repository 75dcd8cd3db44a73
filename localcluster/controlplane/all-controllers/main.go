// all-controllers is the whole kube-controller-manager, for the cluster with real containers: a kubelet's node
// needs more of it than the pods that run as processes do.
package main

import (
	"os"

	"k8s.io/component-base/cli"
	"k8s.io/kubernetes/cmd/kube-controller-manager/app"
)

func main() { os.Exit(cli.Run(app.NewControllerManagerCommand())) }
