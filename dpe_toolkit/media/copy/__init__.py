"""What of a source can be copied as it is stored: ranges of frames, and H.264 as it is packed."""
