"""What the page of ``utils/export_web.py`` is made of; its own files are in ``page``."""
