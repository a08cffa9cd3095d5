"""The shipped dialplans, one a file; `routes.toml` says which number gets which."""
