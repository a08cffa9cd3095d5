"""How one schema of `calls.sqlite` becomes the next; run by Alembic."""
