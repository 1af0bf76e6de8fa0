"""The synthetic set: free parametric bodies seen through the release's camera, in its layout."""

#: Pictures of a frame besides the coloured one.
PASSES = ("depth", "objectId")
#: A frame every five seconds: a small set is as varied as can be.
DEFAULT_STRIDE = 150
