// What the tools that watch a cluster make of our files: a kind as the argument, a document on standard input.
//
// The document is decoded strictly into the types that its consumer publishes: an unknown field, a wrong type and, where
// the types know it, a missing field end the program with status 1 and say so.
package main

import (
	"fmt"
	"io"
	"os"

	"github.com/grafana/grafana-foundation-sdk/go/cog/plugins"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"sigs.k8s.io/yaml"
)

func main() {
	if len(os.Args) != 2 {
		fail(fmt.Errorf("usage: monitoring KIND <DOCUMENT"))
	}
	document, err := io.ReadAll(os.Stdin)
	if err == nil {
		err = decode(os.Args[1], document)
	}
	if err != nil {
		fail(err)
	}
}

func decode(kind string, document []byte) error {
	switch kind {
	case monitoring.ServiceMonitorsKind:
		return yaml.UnmarshalStrict(document, &monitoring.ServiceMonitor{})
	case monitoring.PodMonitorsKind:
		return yaml.UnmarshalStrict(document, &monitoring.PodMonitor{})
	case monitoring.PrometheusRuleKind:
		return yaml.UnmarshalStrict(document, &monitoring.PrometheusRule{})
	case "Dashboard":
		// Without these, panels and queries are not looked into.
		plugins.RegisterDefaultPlugins()
		board := dashboard.Dashboard{}
		if err := board.UnmarshalJSONStrict(document); err != nil {
			return err
		}
		return board.Validate()
	}
	return fmt.Errorf("no consumer is known for %s", kind)
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
