"""Reading frames: of films, and of image sequences."""
