"""What is kept of calls: their records and events in a database, their sound in files."""
