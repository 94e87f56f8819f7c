"""What `manage.py check` finds before a shopper does."""
