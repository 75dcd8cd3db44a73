// What the tools that watch a cluster make of our files: a kind as the argument, a document on standard input.
//
// The document is decoded strictly into the types that its consumer publishes: an unknown field, a wrong type and, where
// the types know it, a missing field end the program with status 1 and say so.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
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
		return decodeDashboard(document)
	}
	return fmt.Errorf("no consumer is known for %s", kind)
}

func decodeDashboard(document []byte) error {
	// Without these, panels and queries are not looked into.
	plugins.RegisterDefaultPlugins()
	document, err := withDataSources(document)
	if err != nil {
		return err
	}
	board := dashboard.Dashboard{}
	if err := board.UnmarshalJSONStrict(document); err != nil && !isEmpty(err) {
		return err
	}
	return board.Validate()
}

// The types return an empty list of errors where they found none.
func isEmpty(err error) bool {
	var found cog.BuildErrors
	return errors.As(err, &found) && len(found) == 0
}

// A query without a data source has that of its panel, in Grafana too; the types look at the query's alone.
func withDataSources(document []byte) ([]byte, error) {
	var board map[string]any
	if err := json.Unmarshal(document, &board); err != nil {
		return nil, err
	}
	panels, _ := board["panels"].([]any)
	for _, each := range panels {
		panel, _ := each.(map[string]any)
		queries, _ := panel["targets"].([]any)
		for _, query := range queries {
			if fields, ok := query.(map[string]any); ok && fields["datasource"] == nil {
				fields["datasource"] = panel["datasource"]
			}
		}
	}
	return json.Marshal(board)
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
