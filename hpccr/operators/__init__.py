"""Terms of an equation: each adds to du/dt and to its Jacobian, exact but for the slopes of limited fluxes."""
