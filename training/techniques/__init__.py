"""Ways to train that every task may use: optimisers, losses, averages, ensembles, several processes."""
