"""What `manage.py demo` tells: `story` has the chapters, `page` the way they are printed, `reckoning` the proof."""
