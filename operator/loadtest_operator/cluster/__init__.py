"""The API server and the pods, as the operator speaks to them."""
