"""Writing outputs: containers, codecs, the pixels they hold, their sound, copied ranges."""
