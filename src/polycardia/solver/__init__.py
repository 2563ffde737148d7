"""The distributed monodomain solver: the only place that knows PETSc and MPI."""
