"""A study as a Workflow Run RO-Crate: a folder that says what was computed, from what, and how.

The crate is a new folder, not a file among the results: its workflow has to be in it, and what is
handed on must hold no more than it names.  By itself it holds no result, for tables and pages have
clinical values in them and hearts are called after their patients.  They are named by their
digests, so that whoever is given them otherwise can tell that they are the ones.  Where patients
are asked for, the files are in it too: as second names of the same files where the file system has
such, so that thousands of hearts take no room and no time.  Nothing edits a result in place, so
neither can change the other.
"""

from polycardia.study.crate.folder import crate

__all__ = ["crate"]
