# cython: language_level=3, freethreading_compatible=True
cdef long total = 0


def add(long number):
    global total
    total += number
    return total
