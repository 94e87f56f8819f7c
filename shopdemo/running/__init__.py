"""What `run_demo` runs: a worker, a training that one can watch, and the shop's server."""
