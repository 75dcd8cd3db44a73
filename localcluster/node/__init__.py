"""A node that runs pods as local processes and reports them to the API server the way a kubelet does."""
