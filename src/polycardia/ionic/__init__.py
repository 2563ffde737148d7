"""Cell models as text files, turned into compiled kernels that advance many cells at once."""
