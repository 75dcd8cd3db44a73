// kube-controller-manager runs the controllers that the local cluster needs, and no others: each one that is
// left out saves seconds of the first build. There is none for EndpointSlices: the API server refuses loopback
// addresses in them, and pods of the local cluster have no others.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/metadata/metadatainformer"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/controller-manager/pkg/informerfactory"
	"k8s.io/klog/v2"
	"k8s.io/kubernetes/pkg/controller/certificates/rootcacertpublisher"
	"k8s.io/kubernetes/pkg/controller/deployment"
	"k8s.io/kubernetes/pkg/controller/garbagecollector"
	"k8s.io/kubernetes/pkg/controller/job"
	"k8s.io/kubernetes/pkg/controller/namespace"
	"k8s.io/kubernetes/pkg/controller/replicaset"
	"k8s.io/kubernetes/pkg/controller/serviceaccount"
	"k8s.io/kubernetes/pkg/controller/ttlafterfinished"
)

const (
	resyncPeriod = 12 * time.Hour
	workers      = 5
)

func main() {
	kubeconfig := flag.String("kubeconfig", "", "credentials for the API server")
	rootCAFile := flag.String("root-ca-file", "", "certificate that kube-root-ca.crt publishes to every namespace")
	klog.InitFlags(nil)
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if err := run(ctx, *kubeconfig, *rootCAFile); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run starts every controller and returns when ctx ends; an error means that none was started.
func run(ctx context.Context, kubeconfig, rootCAFile string) error {
	rootCA, err := os.ReadFile(rootCAFile)
	if err != nil {
		return fmt.Errorf("read the root CA: %w", err)
	}
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return fmt.Errorf("read the kubeconfig: %w", err)
	}
	// One local user owns the API server: there is nobody to be fair to.
	config.QPS, config.Burst = 1000, 2000
	client, err := kubernetes.NewForConfig(rest.AddUserAgent(config, "kube-controller-manager"))
	if err != nil {
		return err
	}
	metadataClient, err := metadata.NewForConfig(config)
	if err != nil {
		return err
	}
	shared := informers.NewSharedInformerFactory(client, resyncPeriod)
	allObjects := informerfactory.NewInformerFactory(
		shared, metadatainformer.NewSharedInformerFactory(metadataClient, resyncPeriod))
	informersStarted := make(chan struct{})

	loops, err := newControllers(ctx, client, shared, rootCA)
	if err != nil {
		return err
	}
	namespaces := namespace.NewNamespaceController(ctx, client, metadataClient,
		client.Discovery().ServerPreferredNamespacedResources, shared.Core().V1().Namespaces(),
		resyncPeriod, v1.FinalizerKubernetes)
	loops = append(loops, func(ctx context.Context) { namespaces.Run(ctx, workers) })

	mapper := restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(client.Discovery()))
	graph := garbagecollector.NewDependencyGraphBuilder(ctx, metadataClient, mapper,
		map[schema.GroupResource]struct{}{{Group: "", Resource: "events"}: {}, {Group: "events.k8s.io", Resource: "events"}: {}},
		allObjects, informersStarted)
	collector, err := garbagecollector.NewComposedGarbageCollector(ctx, client, metadataClient, mapper, graph)
	if err != nil {
		return fmt.Errorf("garbage collector: %w", err)
	}
	loops = append(loops,
		func(ctx context.Context) { collector.Run(ctx, workers, 10*time.Second) },
		// Short, so that owners of a kind whose CRD was just installed are followed soon.
		func(ctx context.Context) { collector.Sync(ctx, client.Discovery(), time.Second) })

	allObjects.Start(ctx.Done())
	close(informersStarted)
	for _, loop := range loops {
		go loop(ctx)
	}
	<-ctx.Done()
	return nil
}

// newControllers makes the controllers that need nothing but a client and the shared informers.
func newControllers(
	ctx context.Context, client kubernetes.Interface, shared informers.SharedInformerFactory, rootCA []byte,
) ([]func(context.Context), error) {
	core, apps, batch := shared.Core().V1(), shared.Apps().V1(), shared.Batch().V1()
	jobs, err := job.NewController(ctx, client, core.Pods(), batch.Jobs(), nil, nil)
	if err != nil {
		return nil, fmt.Errorf("job controller: %w", err)
	}
	deployments, err := deployment.NewDeploymentController(
		ctx, apps.Deployments(), apps.ReplicaSets(), core.Pods(), client)
	if err != nil {
		return nil, fmt.Errorf("deployment controller: %w", err)
	}
	accounts, err := serviceaccount.NewServiceAccountsController(klog.FromContext(ctx),
		core.ServiceAccounts(), core.Namespaces(), client,
		serviceaccount.DefaultServiceAccountsControllerOptions())
	if err != nil {
		return nil, fmt.Errorf("service account controller: %w", err)
	}
	publisher, err := rootcacertpublisher.NewPublisher(core.ConfigMaps(), core.Namespaces(), client, rootCA)
	if err != nil {
		return nil, fmt.Errorf("root CA publisher: %w", err)
	}
	replicaSets := replicaset.NewReplicaSetController(
		ctx, apps.ReplicaSets(), core.Pods(), client, replicaset.BurstReplicas)
	expired := ttlafterfinished.New(ctx, batch.Jobs(), client)
	return []func(context.Context){
		func(ctx context.Context) { jobs.Run(ctx, workers) },
		func(ctx context.Context) { deployments.Run(ctx, workers) },
		func(ctx context.Context) { replicaSets.Run(ctx, workers) },
		func(ctx context.Context) { accounts.Run(ctx, workers) },
		func(ctx context.Context) { publisher.Run(ctx, workers) },
		func(ctx context.Context) { expired.Run(ctx, workers) },
	}, nil
}
