"""The media role's HTTP routes, one file a resource."""
