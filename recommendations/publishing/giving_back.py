import ctypes


def give_back_memory() -> None:
    """Tell the C library to return what is free to the system: it would keep what loading a version took for a moment.

    Nothing happens where the C library is not glibc.
    """
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):  # musl and macOS have none, Windows has no library of this name
        return
    trim.argtypes, trim.restype = [ctypes.c_size_t], ctypes.c_int
    trim(0)
