"""The example's four cases as they usually are written. They fail; don't copy from here.

Each file says what the idea is and why it doesn't hold. `python demo.py` measures them.
"""
