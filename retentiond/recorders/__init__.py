"""What is known of each recorder: how it names its files, which cameras it has, what it is set up to record.

`registry` is the way in. A layout turns a name into a recording or into nothing; it never guesses.
"""
