"""Whether what lists say is true: claims derived a second time, on a path that shares nothing with serving."""
