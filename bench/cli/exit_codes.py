"""What the exit codes mean that several verbs share; docs/command_line.md has all."""

FAULT = 1  # the answer is no, or the bench itself failed
USER = 2  # the user can fix it
INCOMPLETE = 4  # nothing failed, but another process still runs some of the jobs
SIGNALLED = 128  # ended by a signal: this and its number
