"""The distributed monodomain solver: the only place that knows PETSc and MPI."""

from polycardia.solver.launch import start_mpi

start_mpi()
