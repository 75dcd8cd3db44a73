// What Flux makes of resources by the healthCheckExprs of a Kustomization, which is read strictly: the Kustomization as
// JSON is the first line in, each other line is a resource, and a status is a line out.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"

	"github.com/fluxcd/kustomize-controller/api/v1"
	"github.com/fluxcd/pkg/runtime/cel"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<24)
	lines.Scan()
	var kustomization v1.Kustomization
	decoder := json.NewDecoder(bytes.NewReader(lines.Bytes()))
	decoder.DisallowUnknownFields()
	check(decoder.Decode(&kustomization))
	evaluators := map[string]*cel.StatusEvaluator{}
	for _, each := range kustomization.Spec.HealthCheckExprs {
		evaluator, err := cel.NewStatusEvaluator(&each.HealthCheckExpressions)
		check(err)
		evaluators[each.APIVersion+" "+each.Kind] = evaluator
	}
	for lines.Scan() {
		resource := &unstructured.Unstructured{}
		check(resource.UnmarshalJSON(lines.Bytes()))
		result, err := evaluators[resource.GetAPIVersion()+" "+resource.GetKind()].Evaluate(context.Background(), resource)
		check(err)
		fmt.Println(result.Status)
	}
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
