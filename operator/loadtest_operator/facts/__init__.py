"""What a look at the cluster shows, as values, and how Kubernetes' JSON becomes them. Pure."""
