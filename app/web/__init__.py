"""What ``nobody serve`` answers over HTTP."""
