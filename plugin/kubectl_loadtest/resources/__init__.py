"""LoadTests, manifests and results as JSON, without a cluster."""
