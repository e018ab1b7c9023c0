"""Terms of an equation: each adds to du/dt and to its exact Jacobian."""
