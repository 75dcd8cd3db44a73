"""The live page of a run by hand, served by a process of its own that the generator tells what it measures.

Making a page takes longer than the event loop of a generator may be held up, and two threads of one process would hold
each other up. So the generator only gives away snapshots, as a pod does to the operator.
"""
