"""What the command `holdfast` can do: each file in here is a command, each folder a group of them.

A command is registered by being here. Its module has

- a docstring: the first line is shown in lists, all of it by `--help`;
- `arguments(parser)`: what it takes, for `argparse`;
- `run(options, output) -> int`: does it, and returns the exit status.

A group's `__init__.py` has a docstring, and may have `arguments(parser)`, for all that is in it.
A name that begins with an underscore is no command. `holdfast.cli` finds and runs them.
"""
