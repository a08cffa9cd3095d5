"""The other side: phones that call us, for `try` and `bench`."""
