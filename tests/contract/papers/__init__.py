"""The papers' equations typed a second time, in the papers' own order and letters.

Nothing here is shared with the models' texts: a slip in one of the two shows as a difference.
Each module has ``STATES``, the text's names of the states in the order of ``rhs``; ``CELLS``, what
differs between cell types; and ``rhs(V, y, cell, functions)``, d/dt of V and the states without a
stimulus.  Units: ms, mV, A/F, mM.
"""
