"""Arrays in, arrays out: meshes, fields on them and what they radiate.  No files, no MPI."""
