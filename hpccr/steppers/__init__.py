"""PETSc's time steppers, set up for a system of terms."""
