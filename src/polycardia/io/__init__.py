"""Files in and out: the only place that knows HDF5, meshio and VTK.  No communicator."""
