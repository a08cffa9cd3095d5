"""HTTP to elsewhere: a guard, a client, signed webhooks."""
