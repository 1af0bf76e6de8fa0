"""What every other package speaks: skeleton, actions, camera, frame record and contracts."""

import sys

from base.errors import explain_missing_library

sys.excepthook = explain_missing_library
