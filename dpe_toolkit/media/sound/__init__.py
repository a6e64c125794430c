"""Sound: the streams of a file, its samples, mixed and retimed, and two recordings aligned."""
