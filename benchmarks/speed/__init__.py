"""The shop, the peers and the clocks of the speed benchmarks."""
