"""Speed and cost: latency, throughput, training speed, memory, FLOPs, energy, and fair comparisons of them.

    case.py        what is timed: a member, at a size, in a mode, on a device
    clock.py       times calls where they happen: events on CUDA, the monotonic clock elsewhere
    subjects.py    a case made runnable: generation, training, ONNX Runtime
    worker.py      the process in which everything is timed; process.py is the parent's end of it
    rounds.py      warm-up until stable; rounds interleaved as a palindrome
    verdict.py     paired log-ratios of rounds -> interval, noise floor, verdict
    counters.py    parameters and FLOPs: exact
    machine.py     load by others, clock frequency, energy counter
    measure.py     a member -> its Speed record; versus.py measures two against each other
    record.py      the Speed record; costs.py puts it beside the rows of a board

What only reads records (record.py, costs.py, verdict.py, rounds.py) needs no torch.
"""
