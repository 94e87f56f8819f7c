"""One module for each fault; `happen(stand)` gives its outcomes."""
