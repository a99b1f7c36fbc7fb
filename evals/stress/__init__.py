"""Commands that try to make a memory file lose, mix up or keep what it must not.

``python -m agentmem.evals.stress.kill`` kills writers, ``.processes`` lets many processes write and read
one file, ``.erase`` looks for the bytes of erased memories.
"""
