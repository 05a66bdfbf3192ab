"""THE FRONT: the site itself: settings, urls, and all customer HTTP. Open `urls.py` first."""
